"""`torch.functional`: functions that take any number of tensors, or read their arguments as Python."""
import warnings
from collections.abc import Sequence

from ._lazy import lazy
from .core import Size, T, Tensor
from .overrides import handle_torch_function, has_torch_function

cdist, istft, norm, stft, unique, unique_consecutive = T.cdist, T.istft, T.norm, T.stft, T.unique, T.unique_consecutive
__getattr__, __dir__ = lazy(__name__, names={"pca_lowrank": ".._lowrank", "svd_lowrank": ".._lowrank"})
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def _subscripts(labels):
    """A list of subscripts, numbers below 52 and Ellipsis, as letters."""
    def letter(n):
        if n is Ellipsis:
            return "..."
        if 0 <= n < 52:
            return _LETTERS[n]
        raise ValueError("einsum(): subscript in subscript list is not within the valid range [0, 52)")
    return "".join([letter(n) for n in labels])


def einsum(*args):
    """Sum of products over the labels that the output does not name: `einsum("bij,bjk->bik", a, b)`.

    Tensors and lists of subscripts may alternate instead: `einsum(a, [0, 1], b, [1, 2], [0, 2])`.
    """
    if len(args) < 2:
        raise ValueError("einsum(): must specify the equation string and at least one operand, or at least one operand and its subscripts list")
    if isinstance(args[0], Tensor):
        equation = ",".join([_subscripts(labels) for labels in args[1::2]]) if len(args) % 2 == 0 else (
            ",".join([_subscripts(labels) for labels in args[1:-1:2]]) + "->" + _subscripts(args[-1]))
        operands = args[:-1:2] if len(args) % 2 else args[::2]
    else:
        equation, operands = args[0], args[1:]
    if has_torch_function(operands):
        return handle_torch_function(einsum, operands, equation, *operands)
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        return einsum(equation, *operands[0])
    return T.einsum(equation, list(operands))


def tensordot(a, b, dims=2, out=None):
    """Sum of products over the last `dims` of `a` and first `dims` of `b`, or over two lists of dims."""
    if has_torch_function((a, b)):
        return handle_torch_function(tensordot, (a, b), a, b, dims=dims, out=out)
    if not isinstance(dims, (tuple, list, int, Tensor)):
        raise RuntimeError(f"tensordot expects dims to be int or tuple[list[int], list[int]] or list[list[int]] containing two lists, but got dims={dims}")
    if isinstance(dims, Tensor):
        pair = dims.numel() > 1
        dims = dims.tolist() if pair else int(dims.item())
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        dims = (list(range(-dims, 0)), list(range(dims)))
    left, right = dims
    return T.tensordot(a, b, left, right) if out is None else T.tensordot(a, b, left, right, out=out)


def chain_matmul(*matrices, out=None):
    """Product of several matrices in the order that costs least."""
    if has_torch_function(matrices):
        return handle_torch_function(chain_matmul, matrices, *matrices)
    if not matrices:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for m in matrices:
        if m.dim() != 2:
            raise RuntimeError(f"Tensor dimension is {m.dim()}, expected 2 instead.")
    if len(matrices) == 1:
        return matrices[0]
    return T.linalg_multi_dot(list(matrices)) if out is None else T.linalg_multi_dot(list(matrices), out=out)


# ------------------------------------------------------------------ any number of tensors
def _several(tensors):
    """The tensors given one by one or as one list."""
    return list(tensors[0]) if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else list(tensors)


def broadcast_tensors(*tensors):
    """Views of the tensors in their common shape."""
    if has_torch_function(tensors):
        return handle_torch_function(broadcast_tensors, tensors, *tensors)
    return T.broadcast_tensors(list(tensors))


def broadcast_shapes(*shapes):
    """The shape that tensors of these shapes have together."""
    result = []
    for i, shape in enumerate(shapes):
        if isinstance(shape, int):
            shape = (shape,)
        if not isinstance(shape, (tuple, list)):
            raise RuntimeError(f"Input shapes should be of type ints, a tuple of ints, or a list of ints, got {shape}")
        result = [1] * (len(shape) - len(result)) + result
        for at in range(-1, -1 - len(shape), -1):
            n = shape[at]
            if n < 0 or (n not in (1, result[at]) and result[at] != 1):
                raise RuntimeError(f"Attempting to broadcast a dimension of length {n} at {at}! Mismatching argument at index {i} had {shape}; but expected "
                                   f"shape should be broadcastable to {list(result)}")
            if n != 1:
                result[at] = n
    return Size(result)


