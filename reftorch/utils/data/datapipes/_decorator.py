"""Decorators that give datapipe classes a functional name, and tell which ones are not deterministic."""
import inspect

from .datapipe import IterDataPipe, MapDataPipe

_determinism = False


class functional_datapipe:
    """Make a datapipe class a method of all datapipes of its kind: `dp.name(...)` is `Class(dp, ...)`."""

    def __init__(self, name, enable_df_api_tracing=False):
        self.name, self.enable_df_api_tracing = name, enable_df_api_tracing

    def __call__(self, cls):
        base = IterDataPipe if issubclass(cls, IterDataPipe) else MapDataPipe if issubclass(cls, MapDataPipe) else None
        if base is None:
            raise TypeError("`functional_datapipe` can only decorate IterDataPipe")
        base.register_datapipe_as_function(self.name, cls)
        return cls


class guaranteed_datapipes_determinism:
    """Within the block, making a datapipe that is not deterministic is an error."""

    def __enter__(self):
        global _determinism
        self.previous, _determinism = _determinism, True

    def __exit__(self, kind, value, traceback):
        global _determinism
        _determinism = self.previous


class non_deterministic:
    """Mark a datapipe class as not deterministic: always, or when a function of its arguments says so."""

    def __init__(self, arg):
        self.cls = self.ask = None
        if inspect.isclass(arg):
            if not issubclass(arg, IterDataPipe):
                raise TypeError("Only `IterDataPipe` can be decorated with `non_deterministic`")
            self.cls = arg
        elif callable(arg):
            self.ask = arg
        else:
            raise TypeError(f"{arg} can not be decorated by non_deterministic")

    def __call__(self, *args, **kwargs):
        if self.cls is not None:
            self._check(self.cls, True)
            return self.cls(*args, **kwargs)
        if not inspect.isclass(args[0]) or not issubclass(args[0], IterDataPipe):
            raise TypeError(f"Only `IterDataPipe` can be decorated, but {args[0].__name__} is found")
        cls = args[0]

        def make(*args, **kwargs):
            self._check(cls, self.ask(*args, **kwargs))
            return cls(*args, **kwargs)
        return make

    @staticmethod
    def _check(cls, undetermined):
        if undetermined and _determinism:
            raise TypeError(f"{cls.__name__} is non-deterministic with the inputs, please turn off `guaranteed_datapipes_determinism`")
