"""Forward-mode differentiation: tensors carry tangents, and every op passes them on.

A linear op (`jvp="linear"`) is applied to the tangents.  For any other the rules of the backward pass are enough: they are
linear in the incoming gradient v, so differentiating <rule(v), tangent> with respect to v gives the tangent of the result.

Levels nest (torch.func.jvp of a jvp): a tensor holds {level: tangent}, and what is computed for one level runs with the
levels outside it in force, so that a tangent has tangents of its own.
"""
import functools
import threading
from collections import namedtuple
from contextlib import contextmanager

import numpy as np

from .. import printing
from ..core import T, Tensor, _core
from .grad_mode import enable_grad, set_grad_enabled


class _OfThread(threading.local):
    """The open levels of a thread, outermost first, how many of them are in force, and the one that this module's own functions opened."""

    def __init__(self):
        self.levels, self.active = [], 0
        self.current, self.own = -1, None            # its number (torch.func's levels are not counted) and its key


_here = _OfThread()
_lock = threading.Lock()
_busy = 0                                # threads with a level in force: while there are any, ops ask

UnpackedDualTensor = namedtuple("UnpackedDualTensor", ("primal", "tangent"))
UnpackedDualTensor.__doc__ = "The primal and the tangent of a dual tensor; tangent is None when there is none."


class Level:
    """A level of forward differentiation: the key under which tensors keep their tangents of it."""


@contextmanager
def outside(count):
    """Only the `count` outermost levels are in force within."""
    before = _here.active
    _enforce(count)
    try:
        yield
    finally:
        _enforce(before)


def _enforce(count):
    """Let the `count` outermost levels of this thread be in force."""
    global _busy
    before, _here.active = _here.active, count
    if bool(before) != bool(count):
        with _lock:
            _busy += 1 if count else -1
            _core.set_forward_hook(_propagate if _busy else None)


def _open():
    level = Level()
    _here.levels.append(level)
    _enforce(len(_here.levels))
    return level


def _close():
    _here.levels.pop()
    _enforce(len(_here.levels))


@contextmanager
def new_level():
    """A level that is open within; gives its key."""
    level = _open()
    try:
        yield level
    finally:
        _close()


def active_levels():
    """The levels in force, outermost first."""
    return _here.levels[:_here.active]


# ------------------------------------------------------------------ tangents of a tensor
def tangent_of(x, level):
    """The tangent of `x` at `level`, or None; that of a view may be found at its base."""
    own = x._extra.get("tangent", {})
    found = own.get(level)
    if found is None and level not in own and x._is_view() and x._base.dtype is x.dtype:
        whole = tangent_of(x._base, level)
        if whole is not None:
            found = _view_of(x._base, whole, level, x)
            set_tangent(x, level, found)
    return found


def set_tangent(x, level, tangent):
    """Let `x` have this tangent at a level."""
    x._extra.setdefault("tangent", {})[level] = tangent


def check_size(x, tangent):
    """Refuse a tangent whose size is not that of its tensor."""
    if x.shape != tangent.shape:
        raise RuntimeError("Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. Tensor "
                           f"is of size {list(x.shape)} while the given forward gradient is of size {list(tangent.shape)}.")


def _view_of(base, whole, level, x):
    """The part of `whole`, the tangent of `base`, that belongs to its view `x`."""
    if whole.stride() != base.stride() or whole._is_view():
        whole = T.new_empty_strided(whole, base.shape, base.stride()).copy_(whole)
        set_tangent(base, level, whole)
    return whole.as_strided(x.shape, x.stride(), x.storage_offset() - base.storage_offset())


def _any_tangent(vals, level):
    return any(isinstance(x, Tensor) and tangent_of(x, level) is not None for v in vals for x in (v if isinstance(v, list) else (v,)))


# ------------------------------------------------------------------ one op
def _propagate(overload, vals, inplace):
    """What every op asks while a level is in force: a function that gives its results their tangents, or None."""
    made = {}
    vals = [*vals[:-1], None]                                    # without `out`
    for at, level in enumerate(active_levels()):
        with outside(at):
            if _any_tangent(vals, level):
                made[level] = _tangents(overload, vals, level)
    return functools.partial(_attach, made, overload, inplace or overload.writes) if made else None


def _attach(made, overload, inplace, outs):
    for level, tangents in made.items():
        with outside(_here.levels.index(level)):
            for out, tangent in zip(outs, tangents, strict=False):
                if tangent is None:
                    continue
                if inplace and not overload.is_view:
                    tangent = _overwrite(out, level, tangent)
                set_tangent(out, level, tangent)


def _overwrite(x, level, tangent):
    """`x` was written to: its tangent is too, so that views of `x` and what `x` is a view of see it."""
    own = tangent_of(x, level)
    if own is None and x._is_view() and x._base.dtype is x.dtype:
        whole = T.new_empty_strided(x._base, x._base.shape, x._base.stride()).zero_()
        set_tangent(x._base, level, whole)
        own = _view_of(x._base, whole, level, x)
    return tangent.to(x.dtype) if own is None else own.copy_(tangent)


def _tangents(overload, vals, level):
    """The tangents at `level` of the results of an op on `vals`."""
    tensors = [i for i, v in enumerate(vals) if isinstance(v, Tensor)]
    if overload.jvp == "linear" and len(tensors) == 1 and tangent_of(vals[tensors[0]], level) is not None:
        out = overload.run([tangent_of(v, level) if i == tensors[0] else v for i, v in enumerate(vals)])
        return list(out) if isinstance(out, (tuple, list)) else [out]
    return _by_rules(overload, vals, level)


