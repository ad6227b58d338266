"""Automatic differentiation: backward, grad, and the switches around them."""
import warnings

from ..core import Tensor, _core
from . import anomaly_mode, forward_ad, function, grad_mode, graph  # noqa: F401
from .anomaly_mode import detect_anomaly, set_detect_anomaly  # noqa: F401
from .function import Function, NestedIOFunction  # noqa: F401
from .grad_mode import (  # noqa: F401
    enable_grad,
    enforce_grad_layout_policy,
    inference_mode,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)

Variable = Tensor


def _tensors(value):
    return (value,) if isinstance(value, Tensor) or isinstance(value, graph.GradientEdge) else tuple(value)


def _rows(outputs, grads):
    """The gradients of a batch, one row at a time; each has one dim, the first, more than its output."""
    given = [(i, out, g) for i, (out, g) in enumerate(zip(outputs, grads, strict=False)) if g is not None]
    for i, out, g in given:                  # torch: the text shows the shape without its first two dims
        if g.shape[1:] != out.shape:
            raise RuntimeError(f"If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch dimension. The sizes of "
                               f"the remaining dimensions are expected to match the shape of corresponding output, but a mismatch was detected: "
                               f"grad_output[{i}] has a shape of {g.shape[2:]} and output[{i}] has a shape of {out.shape}. If you only want some tensors in "
                               "`grad_output` to be considered batched, consider using vmap.")
    if not given:
        # torch: left out, it is one for a scalar, and that has no rows
        raise ValueError("vmap(vjp, in_dims=0, ...)(<inputs>): Got in_dim=0 for some input, but that input is a Tensor of dimensionality 0 so expected "
                         "in_dim to satisfy 0 <= in_dim < 0.")
    return zip(*[[None] * len(given[0][2]) if g is None else g.unbind(0) for g in grads], strict=False)


def _root_gradients(outputs, grads):
    """The gradient each output starts with: given, or one for a scalar."""
    made = []
    for out, g in zip(outputs, grads, strict=False):
        if isinstance(g, Tensor):
            if g.shape != out.shape:
                raise RuntimeError(f"Mismatch in shape: grad_output[{_position(grads, g)}] has a shape of {g.shape} and "
                                   f"output[{_position(outputs, out)}] has a shape of {out.shape}.")
            if out.is_complex() != g.is_complex():
                raise RuntimeError(f"For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in dtype: "
                                   f"grad_output[{_position(grads, g)}] has a dtype of {g.dtype} and output[{_position(outputs, out)}] has a dtype of "
                                   f"{out.dtype}.")
            made.append(g)
        elif g is None:
            if out.requires_grad:
                if out.numel() != 1:
                    raise RuntimeError("grad can be implicitly created only for scalar outputs")
                if not out.is_floating_point():
                    raise RuntimeError("grad can be implicitly created only for real scalar outputs but got " + str(out.dtype))
                made.append(_core.T.ones_like(out))
            else:
                made.append(None)
        else:
            raise TypeError("gradients can be either Tensors or None, but got " + type(g).__name__)
    return made


def _position(items, wanted):
    return next(i for i, x in enumerate(items) if x is wanted)


def _check_roots(outputs):
    for i, t in enumerate(outputs):
        if not t.requires_grad:
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None):
    """Add the gradients of `tensors` with respect to the graph's leaves (or `inputs`) to their `.grad`.

    tensors: Tensor or sequence; grad_tensors: their gradients, None for scalars.  RuntimeError when a tensor has no history.
    """
    if grad_variables is not None:
        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError("`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only use `grad_tensors`.")
        grad_tensors = grad_variables
    tensors = _tensors(tensors)
    if inputs is not None:
        inputs = _tensors(inputs)
        if len(inputs) == 0:
            raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    grads = [None] * len(tensors) if grad_tensors is None else [grad_tensors] if isinstance(grad_tensors, Tensor) else list(grad_tensors)
    grads = _root_gradients(tensors, grads)
    if retain_graph is None:
        retain_graph = create_graph
    _check_roots(tensors)
    if inputs is not None:
        for t in inputs:
            if not t.requires_grad:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
    if create_graph:
        warnings.warn("Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient which can cause a "
                      "memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you have to use this function, make "
                      "sure to reset the .grad fields of your parameters to None after use to break the cycle and avoid the leak.", UserWarning,
                      stacklevel=2)
    _core.run_backward(list(tensors), grads, retain_graph, create_graph, None if inputs is None else list(inputs), True, True)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, only_inputs=True, allow_unused=None, is_grads_batched=False,
         materialize_grads=False):
    """The gradients of `outputs` with respect to `inputs`, as a tuple in the order of `inputs`.

    With create_graph they can be differentiated again; with allow_unused an input that did not take part gives None.
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    if allow_unused is None:
        allow_unused = materialize_grads
    outputs, inputs = _tensors(outputs), _tensors(inputs)
    if not only_inputs:
        warnings.warn("only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate gradient for other parts of the graph, "
                      "please use torch.autograd.backward.", FutureWarning, stacklevel=2)
    grads = [None] * len(outputs) if grad_outputs is None else [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    if retain_graph is None:
        retain_graph = create_graph
    if is_grads_batched:
        rows = [grad(outputs, inputs, row, True, create_graph, True, allow_unused, False, materialize_grads) for row in _rows(outputs, grads)]
        return tuple([None if column[0] is None else _core.T.stack(column) for column in zip(*rows, strict=False)])
    grads = _root_gradients(outputs, grads)
    _check_roots(outputs)
    for t in inputs:
        if not t.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    found = _core.run_backward(list(outputs), grads, retain_graph, create_graph, list(inputs), allow_unused, False)
    if materialize_grads:
        found = [_core.T.zeros_like(t) if g is None else g for g, t in zip(found, inputs, strict=False)]
    return tuple(found)


from .._lazy import lazy as _lazy  # noqa: E402
from .gradcheck import gradcheck, gradgradcheck  # noqa: E402, F401

__getattr__, __dir__ = _lazy(__name__, ("functional", "profiler"), {"is_tensor_like": "..overrides"})


def variable(*args, **kwargs):
    """The former name of torch.tensor."""
    raise RuntimeError("torch.autograd.variable(...) is deprecated, use torch.tensor(...) instead")


__all__ = ["Function", "Variable", "anomaly_mode", "backward", "detect_anomaly", "enable_grad", "function", "grad", "grad_mode", "gradcheck",
           "gradgradcheck", "graph", "inference_mode", "no_grad", "set_detect_anomaly", "set_grad_enabled", "set_multithreading_enabled", "variable"]
