"""Functions applied to parts of items, and streams that close themselves."""
import functools
import inspect
import warnings


def pick(data, columns):
    """The parts of an item that a column or several name, as arguments."""
    return [data[c] for c in columns] if isinstance(columns, (list, tuple)) else [data[columns]]


def warn_if_unpicklable(fn):
    """Warns of functions that cannot go to worker processes by pickle."""
    if not callable(fn):
        raise TypeError(f"A callable function is expected, but {type(fn)} is provided.")
    fn = fn.func if isinstance(fn, functools.partial) else fn
    nested = hasattr(fn, "__code__") and fn.__code__.co_flags & inspect.CO_NESTED
    if nested or getattr(fn, "__name__", None) == "<lambda>":
        warnings.warn(f"{'Local' if nested else 'Lambda'} function is not supported by pickle, please use regular python function or functools.partial "
                      "instead.", stacklevel=4)


def check_input_columns(fn, input_col):
    """ValueError when a function cannot be called with as many arguments as there are columns."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except (TypeError, ValueError):
        return                       # built-in functions tell nothing
    given = len(input_col) if isinstance(input_col, (list, tuple)) else 1
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        most = None
    else:
        most = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)
    needed = [p for p in parameters if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    name = getattr(fn, "__name__", None) or type(fn).__name__
    keyword_only = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    if keyword_only:
        raise ValueError(f"The function {name} takes {len(keyword_only)} non-default keyword-only parameters, which is not allowed.")
    if len(needed) > given:
        raise ValueError(f"The function {name} takes {len(needed)} positional parameters, but {given} are required.")
    if most is not None and most < given:
        raise ValueError(f"The function {name} takes {most} parameters, but {given} are required.")


class StreamWrapper:
    """A file that is closed when the last reference to it goes."""

    def __init__(self, file_obj, name=None):
        self.file_obj, self.name = file_obj, name

    def __getattr__(self, name):
        if name == "file_obj":
            raise AttributeError(name)
        return getattr(self.file_obj, name)

    def __iter__(self):
        yield from self.file_obj

    def __next__(self):
        return next(self.file_obj)

    def __repr__(self):
        return f"StreamWrapper<{self.file_obj!r}>" if self.name is None else f"StreamWrapper<{self.name},{self.file_obj!r}>"

    def __del__(self):
        if "file_obj" in self.__dict__:
            self.file_obj.close()
