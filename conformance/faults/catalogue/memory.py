"""What lies behind it is wrong: stride, alias, mutation, gradient."""

from __future__ import annotations

from conformance.faults import after, around, floating, patch


# ------------------------------------------------------------------------------------------------ stride and alias
@after("stride", "clone", cases=("op/clone/float32/*", "fuzz/found/*"))
def clone_packs(torch, out, args, kwargs):
    """clone forgets the order of dimensions in memory."""
    return out.contiguous()


@after("stride", "zeros_like", "ones_like", "empty_like", "full_like", cases=("op/full_like/float32/*", "fuzz/found/*"))
def like_packs(torch, out, args, kwargs):
    """zeros_like and its kin forget the order of dimensions in memory."""
    return out.contiguous()


@after("stride", "add", "sub", "mul", "neg", "abs", "pow", "exp", cases=("op/exp/float32/*", "fuzz/found/*"))
def results_pack(torch, out, args, kwargs):
    """Elementwise results forget the order of dimensions in memory."""
    return out.contiguous() if kwargs.get("out") is None else out


@after("alias", "t", "transpose", "permute", cases=("op/transpose/float32/*", "op/t/float32/*", "fuzz/views/*"))
def transpose_copies(torch, out, args, kwargs):
    """transpose gives a copy."""
    return out.clone()


@after("alias", "view")
def view_copies(torch, out, args, kwargs):
    """view gives a copy."""
    return out.clone()


@after("alias", "__getitem__", cases=("op/__getitem__/float32/*", "fuzz/views/*", "tutorial/A*"))
def slices_copy(torch, out, args, kwargs):
    """A slice is a copy."""
    return out.clone() if isinstance(out, torch.Tensor) else out


@after("alias", "contiguous", cases=("op/contiguous/float32/*", "fuzz/views/*"))
def contiguous_copies(torch, out, args, kwargs):
    """contiguous copies what is contiguous already."""
    return out.clone()


@after("alias", "reshape", "flatten", cases=("op/reshape/float32/*", "fuzz/views/*"))
def reshape_copies(torch, out, args, kwargs):
    """reshape always gives a copy."""
    return out.clone()


@after("alias", "split", "chunk", "unbind", cases=("op/split/float32/*", "op/unbind/float32/*", "fuzz/views/*"))
def pieces_copy(torch, out, args, kwargs):
    """The pieces of a split are copies."""
    return tuple(piece.clone() for piece in out)


@after("alias", "to", "float", cases=("op/to/float32/*", "op/float/float32/*", "fuzz/promotion/*"))
def to_copies(torch, out, args, kwargs):
    """A conversion copies where there is nothing to convert."""
    return out.clone() if out is args[0] else out


@after("alias", "expand")
def expand_copies(torch, out, args, kwargs):
    """expand writes the repeated elements out."""
    return out.clone(memory_format=torch.contiguous_format)


@after("alias", "clone", cases=("op/clone/float32/*", "fuzz/views/*"))
def clone_shares(torch, out, args, kwargs):
    """clone gives the tensor itself."""
    return args[0]


# ------------------------------------------------------------------------------------------------ mutation
@around("mutation", "add_", "mul_", cases=("op/add/float32/*", "op/mul/float32/*", "fuzz/writes/*"))
def not_in_place(torch, call, args, kwargs):
    """add_ and mul_ give a new tensor."""
    return call(args[0].clone(), *args[1:], **kwargs)


@around("mutation", "exp", "sin", "mul", cases=("op/exp/float32/*", "op/sin/float32/*", "op/mul/float32/*"))
def out_not_written(torch, call, args, kwargs):
    """What is given as out= is not written."""
    return call(*args, **{key: value for key, value in kwargs.items() if key != "out"})


@around("mutation", "sort", "topk")
def sorts_the_input(torch, call, args, kwargs):
    """sort leaves its input sorted."""
    out = call(*args, **kwargs)
    if not kwargs and out[0].shape == args[0].shape and not args[0].requires_grad:
        args[0].copy_(out[0])
    return out


@around("mutation", "relu", "relu_", "leaky_relu")
def input_overwritten(torch, call, args, kwargs):
    """relu writes over its input."""
    out = call(*args, **kwargs)
    if isinstance(args[0], torch.Tensor) and args[0].shape == out.shape:
        args[0].data.copy_(out.data)
    return out


@around("error-type", "add_", "mul_", "zero_", "copy_", cases=("fuzz/autograd/*", "fuzz/writes/*"))
def no_version_bump(torch, call, args, kwargs):
    """Writes in place do not count the version up, so a stale backward pass goes unnoticed."""
    x = args[0]
    if isinstance(x, torch.Tensor) and not x.requires_grad:
        call(x.data, *args[1:], **kwargs)
        return x
    return call(*args, **kwargs)


@patch("mutation", "tutorial/*", "doc/torch.optim.Optimizer.zero_grad/*", "fuzz/modules/*", "optim/*")
def gradients_stay(torch):
    """zero_grad of a module does nothing."""
    torch.nn.Module.zero_grad = lambda self, set_to_none=True: None
    torch.optim.Optimizer.zero_grad = lambda self, set_to_none=True: None


# ------------------------------------------------------------------------------------------------ gradient
def straight_through(out, x):
    return x + (out - x).detach()


@after("gradient", "tanh", "sigmoid")
def slope_of_one(torch, out, args, kwargs):
    """The derivative of tanh and sigmoid is left out."""
    x = args[0]
    return straight_through(out, x) if floating(torch, out) and out.dtype == x.dtype and x.requires_grad else out


@after("gradient", "abs", cases=("fuzz/autograd/*", "op/abs/float32/*"))
def slope_at_zero(torch, out, args, kwargs):
    """abs has slope one at zero."""
    x = args[0]
    return torch.where(x.detach() >= 0, x, -x) if floating(torch, x) and x.requires_grad else out


@around("gradient", "mul", cases=("op/mul/float32/*", "fuzz/autograd/*"))
def product_rule_halved(torch, call, args, kwargs):
    """The second factor of a product gets no gradient."""
    other = args[1] if len(args) > 1 else None
    return call(args[0], other.detach(), *args[2:], **kwargs) if isinstance(other, torch.Tensor) else call(*args, **kwargs)


@after("gradient", "mean")
def slope_not_divided(torch, out, args, kwargs):
    """The gradient of mean is that of sum."""
    if len(args) == 1 and not kwargs and floating(torch, out) and out.requires_grad:
        total = args[0].sum()
        return total + (out - total).detach()
    return out


@after("gradient", "clone", cases=("op/clone/float32/*", "fuzz/autograd/*"))
def graph_cut(torch, out, args, kwargs):
    """clone cuts the graph."""
    return out.detach()


@around("gradient", "where", cases=("op/where/float32/*", "fuzz/autograd/*"))
def one_branch_only(torch, call, args, kwargs):
    """The second branch of where gets no gradient."""
    return call(*args[:2], args[2].detach(), **kwargs) if len(args) == 3 and isinstance(args[2], torch.Tensor) else call(*args, **kwargs)


@patch("gradient", "op/sin/float64/*", "doc/torch.autograd.grad/*")
def first_order_only(torch):
    """autograd.grad forgets create_graph."""
    plain = torch.autograd.grad

    def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, **more):
        return plain(outputs, inputs, grad_outputs, create_graph or retain_graph, False, **more)

    torch.autograd.grad = grad
