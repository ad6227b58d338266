"""The text of tensors, against literals recorded from PyTorch 2.13 and, where it is installed, against PyTorch itself.

Run as a program (`python tests/test_printing.py SEED COUNT`) this file prints, as JSON, PyTorch's texts of ROWS and of COUNT
random tensors; the last test runs it in a process of its own, so that torch is never imported beside reftorch.
"""

import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from numpy import arange, array, inf, nan, ones, zeros

# (values, dtype, extras, text). The extras are printing options and
#   default: the default dtype    kind: the tensor's class    contents: `tensor_contents`
#   grad: requires_grad           node: the class of grad_fn (a view, so that values stay)
ROWS = [
    # integral floats print a bare point; zeros, nan and inf take no part in the width
    ([1, 2, 3], "float32", {}, "tensor([1., 2., 3.])"),
    ([0.0, -0.0], "float32", {}, "tensor([0., -0.])"),
    ([-0.0, 1.0], "float32", {}, "tensor([-0., 1.])"),
    ([-0.0, 1.5], "float32", {}, "tensor([-0.0000, 1.5000])"),
    ([1, nan], "float32", {}, "tensor([1., nan])"),
    ([1, -inf, 100], "float32", {}, "tensor([  1., -inf, 100.])"),
    ([nan, inf, -inf], "float64", {}, "tensor([nan, inf, -inf], dtype=torch.float64)"),
    ([1.5, nan, inf, -inf], "float32", {}, "tensor([1.5000,    nan,    inf,   -inf])"),
    ([0.1, 12.5, -3.25], "float32", {}, "tensor([ 0.1000, 12.5000, -3.2500])"),
    ([-1e-5, 0.5], "float32", {"sci_mode": False}, "tensor([-0.0000,  0.5000])"),
    # where scientific notation begins: a ratio over 1000, a magnitude over 1e8 or under 1e-4, in float64 arithmetic
    ([1, 1000], "float32", {}, "tensor([   1., 1000.])"),
    ([1, 1001], "float32", {}, "tensor([1.0000e+00, 1.0010e+03])"),
    ([0.5, 500], "float32", {}, "tensor([  0.5000, 500.0000])"),
    ([0.5, 500.5], "float32", {}, "tensor([5.0000e-01, 5.0050e+02])"),
    ([1e8], "float32", {}, "tensor([100000000.])"),
    ([100000008], "float32", {}, "tensor([1.0000e+08])"),
    ([1e8 + 0.5], "float64", {}, "tensor([1.0000e+08], dtype=torch.float64)"),
    ([1e-4], "float32", {}, "tensor([1.0000e-04])"),
    ([1e-4], "float64", {}, "tensor([0.0001], dtype=torch.float64)"),
    ([9.9e-5, 0.01], "float64", {}, "tensor([9.9000e-05, 1.0000e-02], dtype=torch.float64)"),
    ([1e300, 1e-300], "float64", {}, "tensor([1.0000e+300, 1.0000e-300], dtype=torch.float64)"),
    ([5e-324, -0.5], "float64", {}, "tensor([4.9407e-324, -5.0000e-01], dtype=torch.float64)"),
    ([65504, 7], "float16", {}, "tensor([6.5504e+04, 7.0000e+00], dtype=torch.float16)"),
    ([6e-8], "float16", {}, "tensor([5.9605e-08], dtype=torch.float16)"),
    ([3e38, 1], "bfloat16", {}, "tensor([3.0041e+38, 1.0000e+00], dtype=torch.bfloat16)"),
    ([0.1, 0.2], "bfloat16", {}, "tensor([0.1001, 0.2002], dtype=torch.bfloat16)"),
    ([1, 2.5], "float16", {}, "tensor([1.0000, 2.5000], dtype=torch.float16)"),
    ([0.5, 448], "float8_e4m3fn", {}, "tensor([  0.5000, 448.0000], dtype=torch.float8_e4m3fn)"),
    # notation by order
    ([1, 2], "float32", {"sci_mode": True}, "tensor([1.0000e+00, 2.0000e+00])"),
    ([0.0, 0.0], "float32", {"sci_mode": True}, "tensor([0., 0.])"),
    ([0.0, -0.0, nan, 3], "float32", {"sci_mode": True}, "tensor([0.0000e+00, -0.0000e+00,        nan, 3.0000e+00])"),
    ([1, 1e9], "float32", {"sci_mode": False}, "tensor([         1., 1000000000.])"),
    ([1.5, 1e9], "float32", {"sci_mode": False}, "tensor([         1.5000, 1000000000.0000])"),
    ([1.23456789], "float64", {"precision": 8}, "tensor([1.23456789], dtype=torch.float64)"),
    ([1.25, 2.75, 3.5], "float32", {"precision": 0}, "tensor([1, 3, 4])"),
    ([1e10, 1], "float32", {"precision": 0}, "tensor([1e+10, 1e+00])"),
    ([0.123456, 7], "float32", {"precision": 2, "sci_mode": True}, "tensor([1.23e-01, 7.00e+00])"),
    (3.14159, "float32", {"precision": 2}, "tensor(3.14)"),
    ([1.5, 2], "float32", {"profile": "short"}, "tensor([1.50, 2.00])"),
    # integers and truth values
    ([1, -20, 300], "int64", {}, "tensor([  1, -20, 300])"),
    ([1, 2], "int32", {}, "tensor([1, 2], dtype=torch.int32)"),
    ([-128, 127], "int8", {}, "tensor([-128,  127], dtype=torch.int8)"),
    ([255], "uint8", {}, "tensor([255], dtype=torch.uint8)"),
    ([2**64 - 1, 0], "uint64", {}, "tensor([18446744073709551615,                    0], dtype=torch.uint64)"),
    ([1, 2], "uint16", {}, "tensor([1, 2], dtype=torch.uint16)"),
    ([True, False], "bool", {}, "tensor([ True, False])"),
    ([True, True], "bool", {}, "tensor([True, True])"),
    ([[True], [False]], "bool", {}, "tensor([[ True],\n        [False]])"),
    (True, "bool", {}, "tensor(True)"),
    (7, "int64", {}, "tensor(7)"),
    (7, "int16", {}, "tensor(7, dtype=torch.int16)"),
    # complex: the real parts are padded, the imaginary ones are not
    ([1 + 2j], "complex64", {}, "tensor([1.+2.j])"),
    ([1 + 2.5j, -1 - 100.5j], "complex64", {}, "tensor([ 1.+2.5000j, -1.-100.5000j])"),
    ([complex(1, -0.0), complex(-0.0, 0)], "complex64", {}, "tensor([1.-0.j, -0.+0.j])"),
    ([complex(nan, -inf), 1 + 100j], "complex64", {}, "tensor([nan-infj, 1.+100.j])"),
    ([complex(1.5, nan), -1 + 1e-9j], "complex64", {}, "tensor([ 1.5000+nanj, -1.0000+1.0000e-09j])"),
    ([1 + 2j, 1e9 + 0.5j], "complex64", {"sci_mode": True}, "tensor([1.0000e+00+2.0000e+00j, 1.0000e+09+5.0000e-01j])"),
    ([0j], "complex64", {"sci_mode": True}, "tensor([0.+0.j])"),
    ([1.5 + 2j], "complex128", {}, "tensor([1.5000+2.j], dtype=torch.complex128)"),
    (1j, "complex64", {}, "tensor(0.+1.j)"),
    ([complex(i, -i / 2) for i in range(8)], "complex64", {},
     ("tensor([0.+0.0000j, 1.-0.5000j, 2.-1.0000j, 3.-1.5000j, 4.-2.0000j, 5.-2.5000j,\n"
      "        6.-3.0000j, 7.-3.5000j])")),
    # the dtype shown depends on the default one
    ([1.5], "float32", {"default": "float64"}, "tensor([1.5000], dtype=torch.float32)"),
    ([1.5], "float64", {"default": "float64"}, "tensor([1.5000])"),
    ([1j], "complex64", {"default": "float64"}, "tensor([0.+1.j], dtype=torch.complex64)"),
    ([1j], "complex128", {"default": "float64"}, "tensor([0.+1.j])"),
    ([1j], "complex64", {"default": "float16"}, "tensor([0.+1.j])"),
    ([1.5], "float16", {"default": "float16"}, "tensor([1.5000])"),
    ([1.5], "float32", {"default": "bfloat16"}, "tensor([1.5000], dtype=torch.float32)"),
    # empty tensors
    ([], "float32", {}, "tensor([])"),
    ([], "int64", {}, "tensor([], dtype=torch.int64)"),
    ([], "bool", {}, "tensor([], dtype=torch.bool)"),
    (zeros((0, 3)), "float32", {}, "tensor([], size=(0, 3))"),
    (zeros((2, 0)), "complex64", {}, "tensor([], size=(2, 0), dtype=torch.complex64)"),
    (zeros((0, 3)), "float32", {"grad": True}, "tensor([], size=(0, 3), requires_grad=True)"),
    ([], "float32", {"edgeitems": 0, "threshold": 0}, "tensor([])"),
    # line breaks
    (arange(30), "int64", {},
     ("tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
      "        18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29])")),
    (arange(24) / 4, "float32", {},
     ("tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000, 1.2500, 1.5000, 1.7500, 2.0000,\n"
      "        2.2500, 2.5000, 2.7500, 3.0000, 3.2500, 3.5000, 3.7500, 4.0000, 4.2500,\n"
      "        4.5000, 4.7500, 5.0000, 5.2500, 5.5000, 5.7500])")),
    (arange(8), "float64", {}, "tensor([0., 1., 2., 3., 4., 5., 6., 7.], dtype=torch.float64)"),
    (arange(12), "int64", {"linewidth": 20},
     "tensor([ 0,  1,  2,\n         3,  4,  5,\n         6,  7,  8,\n         9, 10, 11])"),
    ([1, 2], "int64", {"linewidth": 0}, "tensor([1,\n        2])"),
    ([[1, 2], [3, 4]], "float32", {}, "tensor([[1., 2.],\n        [3., 4.]])"),
    (arange(8).reshape(2, 2, 2), "int64", {}, "tensor([[[0, 1],\n         [2, 3]],\n\n        [[4, 5],\n         [6, 7]]])"),
    (arange(4).reshape(2, 1, 2, 1), "float32", {},
     "tensor([[[[0.],\n          [1.]]],\n\n\n        [[[2.],\n          [3.]]]])"),
    (arange(60).reshape(2, 30) - 7, "int64", {"linewidth": 60},
     ("tensor([[-7, -6, -5, -4, -3, -2, -1,  0,  1,  2,  3,  4,  5,\n"
      "          6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17, 18,\n         19, 20, 21, 22],\n"
      "        [23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35,\n"
      "         36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48,\n         49, 50, 51, 52]])")),
    (ones((1, 1, 1, 1, 1)), "float32", {}, "tensor([[[[[1.]]]]])"),
    # long tensors are cut in every dimension
    (arange(1001), "int64", {}, "tensor([   0,    1,    2,  ...,  998,  999, 1000])"),
    (arange(1001), "float32", {}, "tensor([   0.,    1.,    2.,  ...,  998.,  999., 1000.])"),
    (arange(1000000).reshape(1000, 1000), "int64", {},
     ("tensor([[     0,      1,      2,  ...,    997,    998,    999],\n"
      "        [  1000,   1001,   1002,  ...,   1997,   1998,   1999],\n"
      "        [  2000,   2001,   2002,  ...,   2997,   2998,   2999],\n        ...,\n"
      "        [997000, 997001, 997002,  ..., 997997, 997998, 997999],\n"
      "        [998000, 998001, 998002,  ..., 998997, 998998, 998999],\n"
      "        [999000, 999001, 999002,  ..., 999997, 999998, 999999]])")),
    (array([[1e9] * 9] + [[1.5] * 9]).T, "float32", {"edgeitems": 1, "threshold": 5},
     "tensor([[1.0000e+09, 1.5000e+00],\n        ...,\n        [1.0000e+09, 1.5000e+00]])"),
    (arange(60).reshape(3, 4, 5), "int64", {"edgeitems": 1, "threshold": 3},
     ("tensor([[[ 0,  ...,  4],\n         ...,\n         [15,  ..., 19]],\n\n        ...,\n\n        [[40,  ..., 44],\n"
      "         ...,\n         [55,  ..., 59]]])")),
    (arange(12).reshape(3, 4) % 2, "bool", {"edgeitems": 1, "threshold": 3},
     "tensor([[False,  ...,  True],\n        ...,\n        [False,  ...,  True]])"),
    (arange(4) * 1j, "complex64", {"edgeitems": 1, "threshold": 3}, "tensor([0.+0.j,  ..., 0.+3.j])"),
    ([1.5, 2, 1e-9, 1e9, 3], "float32", {"edgeitems": 2, "threshold": 4},
     "tensor([1.5000e+00, 2.0000e+00,  ..., 1.0000e+09, 3.0000e+00])"),
    ([1.5, 2, 1e-9, 3, 4], "float32", {"edgeitems": 2, "threshold": 4}, "tensor([1.5000, 2.0000,  ..., 3.0000, 4.0000])"),
    (arange(40), "int64", {"edgeitems": 5, "threshold": 10, "linewidth": 24},
     "tensor([ 0,  1,  2,  3,\n         4,  ..., 35, 36,\n        37, 38, 39])"),
    (arange(4), "int64", {"edgeitems": 0, "threshold": 3}, "tensor([...], size=(4,))"),
    (arange(4), "float64", {"edgeitems": 0}, "tensor([0., 1., 2., 3.], size=(4,), dtype=torch.float64)"),
    (3, "int64", {"edgeitems": 0, "threshold": 0}, "tensor(3, size=())"),
    (3, "int64", {"threshold": 0}, "tensor(3)"),
    # how the tensor came about
    ([1, 2], "float32", {"grad": True}, "tensor([1., 2.], requires_grad=True)"),
    (1, "float32", {"node": "ViewBackward0"}, "tensor(1., grad_fn=<ViewBackward0>)"),
    ([[1], [2]], "float64", {"node": "ViewBackward0"},
     "tensor([[1.],\n        [2.]], dtype=torch.float64, grad_fn=<ViewBackward0>)"),
    ([1 + 1j], "complex64", {"node": "ViewBackward0", "grad": True}, "tensor([1.+1.j], grad_fn=<ViewBackward0>)"),
    (arange(9) / 2, "float32", {"node": "ViewBackward0"},
     ("tensor([0.0000, 0.5000, 1.0000, 1.5000, 2.0000, 2.5000, 3.0000, 3.5000, 4.0000],\n"
      "       grad_fn=<ViewBackward0>)")),
    (arange(8) + 0.5, "float16", {"grad": True},
     ("tensor([0.5000, 1.5000, 2.5000, 3.5000, 4.5000, 5.5000, 6.5000, 7.5000],\n"
      "       dtype=torch.float16, requires_grad=True)")),
    (arange(6) + 0.25, "bfloat16", {"node": "ViewBackward0", "linewidth": 40},
     ("tensor([0.2500, 1.2500, 2.2500, 3.2500,\n        4.2500, 5.2500],\n       dtype=torch.bfloat16,\n"
      "       grad_fn=<ViewBackward0>)")),
    ([1, 2], "float32", {"kind": "Parameter", "grad": True}, "Parameter containing:\ntensor([1., 2.], requires_grad=True)"),
    ([1, 2], "float32", {"kind": "Parameter"}, "Parameter containing:\ntensor([1., 2.])"),
    ([1, 2], "int64", {"kind": "Sub"}, "Sub([1, 2])"),
    ([[1, 2], [3, 4]], "float32", {"kind": "Sub"}, "Sub([[1., 2.],\n     [3., 4.]])"),
    ([[1, 2], [3, 4]], "float32", {"kind": "SubParameter", "grad": True},
     "Parameter(SubParameter([[1., 2.],\n              [3., 4.]], requires_grad=True))"),
    ([1.5] * 8, "float64", {"kind": "SubParameter", "grad": True},
     ("Parameter(SubParameter([1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000, 1.5000],\n"
      "             dtype=torch.float64, requires_grad=True))")),
    # contents that a subclass supplies
    ([1, 2], "float64", {"contents": "AB"}, "tensor(AB, dtype=torch.float64)"),
    (zeros((0, 2)), "float32", {"contents": "AB", "kind": "Sub"}, "Sub(AB, size=(0, 2))"),
    ([1, 2], "float64", {"contents": "first\nlast"}, "tensor(first\nlast, dtype=torch.float64)"),
    ([1, 2], "float64", {"contents": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "grad": True},
     "tensor(xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, dtype=torch.float64,\n       requires_grad=True)"),
    ([1, 2], "float64", {"contents": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "grad": True},
     "tensor(xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx, dtype=torch.float64,\n       requires_grad=True)"),
    ([1, 2], "int8", {"contents": "AB", "edgeitems": 0}, "tensor(AB, size=(2,), dtype=torch.int8)"),
]

