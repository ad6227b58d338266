"""The text of a tensor, digit for digit PyTorch's.

An array is cut to its corners when it is long, every kept element becomes a text (`_texts`), and the texts are laid out in
brackets (`_layout`); `tensor_repr` adds what the digits do not say: size, dtype, how the tensor came about.

Nothing here knows the rest of the package: it calls `bind` once with the types and the default dtype it needs.
"""

import math
from contextlib import contextmanager
from itertools import compress
from types import SimpleNamespace

import numpy as np

PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


_options = SimpleNamespace(**PROFILES["default"], sci_mode=None)
_package = None  # what `bind` was given
_tangent_of = None  # what `show_tangents` was given


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None):
    """Set how tensors are printed: first the `profile`, then each option given.

    precision: digits after the point; threshold: the number of elements above which a tensor is shortened to `edgeitems` at
    both ends of each dimension; linewidth: where lines break; profile: "default", "short" or "full"; sci_mode: True or False
    forces or forbids scientific notation.
    """
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    changes = PROFILES.get(profile, {}) | {name: value for name, value in given.items() if value is not None}
    for name, value in changes.items():
        setattr(_options, name, value)
    _options.sci_mode = sci_mode  # torch: every call sets it, so one that does not name it returns to the automatic choice


def get_printoptions():
    """The options in force, as keywords of `set_printoptions`."""
    return dict(vars(_options))


@contextmanager
def printoptions(**options):
    """Set options for the length of a `with` block."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


def _float_texts(values):
    """Texts and common width of real numbers, given as a flat float64 array; texts are not padded yet."""
    # torch: zeros, nan and inf have no say in notation or width: [-0., 1.] and [1., nan] are ragged.
    counts = np.isfinite(values) & (values != 0)
    counted = values[counts]
    scientific = False
    if counted.size:
        scientific = _options.sci_mode
        if scientific is None:
            magnitudes = np.abs(counted)
            low, high = float(magnitudes.min()), float(magnitudes.max())
            scientific = high / low > 1000 or high > 1e8 or low < 1e-4
    whole = not scientific and bool((counted == np.ceil(counted)).all())
    form = "{:.0f}." if whole else f"{{:.{_options.precision}{'e' if scientific else 'f'}}}"
    texts = [*map(form.format, values.tolist())]
    width = max(map(len, compress(texts, counts.tolist())), default=1)
    if whole and not counts.all():
        texts = [text.replace("n.", "n").replace("f.", "f") for text in texts]  # nan and inf take no point
    return texts, width


def _texts(array):
    """Every element's text, row-major, and the width that lines are filled by."""
    flat = array.reshape(-1)
    if array.dtype.kind == "c":
        reals, width = _float_texts(flat.real.astype(np.float64))
        imags, imag_width = _float_texts(flat.imag.astype(np.float64))
        # torch: real parts are padded, imaginary ones are not, though a line is filled as if they were.
        signed = [imag if imag[0] == "-" else "+" + imag for imag in imags]
        return [f"{real.rjust(width)}{imag}j" for real, imag in zip(reals, signed, strict=False)], width + imag_width + 1
    if array.dtype.kind in "iub":
        texts = [*map(str, flat.tolist())]
        width = max(map(len, texts))
    else:  # floats: those of ml_dtypes are of kind "V" to NumPy
        texts, width = _float_texts(flat.astype(np.float64))
    return [text.rjust(width) for text in texts], width


def _layout(texts, shape, cut, indent, per_line):
    """Brackets and line breaks around row-major `texts`; a dimension that is `cut` has an ellipsis in its middle."""
    inner = len(shape) == 1
    step = len(texts) // shape[0]
    blocks = texts
    if not inner:
        blocks = [_layout(texts[i : i + step], shape[1:], cut[1:], indent + 1, per_line) for i in range(0, len(texts), step)]
    if cut[0]:
        half = len(blocks) // 2
        blocks = [*blocks[:half], " ..." if inner else "...", *blocks[half:]]
    if inner:
        blocks = [", ".join(blocks[i : i + per_line]) for i in range(0, len(blocks), per_line)]
    newline = "," + "\n" * max(1, len(shape) - 1) + " " * (indent + 1)
    return "[" + newline.join(blocks) + "]"


