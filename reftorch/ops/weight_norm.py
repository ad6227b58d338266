"""Weights split into a length and a direction."""
from ..core import T, composite, primitive


def _along(v, dim):
    """The shape of one number for each slice of v along `dim`."""
    return [n if d == dim % v.ndim else 1 for d, n in enumerate(v.shape)]


@composite("norm_except_dim(Tensor v, int pow=2, int dim=0) -> Tensor")
def norm_except_dim(v, pow, dim):
    """The norms of the slices along `dim`, with v's number of dims; of all of v when `dim` is -1."""
    if dim == -1:
        return v.norm(pow)
    rows = v.transpose(0, dim).reshape(v.size(dim), -1)
    return rows.norm(pow, 1).view(_along(v, dim))


def _gradient(grad, v, g, dim):
    """w = g v / |v|: the gradients of v and of g."""
    norm = T.norm_except_dim(v, 2, dim)
    along = (grad * v).sum([d for d in range(v.dim()) if d != dim % v.dim()], True) if v.dim() > 1 else grad * v
    return g / norm * (grad - v * along / (norm * norm)), along / norm


@primitive("_weight_norm_interface(Tensor v, Tensor g, int dim=0) -> (Tensor, Tensor)",
           v__and__g=lambda grad, v, g, dim: _gradient(grad, v, g, dim))
def _weight_norm_interface(v, g, dim):
    """g v / |v|, and |v|, along the first or the last dim."""
    others = tuple(d for d in range(v.ndim) if d != dim % v.ndim)
    norm = (v * v).sum(others, keepdims=True) ** 0.5
    return v * (g / norm), norm


@composite("_weight_norm(Tensor v, Tensor g, int dim=0) -> Tensor")
def _weight_norm(v, g, dim):
    """g v / |v|, the norms taken of the slices along `dim`."""
    if dim in (0, v.dim() - 1):
        return T._weight_norm_interface(v, g, dim)[0]
    return v * (g / T.norm_except_dim(v, 2, dim))