NARROW = ("bfloat16", "float8_e4m3fn")  # NumPy lacks these; both sides round them from float32
DTYPES = ["float16", "bfloat16", "complex64", "complex128", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32",
          "uint64", "bool", "float8_e4m3fn"] + ["float32", "float64"] * 4


@dataclass(frozen=True)
class Dtype:
    name: str

    def __repr__(self):
        return "torch." + self.name


class FakeTensor:
    """What the printer asks of a tensor, around an ndarray."""

    def __init__(self, values, dtype, grad, node):
        self.values = np.asarray(values, "float32" if dtype in NARROW else dtype)
        if dtype in NARROW:
            import ml_dtypes
            self.values = self.values.astype(getattr(ml_dtypes, dtype))
        self.dtype, self.shape = Dtype(dtype), self.values.shape
        self.requires_grad = bool(grad or node)
        self.grad_fn = type(node, (), {})() if node else None

    @property
    def _array(self):
        return self.values


class FakeParameter(FakeTensor):
    pass


class Sub(FakeTensor):
    pass


class SubParameter(FakeParameter):
    pass


KINDS = {"Tensor": FakeTensor, "Parameter": FakeParameter, "Sub": Sub, "SubParameter": SubParameter}


def our_text(monkeypatch, values, dtype, extras):
    from reftorch import printing
    monkeypatch.setattr(printing, "_package", (FakeTensor, FakeParameter, lambda: Dtype(extras.get("default", "float32"))))
    options = {name: extras[name] for name in extras.keys() & (printing.get_printoptions().keys() | {"profile"})}
    t = KINDS[extras.get("kind", "Tensor")](values, dtype, extras.get("grad"), extras.get("node"))
    with printing.printoptions(**options):
        show = printing.parameter_repr if type(t) is FakeParameter else printing.tensor_repr
        return show(t) if "contents" not in extras else printing.tensor_repr(t, tensor_contents=extras["contents"])


