"""Parameters as one vector."""
import reftorch as torch


def parameters_to_vector(parameters):
    """All parameters, flattened, one after another."""
    return torch.cat([p.view(-1) for p in parameters])


def vector_to_parameters(vec, parameters):
    """Let parameters view the slices of a vector; the inverse of parameters_to_vector."""
    if not isinstance(vec, torch.Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {torch.typename(vec)}")
    start = 0
    for p in parameters:
        p.data = vec[start:start + p.numel()].view_as(p).data
        start += p.numel()
