"""`__torch_function__`: how other classes take part in calls of the API."""
import contextlib
import functools
import sys

from .core import Tensor, _core

_modes = []
_past = False           # the next function to ask is not overridden: it was called by `redispatch_function`


def _disabled_torch_function_impl(func, types, args=(), kwargs=None):
    """Run `func` with overrides by Tensor subclasses off: results are plain tensors."""
    before = _core.dispatch_level(1)
    try:
        return func(*args, **(kwargs or {}))
    finally:
        _core.dispatch_level(before)


class DisableTorchFunctionSubclass:
    """Context manager: tensor subclasses do not override calls; modes still do."""

    def __init__(self):
        self.before = []

    def __enter__(self):
        self.before.append(_core.dispatch_level(max(1, _core.dispatch_level())))

    def __exit__(self, *exc):
        _core.dispatch_level(self.before.pop())


class DisableTorchFunction(DisableTorchFunctionSubclass):
    """Context manager: nothing overrides calls."""

    def __enter__(self):
        self.before.append(_core.dispatch_level(2))


def _convert(value, cls):
    if cls is Tensor:
        return value
    if isinstance(value, Tensor) and not isinstance(value, cls):
        return value.as_subclass(cls)
    if isinstance(value, (tuple, list)):
        # torch: result tuples with fields keep their type
        made = [_convert(v, cls) for v in value]
        return type(value)(made)
    return value


def _torch_function(cls, func, types, args=(), kwargs=None):
    """The override that every subclass of Tensor inherits: run as usual, give results of the subclass."""
    if not all(issubclass(cls, t) for t in types):
        return NotImplemented
    before = _core.dispatch_level(1)
    try:
        value = func(*args, **(kwargs or {}))
    finally:
        _core.dispatch_level(before)
    return value if func in get_default_nowrap_functions() else _convert(value, cls)


_torch_function.__name__ = "__torch_function__"
_core.set_type_attribute(Tensor, "__torch_function__", classmethod(_torch_function))


@functools.cache
def get_default_nowrap_functions():
    """Functions whose results a subclass does not wrap."""
    return {Tensor._base.__get__, Tensor.grad.__get__, Tensor._grad_raw.__get__}


def _overloaded(relevant):
    """Arguments that override, most derived class first, else in order; one a class."""
    found, types = [], []
    for arg in relevant:
        kind = type(arg)
        f = getattr(kind, "__torch_function__", None)
        if kind in types or f is None or f is _disabled_torch_function_impl or (kind is Tensor):
            continue
        if isinstance(arg, Tensor) and _core.dispatch_level() >= 1:
            continue
        at = len(found)
        for i, other in enumerate(found):
            if issubclass(kind, type(other)):
                at = i
                break
        found.insert(at, arg)
        types.append(kind)
    return found


def _relevant(args, kwargs):
    for value in (*args, *kwargs.values()):
        if isinstance(value, (tuple, list)):
            yield from value
        else:
            yield value


def handle_torch_function(public_api, relevant_args, *args, **kwargs):
    """Ask modes, then the overriding arguments in turn; TypeError when all answer NotImplemented."""
    candidates = _overloaded(relevant_args)
    types = tuple(type(a) for a in candidates)
    if _modes and _core.dispatch_level() < 2:
        mode = _modes.pop()
        _core.set_function_modes(len(_modes))
        try:
            got = mode.__torch_function__(public_api, types, args, kwargs)
        finally:
            _modes.append(mode)
            _core.set_function_modes(len(_modes))
        if got is not NotImplemented:
            return got
    for arg in candidates:
        owner = type(arg) if isinstance(arg, Tensor) else arg
        got = owner.__torch_function__(public_api, types, args, kwargs)
        if got is not NotImplemented:
            return got
    name = f"{getattr(public_api, '__module__', None)}.{getattr(public_api, '__name__', public_api)}"
    text = f"no implementation found for '{name}' on types that implement __torch_function__: {[type(a) for a in candidates]}"
    if _modes:
        text += f" nor in mode {_modes[-1]}"
    raise TypeError(text)


def _from_core(face, args, kwargs):
    return handle_torch_function(face, list(_relevant(args, kwargs)), *args, **kwargs)


_core.install(disabled_torch_function=_disabled_torch_function_impl, torch_function_handler=_from_core)