def torch_text(values, dtype, extras):
    import torch

    class Sub(torch.Tensor):
        __repr__ = torch.Tensor.__repr__

    class SubParameter(torch.nn.Parameter):
        __repr__ = torch.Tensor.__repr__

    values = np.array(values, "float32" if dtype in NARROW else dtype)  # a copy: torch wants it writeable
    t = torch.from_numpy(values).to(getattr(torch, dtype))
    if extras.get("grad") or extras.get("node"):
        t.requires_grad_()
    if extras.get("node"):
        t = t.view(t.shape)
    match extras.get("kind"):
        case "Sub":
            t = t.as_subclass(Sub)
        case "Parameter":
            t = torch.nn.Parameter(t, bool(extras.get("grad")))
        case "SubParameter":
            t = SubParameter(t, bool(extras.get("grad")))
    names = {"precision", "threshold", "edgeitems", "linewidth", "sci_mode", "profile"} & extras.keys()
    torch.set_default_dtype(getattr(torch, extras.get("default", "float32")))
    torch.set_printoptions(profile="default")
    torch.set_printoptions(**{name: extras[name] for name in names})
    return torch.Tensor.__repr__(t, tensor_contents=extras["contents"]) if "contents" in extras else repr(t)


def random_reals(rng, n):
    """`n` numbers of one of the characters that decide notation and width."""
    values = rng.choice([
        rng.standard_normal(n),
        rng.standard_normal(n) * 10.0 ** rng.integers(-12, 12),
        rng.standard_normal(n) * 10.0 ** rng.integers(-6, 6, n),
        np.trunc(rng.standard_normal(n) * 10.0 ** rng.integers(0, 10)),
        rng.choice([1.0, 1000, 1001, 0.5, 500, 500.5, 1e8, 1e8 + 8, 1e-4, 1e-3], n),
        np.nextafter(rng.choice([1, 1000, 1e8, 1e-4], n), rng.choice([-inf, inf], n)),
        rng.choice([1e300, 1e-300, 5e-324, -1e-200, 1], n),
        rng.choice([0.0, -0.0], n),
    ])
    special = rng.random(n) < rng.choice([0, 0, 0.2, 1])
    return np.where(special, rng.choice([nan, inf, -inf, 0, -0.0], n), values)