def tensor_str(array, indent=0):
    """The brackets and digits of a non-empty ndarray whose first line starts in column `indent`."""
    edge = _options.edgeitems
    cut = [False] * array.ndim
    if array.size > _options.threshold and array.ndim:
        if edge == 0:
            return "[...]"
        cut = [n > 2 * edge for n in array.shape]
        array = array[np.ix_(*[[*range(edge), *range(n - edge, n)] if c else range(n) for n, c in zip(array.shape, cut, strict=False)])]
    texts, width = _texts(array)
    if not array.ndim:
        return texts[0]
    # Innermost rows start `ndim - 1` columns to the right of `indent`; ", " follows each element.
    per_line = max(1, math.floor((_options.linewidth - indent - (array.ndim - 1)) / (width + 2)))
    return _layout(texts, array.shape, cut, indent, per_line)


def bind(tensor, parameter, get_default_dtype):
    """Tell the printer the package's Tensor and Parameter types and how to ask for the default dtype."""
    global _package
    _package = tensor, parameter, get_default_dtype


def show_tangents(tangent_of):
    """Tell the printer how to ask for the tangent of a tensor (or None) in forward-mode differentiation."""
    global _tangent_of
    _tangent_of = tangent_of


def _notes(t, default):
    """What follows the digits: `size=`, `dtype=` unless it is the `default`, the node or flag of a tensor with gradient, its tangent."""
    dtype = t.dtype
    empty = 0 in t.shape
    notes = []
    # torch: "[]" shows a size of (0,), and with no edge items every tensor but an empty one gets its size.
    if len(t.shape) != 1 if empty else _options.edgeitems == 0:
        notes.append(f"size={tuple(t.shape)}")
    if dtype != default and (empty or repr(dtype) not in _obvious_dtypes(default)):
        notes.append(f"dtype={dtype}")
    try:
        node = t.grad_fn
        node_name = node and type(node).__name__
        if node_name == "CppFunction":
            node_name = node.name()
    except RuntimeError:
        node_name = "Invalid"  # torch: a view taken under no_grad whose base was written to has no node to show
    if node_name:
        notes.append(f"grad_fn=<{node_name}>")
    elif t.requires_grad:
        notes.append("requires_grad=True")
    tangent = None if _tangent_of is None else _tangent_of(t)
    if tangent is not None:
        notes.append(f"tangent={tangent}")
    return notes


def _obvious_dtypes(default):
    """The dtypes that digits alone give away, beside the default one."""
    # torch: complex64 is the complex default for float16 and bfloat16 too, in print at least.
    return "torch.int64", "torch.bool", "torch.complex128" if repr(default) == "torch.float64" else "torch.complex64"


def tensor_repr(t, *, tensor_contents=None):
    """The text of a tensor: `tensor(digits, notes)`, or with the given contents in place of digits."""
    tensor, parameter, get_default_dtype = _package
    kind = type(t)
    plain = kind is tensor or kind is parameter
    prefix = "tensor(" if plain else kind.__name__ + "("
    indent = len(prefix)
    if tensor_contents is None:
        tensor_contents = "[]" if 0 in t.shape else tensor_str(t._array, indent)
    text = prefix + tensor_contents
    column = len(text) - text.rfind("\n") + 1  # torch: the last line of digits is taken for two columns longer than it is
    for note in _notes(t, get_default_dtype()):
        if column + len(note) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + note
            column = indent + len(note)
        else:
            text += ", " + note
            column += len(note) + 2
    text += ")"
    return f"Parameter({text})" if isinstance(t, parameter) and not plain else text


def parameter_repr(p):
    """The text of an `nn.Parameter`."""
    return "Parameter containing:\n" + tensor_repr(p)
