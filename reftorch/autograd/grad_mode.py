"""Switches for recording: no_grad, enable_grad, set_grad_enabled, inference_mode."""
import functools
import inspect
import sys

from ..core import _core


class _Switch:
    """A context manager that is also a decorator of functions and generators."""

    def clone(self):
        return type(self)()

    def __call__(self, fn):
        if inspect.isclass(fn):
            import warnings
            warnings.warn("Decorating classes is deprecated and will be disabled in future versions. You should only decorate functions or methods. "
                          "To preserve the current behavior of class decoration, you can directly decorate the `__init__` method and nothing else.",
                          FutureWarning, stacklevel=2)
            inner = fn.__init__
            fn.__init__ = self(inner)
            return fn
        if inspect.isgeneratorfunction(fn):
            return self._wrap_generator(fn)

        @functools.wraps(fn)
        def wrapped(*args, **kwargs):
            with self.clone():
                return fn(*args, **kwargs)
        return wrapped

    def _wrap_generator(self, fn):
        @functools.wraps(fn)
        def wrapped(*args, **kwargs):
            generator = fn(*args, **kwargs)
            send, value = generator.send, None
            try:
                while True:
                    try:
                        with self.clone():             # the switch is on only while the generator's own code runs
                            out = send(value)
                    except StopIteration as stop:
                        return stop.value
                    try:
                        send, value = generator.send, (yield out)
                    except GeneratorExit:
                        with self.clone():
                            generator.close()
                        raise
                    except BaseException:
                        send, value = generator.throw, sys.exc_info()[1]
            finally:
                generator.close()
        return wrapped


class _Recording(_Switch):
    """Sets recording to `mode` while it lasts; also usable as a bare decorator."""

    mode = None

    def __new__(cls, orig_func=None):
        made = super().__new__(cls)
        return made if orig_func is None else made(orig_func)

    def __enter__(self):
        self.prev = _core.is_grad_enabled()
        _core._set_grad_enabled(self.mode)

    def __exit__(self, *exc):
        _core._set_grad_enabled(self.prev)


class no_grad(_Recording):
    """Context manager and decorator: operations are not recorded."""

    mode = False


class enable_grad(_Recording):
    """Context manager and decorator: operations are recorded, also inside no_grad."""

    mode = True


class set_grad_enabled(_Switch):
    """Switch recording on or off: at once when called, undone when used as a context manager."""

    def __init__(self, mode):
        self.prev = _core.is_grad_enabled()
        self.mode = mode
        _core._set_grad_enabled(mode)

    def __call__(self, fn):
        _core._set_grad_enabled(self.prev)
        return super().__call__(fn)

    def __enter__(self):
        _core._set_grad_enabled(self.mode)

    def __exit__(self, *exc):
        _core._set_grad_enabled(self.prev)

    def __str__(self):
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.mode})"

    __repr__ = __str__

    def clone(self):
        return type(self)(self.mode)


class inference_mode(_Switch):
    """Context manager and decorator: nothing is recorded and results can never enter a graph."""

    def __new__(cls, mode=True):
        made = super().__new__(cls)
        return made if isinstance(mode, bool) else made(mode)

    def __init__(self, mode=True):
        self.mode = mode

    def __enter__(self):
        self.prev = _core.is_inference_mode_enabled(), _core.is_grad_enabled()
        _core._set_inference(self.mode)
        if not self.mode:
            _core._set_grad_enabled(True)

    def __exit__(self, *exc):
        inference, grad = self.prev
        _core._set_inference(inference)
        _core._set_grad_enabled(grad)

    def clone(self):
        return type(self)(self.mode)


class set_multithreading_enabled(_Switch):
    """Accepted; the engine runs in the calling thread."""

    def __init__(self, mode):
        self.mode = mode

    def __enter__(self):
        pass

    def __exit__(self, *exc):
        pass

    def clone(self):
        return type(self)(self.mode)


class enforce_grad_layout_policy(_Switch):
    """Accepted: gradients lie in memory as their parameters do, whether that is enforced or not."""

    def __init__(self, enable=True):
        self.mode = enable

    def __enter__(self):
        pass

    def __exit__(self, *exc):
        pass

    def clone(self):
        return type(self)(self.mode)