def random_case(rng):
    """A row of the table without its text."""
    dtype = str(rng.choice(DTYPES))
    ndim = int(rng.integers(0, 5))
    elements = 1500 if rng.random() < 0.1 else 60
    shape = tuple(rng.integers(rng.random() > 0.1, round(elements ** (1 / max(1, ndim))) + 2, ndim).tolist())
    n = int(np.prod(shape))
    if dtype == "bool":
        values = rng.random(n) < rng.choice([0, 0.5, 1])
    elif "int" in dtype:
        bits = np.iinfo(dtype).bits
        values = (rng.integers(0, 2**64, n, np.uint64) >> np.uint64(rng.integers(64 - bits, 64))).astype(dtype)
    else:
        values = random_reals(rng, n)
        with np.errstate(over="ignore"):
            if "complex" in dtype:
                values = np.stack([values, random_reals(rng, n)], -1).view("complex128")[:, 0]
            values = values.astype("float32" if dtype in NARROW else dtype)
    if dtype == "float8_e4m3fn":
        values = values.clip(-448, 448)  # beyond its range torch saturates where ml_dtypes gives nan: no matter of printing
    values = values.reshape(shape)
    if ndim and rng.random() < 0.3:
        values = values.T[..., ::2]
    extras = {
        "precision": int(rng.integers(0, 9)), "threshold": [0, 5, 20, 100, inf][rng.integers(5)],
        "edgeitems": int(rng.integers(0, 5)), "linewidth": int(rng.integers(1, 200)),
        "sci_mode": [True, False, None][rng.integers(3)], "default": ["float64", "float16", "bfloat16"][rng.integers(3)],
    }
    extras = {name: value for name, value in extras.items() if rng.random() < 0.4}
    if "float" in dtype or "complex" in dtype:
        extras |= [{}, {"grad": True}, {"node": "ViewBackward0"}, {"kind": "SubParameter", "grad": True}][rng.integers(4)]
    elif rng.random() < 0.2:
        extras["kind"] = "Sub"
    return values, dtype, extras


