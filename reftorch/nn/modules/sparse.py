"""Rows of a table, picked by index."""
import reftorch as torch

from .. import functional as F
from .. import init
from ..parameter import Parameter
from ._layer import layer, shown
from .module import Module


class _Table(Module):
    """The weight [num_embeddings, embedding_dim]; the row `padding_idx` starts as zeros and learns nothing. Other arguments become attributes."""

    def __init__(self, num_embeddings, embedding_dim, padding_idx, _weight, device, dtype, _freeze=False, **kept):
        super().__init__()
        if padding_idx is not None:
            if not -num_embeddings <= padding_idx < num_embeddings:
                raise AssertionError(f"{self._index_name} must be within num_embeddings")
            padding_idx %= num_embeddings
        self.num_embeddings, self.embedding_dim, self.padding_idx = num_embeddings, embedding_dim, padding_idx
        for name, value in kept.items():
            setattr(self, name, value)
        if _weight is None:
            self.weight = Parameter(torch.empty((num_embeddings, embedding_dim), device=device, dtype=dtype), requires_grad=not _freeze)
            self.reset_parameters()
        elif tuple(_weight.shape) != (num_embeddings, embedding_dim):
            raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
        else:
            self.weight = Parameter(_weight, requires_grad=not _freeze)

    def reset_parameters(self):
        """Draw the table anew from N(0, 1)."""
        init.normal_(self.weight)
        self._fill_padding_idx_with_zero()

    @torch.no_grad()
    def _fill_padding_idx_with_zero(self):
        if self.padding_idx is not None:
            self.weight[self.padding_idx].zero_()


def _on(cls, embeddings, **arguments):
    if embeddings.dim() != 2:
        raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
    return cls(*embeddings.shape, _weight=embeddings, **arguments)


@layer("num_embeddings, embedding_dim, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False, _weight=None, "
       "_freeze=False, device=None, dtype=None",
       "F.embedding(input; weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)",
       constants="num_embeddings embedding_dim padding_idx max_norm norm_type scale_grad_by_freq sparse")
class Embedding(_Table):
    """y = the rows of the table at x; x (*) of integers -> y (*, embedding_dim)."""

    _index_name = "Padding_idx"

    def extra_repr(self):
        unusual = shown(self, padding_idx=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, sparse=False)
        return ", ".join(filter(None, (f"{self.num_embeddings}, {self.embedding_dim}", unusual)))

    @classmethod
    def from_pretrained(cls, embeddings, freeze=True, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
        """An Embedding on the given table [V, D], not trained when `freeze`."""
        given = dict(locals())
        return _on(_freeze=given.pop("freeze"), **given)


@layer("num_embeddings, embedding_dim, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode='mean', sparse=False, _weight=None, "
       "include_last_offset=False, padding_idx=None, device=None, dtype=None",
       constants="num_embeddings embedding_dim max_norm norm_type scale_grad_by_freq mode sparse include_last_offset padding_idx")
class EmbeddingBag(_Table):
    """y = the sum, mean or max of the rows of each bag; x (B, N), or x (N) with the bags' starts `offsets` (B) -> y (B, embedding_dim)."""

    _index_name = "padding_idx"

    def forward(self, input, offsets=None, per_sample_weights=None):
        return F.embedding_bag(input, self.weight, offsets, mode=self.mode, per_sample_weights=per_sample_weights, padding_idx=self.padding_idx,
                               include_last_offset=self.include_last_offset, max_norm=self.max_norm, norm_type=self.norm_type, sparse=self.sparse,
                               scale_grad_by_freq=self.scale_grad_by_freq)

    def extra_repr(self):
        texts = (f"{self.num_embeddings}, {self.embedding_dim}", shown(self, max_norm=None, norm_type=2, scale_grad_by_freq=False),
                 f"mode={self.mode!r}", shown(self, padding_idx=None))
        return ", ".join(filter(None, texts))

    @classmethod
    def from_pretrained(cls, embeddings, freeze=True, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, mode="mean", sparse=False,
                        include_last_offset=False, padding_idx=None):
        """An EmbeddingBag on the given table [V, D], not trained when `freeze`."""
        given = dict(locals())
        made = _on(**{name: value for name, value in given.items() if name != "freeze"})
        made.weight.requires_grad = not freeze
        return made