def meshgrid(*tensors, indexing=None):
    """Coordinates of a grid: a tensor for each 1-dim input, constant along the dims of the others."""
    if has_torch_function(tensors):
        return handle_torch_function(meshgrid, tensors, *tensors, indexing=indexing)
    if indexing is None:
        warnings.warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument.", UserWarning, stacklevel=2)
    return T.meshgrid(_several(tensors), indexing=indexing or "ij")


def block_diag(*tensors):
    """Matrices along the diagonal of one."""
    if has_torch_function(tensors):
        return handle_torch_function(block_diag, tensors, *tensors)
    return T.block_diag(list(tensors))


def cartesian_prod(*tensors):
    """Every choice of one element from each 1-dim tensor, a row each."""
    if has_torch_function(tensors):
        return handle_torch_function(cartesian_prod, tensors, *tensors)
    return T.cartesian_prod(list(tensors))


def _atleast(dims, tensors):
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return getattr(T, f"atleast_{dims}d")(tensors[0])
    return getattr(T, f"atleast_{dims}d")(list(_several(tensors)) if len(tensors) != 1 else tensors[0])


def atleast_1d(*tensors):
    """The tensors with one dim at least."""
    if has_torch_function(tensors):
        return handle_torch_function(atleast_1d, tensors, *tensors)
    return _atleast(1, tensors)


def atleast_2d(*tensors):
    """The tensors with two dims at least."""
    if has_torch_function(tensors):
        return handle_torch_function(atleast_2d, tensors, *tensors)
    return _atleast(2, tensors)


def atleast_3d(*tensors):
    """The tensors with three dims at least."""
    if has_torch_function(tensors):
        return handle_torch_function(atleast_3d, tensors, *tensors)
    return _atleast(3, tensors)


def split(tensor, split_size_or_sections, dim=0):
    """Pieces of one length, the last what is left, or of the lengths listed."""
    if has_torch_function((tensor,)):
        return handle_torch_function(split, (tensor,), tensor, split_size_or_sections, dim=dim)
    return tensor.split(split_size_or_sections, dim)


def lu(A, pivot=True, get_infos=False, out=None):
    """LU with row swaps, and on request LAPACK's infos; the older name of `linalg.lu_factor`."""
    if has_torch_function((A,)):
        return handle_torch_function(lu, (A,), A, pivot=pivot, get_infos=get_infos, out=out)
    result = T._lu_with_info(A, pivot=pivot, check_errors=not get_infos)
    if out is not None:
        expected = 3 if get_infos else 2
        if not isinstance(out, (tuple, list)):
            raise TypeError(f"argument 'out' must be tuple of Tensors, not {type(out).__name__}")
        if len(out) != expected:
            raise TypeError(f"expected tuple of {expected} elements but got {len(out)}")
        for dest, value in zip(out, result, strict=True):
            dest.resize_as_(value).copy_(value)
        return out
    return result if get_infos else (result[0], result[1])


def unravel_index(indices, shape):
    """Flat indices into a tensor of `shape` as one tensor of coordinates for each dim."""
    if has_torch_function((indices,)):
        return handle_torch_function(unravel_index, (indices,), indices, shape=shape)
    if indices.is_complex() or indices.is_floating_point() or str(indices.dtype) == "torch.bool":
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    if isinstance(shape, int):
        shape = (shape,)
    if not isinstance(shape, Sequence):
        raise TypeError(f"expected 'shape' to be int or sequence of ints, but got {type(shape)}")
    for n in shape:
        if not isinstance(n, int):
            raise TypeError(f"expected 'shape' sequence to only contain ints, but got {type(n)}")
    shape = Size(shape)
    if any(n < 0 for n in shape):
        raise ValueError(f"'shape' cannot have negative values, but got {tuple(shape)}")
    coordinates, after = [], 1
    for n in reversed(shape):
        coordinates.append(T.div(indices, after, rounding_mode="floor") % n)
        after *= n
    return tuple(reversed(coordinates))