def random_cases(seed, count):
    rng = np.random.default_rng(seed)
    return [random_case(rng) for _ in range(count)]


def main(seed, count):
    cases = [row[:3] for row in ROWS] + random_cases(seed, count)
    json.dump([torch_text(*case) for case in cases], sys.stdout)


@pytest.mark.parametrize("values, dtype, extras, text", ROWS)
def test_recorded_text(monkeypatch, values, dtype, extras, text):
    assert our_text(monkeypatch, values, dtype, extras) == text


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="PyTorch is not installed")
def test_same_text_as_torch(monkeypatch):
    seed, count = 20, 2000
    run = subprocess.run([sys.executable, __file__, str(seed), str(count)], capture_output=True, text=True, check=True)
    texts = json.loads(run.stdout)
    assert texts[: len(ROWS)] == [row[3] for row in ROWS]
    for case, text in zip(random_cases(seed, count), texts[len(ROWS) :], strict=True):
        assert our_text(monkeypatch, *case) == text, case


def test_node_that_cannot_be_made(monkeypatch):
    """PyTorch's text of `v` after `with no_grad(): v = (leaf * 1)[:2]; v.mul_(2)`."""
    def no_node(t):
        raise RuntimeError("a view made under no_grad was written to")

    monkeypatch.setattr(FakeTensor, "grad_fn", property(no_node, lambda t, node: None), raising=False)
    assert our_text(monkeypatch, [2, 2], "float32", {"grad": True}) == "tensor([2., 2.], grad_fn=<Invalid>)"


def test_options_hold_until_changed():
    from reftorch import printing
    default = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80, "sci_mode": None}
    assert printing.get_printoptions() == default
    with pytest.raises(KeyError), printing.printoptions(precision=2, sci_mode=True):
        printing.set_printoptions(linewidth=120)
        # torch: a call that does not name sci_mode resets it, though it leaves precision alone
        assert printing.get_printoptions() == default | {"precision": 2, "linewidth": 120}
        printing.set_printoptions(profile="full", edgeitems=9)
        assert printing.get_printoptions() == default | {"threshold": inf, "edgeitems": 9}
        raise KeyError
    assert printing.get_printoptions() == default
    with pytest.raises(TypeError, match=r"set_printoptions\(\) got an unexpected keyword argument 'digits'"):
        printing.set_printoptions(digits=3)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
