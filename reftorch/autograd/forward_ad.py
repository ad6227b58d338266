"""Forward-mode differentiation: tensors carry a tangent, and every op passes tangents on.

A linear op (`jvp="linear"`) is applied to the tangents.  For any other the rules of the backward pass are enough: they are
linear in the incoming gradient v, so differentiating <rule(v), tangent> with respect to v gives the tangent of the result.
"""
from collections import namedtuple

from ..core import Tensor, T, _core
from .grad_mode import enable_grad

_current_level = -1

UnpackedDualTensor = namedtuple("UnpackedDualTensor", ("primal", "tangent"))
UnpackedDualTensor.__doc__ = "The primal and the tangent of a dual tensor; tangent is None when there is none."


def _tangent(value):
    return value._extra.get("tangent") if isinstance(value, Tensor) else None


def _propagate(overload, vals):
    """Tangents of the results of one op on `vals`, or None when no argument has one."""
    has = [any(_tangent(x) is not None for x in (v if isinstance(v, list) else (v,))) for v in vals]
    if not any(has):
        return None
    _core.set_forward_hook(None)
    try:
        if overload.jvp == "linear" and sum(has) == 1 and sum(isinstance(v, Tensor) for v in vals) == 1:
            position = has.index(True)
            out = overload.run([_tangent(v) if i == position else v for i, v in enumerate(vals)])
            return list(out) if isinstance(out, (tuple, list)) else [out]
        return _by_rules(overload, vals, has)
    finally:
        _core.set_forward_hook(_propagate)


def _by_rules(overload, vals, has):
    args, tracked, tangents = [], [], []
    for i, v in enumerate(vals):
        if not has[i] or i not in overload.differentiable:
            args.append(v)
            continue
        made = []
        for x in v if isinstance(v, list) else (v,):
            t = _tangent(x)
            if t is not None:
                # keeps its history, so that reverse mode can go through the tangent as well
                x = x.clone() if x.requires_grad else x.detach().requires_grad_(True)
                tracked.append(x)
                tangents.append(t)
            made.append(x)
        args.append(made if isinstance(v, list) else made[0])
    recorded = _core.is_grad_enabled()
    with enable_grad():
        outs = overload.run(args)
        outs = list(outs) if isinstance(outs, (tuple, list)) else [outs]
        result = []
        for out in outs:
            if not out.requires_grad:
                result.append(None)
                continue
            v = T.zeros_like(out).requires_grad_(True)
            grads = _core.run_backward([out], [v], True, True, tracked, True, False)
            pairs = [(g, t) for g, t in zip(grads, tangents) if g is not None and g.requires_grad]
            if not pairs:
                result.append(T.zeros_like(out).detach())
                continue
            found = _core.run_backward([g for g, _ in pairs], [t for _, t in pairs], True, recorded, [v], True, False)[0]
            result.append(T.zeros_like(out).detach() if found is None else found if recorded else found.detach())
    return result


def enter_dual_level():
    """Open a level of forward differentiation; gives its number. Levels do not nest."""
    global _current_level
    if _current_level >= 0:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _current_level += 1
    _core.set_forward_hook(_propagate)
    return _current_level


def exit_dual_level(*, level=None):
    """Close the level: tangents are gone."""
    global _current_level
    if level is None:
        level = _current_level
    if level != _current_level:
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was created. This is not supported.")
    _current_level = level - 1
    _core.set_forward_hook(None)


def make_dual(tensor, tangent, *, level=None):
    """A dual tensor: a view of `tensor` with `tangent` attached."""
    if level is None:
        level = _current_level
    if level < 0:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first.")
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise ValueError(f"Expected primal to be floating point or complex, but got: {tensor.dtype}")
    if not (tangent.is_floating_point() or tangent.is_complex()):
        raise ValueError(f"Expected tangent to be floating point or complex, but got: {tangent.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(f"Expected tangent to have the same size as primal, got {list(tangent.shape)} and {list(tensor.shape)}")
    dual = tensor.view_as(tensor)
    dual._extra["tangent"] = tangent
    return dual


def unpack_dual(tensor, *, level=None):
    """(primal, tangent) of a dual tensor."""
    if level is None:
        level = _current_level
    if level < 0:
        return UnpackedDualTensor(tensor, None)
    tangent = _tangent(tensor)
    if tangent is None:
        return UnpackedDualTensor(tensor, None)
    _core.set_forward_hook(None)
    try:
        primal = tensor.view_as(tensor)
    finally:
        _core.set_forward_hook(_propagate)
    return UnpackedDualTensor(primal, tangent)


class dual_level:
    """Context manager: forward differentiation is on within."""

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *exc):
        exit_dual_level()