def has_torch_function(relevant_args):
    """Whether any of the arguments overrides the call, or a mode is active."""
    global _past
    if _past:
        _past = False
        return False
    if _core.dispatch_level() >= 2:
        return False
    return bool(_modes) or bool(_overloaded(relevant_args))


def has_torch_function_unary(arg):
    """has_torch_function of one argument."""
    return has_torch_function((arg,))


def has_torch_function_variadic(*args):
    """has_torch_function of several arguments."""
    return has_torch_function(args)


def is_tensor_like(inp):
    """Whether `inp` is a Tensor or has `__torch_function__`."""
    return isinstance(inp, Tensor) or hasattr(inp, "__torch_function__")


def wrap_torch_function(dispatcher):
    """Decorator that makes a Python function overridable; `dispatcher(*args)` gives the relevant arguments."""
    def inner(fn):
        @functools.wraps(fn)
        def wrapped(*args, **kwargs):
            relevant = dispatcher(*args, **kwargs)
            if has_torch_function(relevant):
                return handle_torch_function(wrapped, relevant, *args, **kwargs)
            return fn(*args, **kwargs)
        return wrapped
    return inner


class TorchFunctionMode:
    """Context manager whose `__torch_function__` sees every call of the API within."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        raise NotImplementedError

    def __enter__(self):
        _modes.append(self)
        _core.set_function_modes(len(_modes))
        return self

    def __exit__(self, *exc):
        _modes.pop()
        _core.set_function_modes(len(_modes))

    @classmethod
    def push(cls, *args, **kwargs):
        """The former way to enter a mode."""
        return cls(*args, **kwargs)


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def _get_current_function_mode():
    return _modes[-1] if _modes else None


def _get_current_function_mode_stack():
    return list(_modes)


@contextlib.contextmanager
def enable_reentrant_dispatch():
    """Accepted: calls inside a mode are dispatched anew anyway."""
    yield


def resolve_name(f):
    """The public name of an op, e.g. "torch.add"."""
    if isinstance(f, _core.Op):
        return f"torch.{f.__name__}" if f.ns == "torch" else f"torch.{f.ns}.{f.__name__}"
    if isinstance(f, _core.Method):
        return f"torch.Tensor.{f.__name__}"
    name = getattr(f, "__qualname__", None)
    return None if name is None else f"{getattr(f, '__module__', '')}.{name}"


def is_tensor_method_or_property(func):
    """Whether `func` is a method of Tensor or the getter of one of its properties."""
    return isinstance(func, _core.Method) or getattr(func, "__name__", "") == "__get__"


def redispatch_function(func, types, args, kwargs):
    """Run `func` past its own override, as a `__torch_function__` does that changes arguments or results alone; calls within are overridden again."""
    if isinstance(func, (_core.Op, _core.Method)):           # the ops within one are never overridden
        with DisableTorchFunction():
            return func(*args, **(kwargs or {}))
    global _past
    _past = True
    try:
        return func(*args, **(kwargs or {}))
    finally:
        _past = False


def _face(args):
    """A function with these arguments that does nothing; `from` cannot be said in Python."""
    return eval(f"lambda {args.replace('from=', 'from_=')}: -1", {"torch": sys.modules[__package__]})


@functools.cache
def get_testing_overrides():
    """For every op that can be overridden a function of the same arguments that gives -1."""
    found = {}
    for op in _core.OPS.values():
        for face in (op, op.method, op.inplace):
            if face is None or face is op and op.ns is None or not get_ignored_functions().isdisjoint((op, face)):
                continue
            args = face.__doc__.partition("(")[2].partition(") -> ")[0]
            found[face] = _face(args if face is op else ", ".join(["self"] + [args] * bool(args)))
    return found


@functools.cache
def get_ignored_functions():
    """Ops that cannot be overridden, as none of their arguments is a tensor, and the methods that only make tensors."""
    makers = {getattr(Tensor, name) for name in dir(Tensor) if name.startswith("new") or name == "as_subclass"}
    return makers | {op for op in _core.OPS.values() if not any(p.type == "Tensor" and p.name != "out" for o in op.overloads for p in o.schema.params)}


def get_overridable_functions():
    """Every op by namespace."""
    found = {}
    for op in _core.OPS.values():
        found.setdefault(op.ns, []).append(op)
    return found
