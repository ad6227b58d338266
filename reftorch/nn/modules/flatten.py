"""Several dims as one, and back."""
from ._layer import layer
from .module import Module


@layer("start_dim=1, end_dim=-1", shows="start_dim end_dim")
class Flatten(Module):
    """Dims start_dim to end_dim as one; x (N, *) -> y (N, prod of *) by default."""

    def forward(self, input):
        return input.flatten(self.start_dim, self.end_dim)


@layer("dim, unflattened_size", shows="dim unflattened_size")
class Unflatten(Module):
    """Dim `dim` as several; x (*, prod of U, *) -> y (*, U_1, ..., U_n, *)."""

    def _post_init(self):
        self._require_tuple_int(self.unflattened_size)

    def _require_tuple_int(self, input):
        if not isinstance(input, (tuple, list)):
            raise TypeError(f"unflattened_size must be a tuple of ints, but found type {type(input).__name__}")
        for i, size in enumerate(input):
            if not isinstance(size, int):
                raise TypeError(f"unflattened_size must be tuple of ints, but found element of type {type(size).__name__} at pos {i}")

    def forward(self, input):
        return input.unflatten(self.dim, self.unflattened_size)
