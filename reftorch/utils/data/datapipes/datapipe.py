"""The two kinds of datapipes, iterable and indexed, and the rule that an iterable one has a single iterator."""
import functools
import inspect

from ..dataset import Dataset, IterableDataset


def _value(value):
    """A constructor's argument in an error message."""
    if isinstance(value, (IterDataPipe, MapDataPipe)):
        return type(value).__name__
    return getattr(value, "__name__", None) or str(value)


def describe(pipe):
    """The datapipe's class with its arguments, as error messages show it."""
    names = sorted(set(inspect.signature(type(pipe).__init__).parameters) & set(pipe.__dict__))
    return f"{type(pipe).__name__}({', '.join(f'{name}={_value(pipe.__dict__[name])}' for name in names)})"


def check_valid(pipe, number):
    """RuntimeError when a newer iterator of the datapipe exists than that of this number."""
    if pipe._valid_iterator_id != number:
        raise RuntimeError("This iterator has been invalidated because another iterator has been created from the same IterDataPipe: "
                           f"{describe(pipe)}\nThis may be caused by multiple references to the same IterDataPipe. We recommend using `.fork()` if "
                           "that is necessary.\nFor feedback regarding this single iterator per IterDataPipe constraint, feel free to comment on this "
                           "issue: https://github.com/pytorch/data/issues/45.")


def _single(make):
    """An `__iter__` whose iterators reset the datapipe when they begin, and end when another one begins."""

    @functools.wraps(make)
    def __iter__(self):
        items = None
        try:
            self._valid_iterator_id += 1
            number = self._valid_iterator_id
            self.reset()
            items = make(self)
            for item in items:
                yield item
                check_valid(self, number)
        except Exception as e:
            note = "thrown by __iter__ of"
            if e.args and isinstance(e.args[0], str) and note not in e.args[0] and "has been invalidated" not in e.args[0]:
                e.args = (f"{e.args[0]}\nThis exception is {note} {describe(self)}", *e.args[1:])
            raise
        finally:
            if inspect.isgenerator(items):
                items.close()

    __iter__.single = True
    return __iter__


class _Functions:
    """Functional names: `dp.batch(2)` is `Batcher(dp, 2)`."""

    @classmethod
    def register_function(cls, function_name, function):
        """Make a function a method of all datapipes of the kind."""
        cls.functions[function_name] = function

    @classmethod
    def register_datapipe_as_function(cls, function_name, cls_to_register, enable_df_api_tracing=False):
        """Make a class a method of all datapipes of the kind."""
        if function_name in cls.functions:
            raise Exception(f"Unable to add DataPipe function name {function_name} as it is already taken")

        def function(source, *args, **kwargs):
            return cls_to_register(source, *args, **kwargs)
        functools.update_wrapper(function, cls_to_register, assigned=("__doc__",))
        cls.register_function(function_name, function)

    def __getattr__(self, name):
        function = type(self).functions.get(name)
        if function is None:
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}")     # torch: without the closing quote
        return functools.partial(function, self)

    def __repr__(self):
        return type(self).__name__

    def __getstate__(self):
        return self.__dict__

    def __setstate__(self, state):
        self.__dict__.update(state)

    def __dir__(self):
        return [*super().__dir__(), *self.functions]

    def __reduce_ex__(self, protocol):
        return object.__reduce_ex__(self, protocol)


class IterDataPipe(_Functions, IterableDataset):
    """A datapipe to iterate: a new iterator calls `reset` and makes the one before invalid."""

    functions = {}
    _valid_iterator_id = 0

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        own = cls.__dict__.get("__iter__")
        if own is not None and inspect.isgeneratorfunction(own) and not hasattr(own, "single"):
            cls.__iter__ = _single(own)

    def __iter__(self):
        return self

    def reset(self):
        """Forget what the last iterator left; nothing by default."""


class MapDataPipe(_Functions, Dataset):
    """A datapipe to index."""

    functions = {}


class DataChunk(list):
    """A batch of a datapipe: a list that knows how to be unpacked."""

    def __init__(self, items):
        items = list(items)
        super().__init__(items)
        self.items = items

    def as_str(self, indent=""):
        """The items as text."""
        return indent + "[" + ", ".join(str(i) for i in self) + "]"

    def raw_iterator(self):
        """The items, one after the other."""
        yield from self.items
