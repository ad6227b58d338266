"""`assert_close`: |actual - expected| <= atol + rtol * |expected|, through any nesting of lists and dicts."""
import warnings
from collections.abc import Mapping, Sequence
from numbers import Number
from typing import NamedTuple

import numpy as np

from ..core import DTYPES, T, Tensor
from ..core._core import promote_types

_TOLERANCES = {"float16": (1e-3, 1e-5), "complex32": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "complex64": (1.3e-6, 1e-5),
               "float64": (1e-7, 1e-7), "complex128": (1e-7, 1e-7)}
_NUMBERS = {int: "int64", float: "float64", complex: "complex128"}


class _Options(NamedTuple):
    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool

    def tolerances(self, *names):
        """(rtol, atol) as given, or the widest of those dtypes."""
        if (self.rtol is None) != (self.atol is None):
            raise ValueError(f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {'atol' if self.atol is None else 'rtol'}.")
        if self.rtol is not None:
            return self.rtol, self.atol
        return tuple(max(values) for values in zip(*[_TOLERANCES.get(name, (0.0, 0.0)) for name in names], strict=True))


def _item(path):
    return f"\n\nThe failure occurred for item {''.join(f'[{key!r}]' for key in path)}" if path else ""


def _head(what, rtol, atol):
    return f"{what} are not {'equal' if rtol == atol == 0 else 'close'}!\n\n"


def _difference(kind, value, where, limit, exact):
    allowed = "" if exact else f" (up to {limit} allowed)"
    return f"{kind} difference: {value}{where}{allowed}"


# ------------------------------------------------------------------ one pair: a complaint or None
def _none(actual, expected, options):
    return None if actual is None and expected is None else f"None mismatch: {actual} is not {expected}"


def _boolean(actual, expected, options):
    return None if bool(actual) is bool(expected) else f"Booleans mismatch: {bool(actual)} is not {bool(expected)}"


def _number(actual, expected, options):
    actual, expected = [v.item() if isinstance(v, np.generic) else v for v in (actual, expected)]
    rtol, atol = options.tolerances(*[_NUMBERS.get(type(v), "int64") for v in (actual, expected)])
    if options.check_dtype and type(actual) is not type(expected):
        return f"The (d)types do not match: {type(actual)} != {type(expected)}."
    return _scalars(actual, expected, rtol, atol, options)


def _scalars(actual, expected, rtol, atol, options):
    difference = abs(actual - expected)
    if actual == expected or (options.equal_nan and actual != actual and expected != expected):
        return None
    if difference <= atol + rtol * abs(expected) and difference != float("inf"):
        return None
    relative, exact = difference / abs(expected) if expected else float("inf"), rtol == atol == 0
    return (_head("Scalars", rtol, atol) + f"Expected {expected} but got {actual}.\n" + _difference("Absolute", difference, "", atol, exact) + "\n"
            + _difference("Relative", relative, "", rtol, exact))


def _attributes(actual, expected, options):
    """The first attribute in which two tensors differ though it is asked for."""
    for name, asked in (("shape", True), ("layout", options.check_layout), ("device", options.check_device), ("dtype", options.check_dtype)):
        if asked and getattr(actual, name) != getattr(expected, name):
            return f"The values for attribute '{name}' do not match: {getattr(actual, name)} != {getattr(expected, name)}."
    if options.check_stride and actual.stride() != expected.stride():
        return f"The values for attribute 'stride()' do not match: {actual.stride()} != {expected.stride()}."
    return None


def _tensors(actual, expected, options):
    actual, expected = [(T.as_tensor(v) if not isinstance(v, Tensor) else v).detach() for v in (actual, expected)]
    complaint = _attributes(actual, expected, options)
    if complaint:
        return complaint
    rtol, atol = options.tolerances(*[str(v.dtype).removeprefix("torch.") for v in (actual, expected)])
    common = promote_types(actual.dtype, expected.dtype)
    actual, expected = actual.to(common), expected.to(common)
    matches = T.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=options.equal_nan)
    if matches.all():
        return None
    if actual.dim() == 0:
        return _scalars(actual.item(), expected.item(), rtol, atol, options)
    if not (common.is_floating_point or common.is_complex):
        actual, expected = actual.to(DTYPES["int64"]), expected.to(DTYPES["int64"])
    absolute = (actual - expected).abs()
    relative, exact = absolute / expected.abs(), rtol == atol == 0
    wrong = int((~matches).sum().item())
    lines = [f"Mismatched elements: {wrong} / {matches.numel()} ({wrong / matches.numel():.1%})"]
    for kind, values, limit in (("Greatest absolute", absolute, atol), ("Greatest relative", relative, rtol)):
        values[matches] = 0
        at = tuple(int(i) for i in np.unravel_index(values.flatten().argmax().item(), values.shape))
        lines.append(_difference(kind, values[at].item(), f" at index {at}", limit, exact))
    return _head("Tensor-likes", rtol, atol) + "\n".join(lines)


