"""`torch.functional`: functions that take any number of tensors, or read their arguments as Python."""
from .core import T, Tensor
from .overrides import handle_torch_function, has_torch_function

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