def detach(x):
    """`x` without its history, with its tangents of the levels in force."""
    made = x.detach()
    for level in active_levels():
        tangent = tangent_of(x, level)
        if tangent is not None:
            set_tangent(made, level, tangent)
    return made


def leaf_like(x):
    """`x` as a new leaf, with its tangents of the levels in force."""
    return detach(x).requires_grad_(True)


def _by_rules(overload, vals, level):
    args, tracked, tangents = [], [], []
    recorded = _core.is_grad_enabled()
    own_history = False                  # whether anything here is part of a graph that users see
    with enable_grad():
        for i, v in enumerate(vals):
            made = []
            for x in v if isinstance(v, list) else (v,):
                if isinstance(x, Tensor) and i in overload.differentiable:
                    own_history |= x.requires_grad
                    tangent = tangent_of(x, level)
                    if tangent is not None:
                        own_history |= tangent.requires_grad
                        x = x.clone() if x.requires_grad else leaf_like(x)
                        tracked.append(x)
                        tangents.append(tangent)
                made.append(x)
            args.append(made if isinstance(v, list) else made[0])
        recorded = recorded and own_history
        if overload.writes:
            args[0] = args[0].clone()
        outs = overload.run(args)
        outs = list(outs) if isinstance(outs, (tuple, list)) else [outs]
        return [_tangent_of_result(overload, out, tracked, tangents, recorded) for out in outs]


def _tangent_of_result(overload, out, tracked, tangents, recorded):
    if not out.requires_grad:
        return None
    if overload.jvp == "elementwise" and not out.is_complex() and not tracked[0].is_complex():
        found = _core.run_backward([out], [tangents[0].to(out.dtype)], True, recorded, tracked, True, False)[0]
    else:
        v = T.zeros_like(out).requires_grad_(True)
        grads = _core.run_backward([out], [v], True, True, tracked, True, False)
        pairs = [(g, t) for g, t in zip(grads, tangents, strict=False) if g is not None and g.requires_grad]
        found = None
        if pairs:
            found = _core.run_backward([g for g, _ in pairs], [t.to(g.dtype) for g, t in pairs], True, recorded, [v], True, False)[0]
    if found is None:
        return T.zeros_like(out).detach()
    if not overload.is_view and any(np.may_share_memory(found._array, t._array) for t in tangents):
        with set_grad_enabled(recorded):
            found = found.clone()                    # the result may be written to, the argument's tangent stays
    return found


# ------------------------------------------------------------------ the public functions
def enter_dual_level():
    """Open a level of forward differentiation; gives its number. Levels do not nest."""
    if _here.current >= 0:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _here.current += 1
    _here.own = _open()
    return _here.current


def exit_dual_level(*, level=None):
    """Close the level: tangents are gone."""
    if level is None:
        level = _here.current
    if level < 0:
        raise RuntimeError("Dual level must be a positive number.")
    if level != _here.current:
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was created. This is not supported.")
    _here.current = level - 1
    _here.own = None
    _close()


def make_dual(tensor, tangent, *, level=None):
    """A dual tensor: a view of `tensor` with `tangent` attached."""
    if level is None:
        level = _here.current
    if level < 0:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first.")
    if not (tensor.is_floating_point() or tensor.is_complex()):
        raise ValueError(f"Expected primal to be floating point or complex, but got: {tensor.dtype}")
    if not (tangent.is_floating_point() or tangent.is_complex()):
        raise ValueError(f"Expected tangent to be floating point or complex, but got: {tangent.dtype}")
    if tangent_of(tensor, _here.own) is not None:
        raise RuntimeError(f"Making a dual Tensor based on a Tensor that already has a forward gradient at the same level {level} is not supported.")
    return dual_at(_here.own, tensor, tangent)


def dual_at(level, tensor, tangent):
    """A view of `tensor` with `tangent` at a level."""
    check_size(tensor, tangent)
    dual = tensor.view_as(tensor)
    set_tangent(dual, level, tangent)
    return dual


def unpack_dual(tensor, *, level=None):
    """(primal, tangent) of a dual tensor."""
    if level is None:
        level = _here.current
    if level < 0:
        return UnpackedDualTensor(tensor, None)
    if not isinstance(tensor, Tensor):
        raise TypeError(f"_unpack_dual(): argument 'dual' (position 1) must be Tensor, not {type(tensor).__name__}")
    return UnpackedDualTensor(*split(_here.own, tensor))


class CppFunction(_core.PyNode):
    """The history of a primal that was taken from a dual."""           # torch: a node of this name, which prints as Identity

    def name(self):
        return "Identity"


def split(level, tensor):
    """A tensor without its tangent at a level, and that tangent (or None)."""
    tangent = tangent_of(tensor, level)
    if tangent is None:
        return tensor, None
    with outside(_here.levels.index(level)):
        primal = tensor.view_as(tensor)
    set_tangent(primal, level, None)                     # a view, but the tangent of its base is not its own
    if primal.requires_grad:
        node = CppFunction()
        _core.init_node(node, [tensor], lambda node, grad: grad)
        _core.set_history(node, [primal])
    return primal, tangent


def _printed(tensor):
    """The tangent that a tensor is printed with."""
    return tangent_of(tensor, _here.own) if _here.own in active_levels() else None


printing.show_tangents(_printed)


class dual_level:
    """Context manager: forward differentiation is on within."""

    def __enter__(self):
        return enter_dual_level()

    def __exit__(self, *exc):
        exit_dual_level()