# ------------------------------------------------------------------ from nested containers to pairs
def _tensor_like(actual, expected, options):
    related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
    if not related or (not options.allow_subclasses and type(actual) is not type(expected)):
        return False
    return isinstance(actual, (Tensor, np.ndarray))


def _sorted(keys):
    try:
        return sorted(keys)
    except TypeError:
        return list(keys)


def _pairs(actual, expected, options, path=()):
    """Every pair of leaves with the function that compares it; what does not fit together is refused before anything is compared."""
    both = (actual, expected)
    if all(isinstance(v, Sequence) and not isinstance(v, str) for v in both):
        if len(actual) != len(expected):
            raise AssertionError(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}{_item(path)}")
        for i, (a, b) in enumerate(zip(*both, strict=True)):
            yield from _pairs(a, b, options, (*path, i))
    elif all(isinstance(v, Mapping) for v in both):
        missing, extra = expected.keys() - actual.keys(), actual.keys() - expected.keys()
        if missing or extra:
            raise AssertionError(f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {_sorted(missing)}\n"
                                 f"Additional keys in the actual mapping: {_sorted(extra)}{_item(path)}")
        for key in _sorted(actual.keys()):
            yield from _pairs(actual[key], expected[key], options, (*path, key))
    elif actual is None or expected is None:
        yield _none, *both, path
    elif all(isinstance(v, (bool, np.bool_)) for v in both):
        yield _boolean, *both, path
    elif all(isinstance(v, (Number, np.number)) for v in both):
        yield _number, *both, path
    elif _tensor_like(actual, expected, options):
        yield _tensors, *both, path
    else:
        raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.{_item(path)}")


def assert_close(actual, expected, *, allow_subclasses=True, rtol=None, atol=None, equal_nan=False, check_device=True, check_dtype=True,
                 check_layout=True, check_stride=False, msg=None):
    """AssertionError, which says where and how much, unless |actual - expected| <= atol + rtol * |expected| everywhere."""
    options = _Options(allow_subclasses, rtol, atol, equal_nan, check_device, check_dtype, check_layout, check_stride)
    if rtol is None or atol is None:
        options.tolerances("int64")
    for compare, a, b, path in list(_pairs(actual, expected, options)):
        complaint = compare(a, b, options)
        if complaint:
            complaint += _item(path)
            raise AssertionError(msg(complaint) if callable(msg) else msg or complaint)


def assert_allclose(actual, expected, rtol=None, atol=None, equal_nan=True, msg=""):
    """The older `assert_close`, which converts what it is given and looks at values alone."""
    warnings.warn("`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. Please use "
                  "`torch.testing.assert_close()` instead. You can find detailed upgrade instructions in "
                  "https://github.com/pytorch/pytorch/issues/61844.", FutureWarning, stacklevel=2)
    actual = actual if isinstance(actual, Tensor) else T.tensor(actual)
    expected = expected if isinstance(expected, Tensor) else T.tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        rtol, atol = {"float16": (1e-3, 1e-3), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-8)}.get(str(actual.dtype).removeprefix("torch."), (0.0, 0.0))
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, check_stride=False, msg=msg or None)
