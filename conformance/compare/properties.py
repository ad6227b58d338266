"""Results that are not unique, judged by what makes them right.

The columns of a decomposition are free up to a sign or phase, and the indices of equal values may stand in any order. A
difference in such a result counts only if its property fails: the factors must multiply to the same matrix as the oracle's,
unitary factors must be unitary, unique factors must be equal, and indices must point at equal values.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

import numpy as np


def _product(*factors: np.ndarray) -> np.ndarray:
    result = factors[0]
    for factor in factors[1:]:
        result = result @ factor
    return result


def _h(x: np.ndarray) -> np.ndarray:
    return np.conj(np.swapaxes(x, -1, -2))


def _diagonal(values: np.ndarray) -> np.ndarray:
    return values[..., None] * np.eye(values.shape[-1])


def _cut(u: np.ndarray, s: np.ndarray, vh: np.ndarray) -> np.ndarray:
    """U S Vh where the bases may be complete."""
    k = s.shape[-1]
    return _product(u[..., :, :k] * s[..., None, :], vh[..., :k, :])


def _same(x: np.ndarray, y: np.ndarray, eps: float) -> bool:
    scale = max(float(np.abs(x).max(initial=0.0)), 1.0)
    return x.shape == y.shape and bool(np.all(np.abs(x - y) <= 100 * eps * max(x.shape[-1:] or (1,)) * scale))


def _unitary(x: np.ndarray, eps: float) -> bool:
    """Whether the shorter side's vectors are orthonormal."""
    rows, columns = x.shape[-2:]
    gram = _h(x) @ x if columns <= rows else x @ _h(x)
    return _same(np.broadcast_to(np.eye(gram.shape[-1]), gram.shape), gram, eps)


def _svd(a, b, eps):
    return _same(a[1], b[1], eps) and _same(_cut(*a), _cut(*b), eps) and _unitary(b[0], eps) and _unitary(b[2], eps)


def _old_svd(a, b, eps):
    return _svd((a[0], a[1], _h(a[2])), (b[0], b[1], _h(b[2])), eps)


def _eigh(a, b, eps):
    build = lambda w, v: _product(v * w[..., None, :], _h(v))  # noqa: E731
    return _same(a[0], b[0], eps) and _same(build(*a), build(*b), eps) and _unitary(b[1], eps)


def _eig(a, b, eps):
    """A V = V W, with A made of the oracle's own factors; the eigenvalues may stand in another order."""
    order = lambda w: np.sort_complex(np.round(w, 4))  # noqa: E731
    matrix = _product(a[1] * a[0][..., None, :], np.linalg.inv(a[1]))
    ample = 100 * eps
    return _same(order(a[0]), order(b[0]), ample) and _same(matrix @ b[1], b[1] * b[0][..., None, :], ample)


def _qr(a, b, eps):
    return _same(_product(*a), _product(*b), eps) and _unitary(b[0], eps) and _same(np.triu(b[1]), b[1], eps)


DECOMPOSITIONS: dict[str, Callable] = {
    "linalg_svd": _svd, "svd": _old_svd, "linalg_eigh": _eigh, "linalg_eig": _eig, "linalg_qr": _qr, "qr": _qr,
    "svd_lowrank": _old_svd, "pca_lowrank": _old_svd,
}  # fmt: skip
PLAIN_TUPLES = {"svd_lowrank", "pca_lowrank"}  # functions whose results have no type of their own
INDEXED = {"sort", "topk", "max", "min", "kthvalue", "mode", "median", "nanmedian", "cummax", "cummin"}
EPS = {"float32": 1.2e-7, "complex64": 1.2e-7, "float64": 2.3e-16, "complex128": 2.3e-16}


def _short(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def judge(comparison, path: str, a: dict, b: dict) -> bool:
    """Whether a returned structure is right by its property (its plain comparison is then not needed)."""
    name = _short(a.get("type", ""))
    if name == "tuple":
        called = _called(comparison, path)
        name = called if called in PLAIN_TUPLES else name
    return _judge(comparison, name, a["items"], b["items"])


def _statement(comparison, path: str) -> ast.stmt | None:
    """The statement that a path of two parts, `3/out`, leads to."""
    index, _, rest = path.partition("/")
    return ast.parse(comparison.case["program"][int(index)]).body[-1] if index.isdigit() and "/" not in rest else None


def _called(comparison, path: str) -> str:
    """The function whose result a statement binds, as its results' type is called: `linalg_qr`."""
    node = _statement(comparison, path)
    if not isinstance(node, ast.Assign | ast.Expr) or not isinstance(node.value, ast.Call):
        return ""
    dotted = ast.unparse(node.value.func).split(".")
    return "linalg_" + dotted[-1] if "linalg" in dotted else dotted[-1]


def _judge(comparison, name: str, a: list, b: list) -> bool:
    if name not in DECOMPOSITIONS and name not in INDEXED or len(a) != len(b):
        return False
    if any(x["k"] != "tensor" or y["k"] != "tensor" or "at" not in x or "at" not in y for x, y in zip(a, b, strict=True)):
        return False
    plain = ("type", "dtype", "shape", "requires_grad", "grad_fn")
    if any(x.get(part) != y.get(part) for x, y in zip(a, b, strict=True) for part in plain):
        return False
    left, right = [comparison.oracle.array(x) for x in a], [comparison.subject.array(y) for y in b]
    if name in INDEXED:
        return len(a) == 2 and _ties(comparison, left, right)
    eps = EPS.get(a[0]["dtype"])
    if eps is None or left[0].ndim < 1 or any(not np.isfinite(x).all() for x in (*left, *right)):
        return False
    try:
        wide = [[x.astype(np.complex128 if x.dtype.kind == "c" else np.float64) for x in side] for side in (left, right)]
        return DECOMPOSITIONS[name](*wide, eps)
    except (ValueError, np.linalg.LinAlgError):  # partial results (mode="r", compute_uv=False) have no property
        return False


def _ties(comparison, a: list[np.ndarray], b: list[np.ndarray]) -> bool:
    """Equal values, and each index of the subject points at its value in the case's first tensor of that kind."""
    if not np.array_equal(a[0], b[0], equal_nan=a[0].dtype.kind in "fc"):
        return False
    source = first_input(comparison)
    if source is None:
        return False
    for axis in range(source.ndim):
        values, where = b[0], b[1]
        if values.ndim == source.ndim - 1:
            values, where = np.expand_dims(values, axis), np.expand_dims(where, axis)
        try:
            picked, theirs = np.take_along_axis(source, where, axis), np.take_along_axis(source, _like(a[1], where), axis)
        except (IndexError, ValueError):
            continue
        distinct = np.all(np.diff(np.sort(where, axis), axis=axis) > 0)  # no element may be used twice
        if distinct and np.array_equal(theirs, values) and np.array_equal(picked, values):
            return True
    return False


def _like(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return x.reshape(y.shape)


def first_input(comparison) -> np.ndarray | None:
    """The first tensor of the case: given to it, or bound by one of its statements."""
    for shot in comparison.inputs():
        if shot.get("k") == "tensor" and "at" in shot and shot["shape"]:
            return comparison.oracle.array(shot)
    return None


def unpacked(comparison, path: str, a: dict, b: dict) -> set[str]:
    """The names that `Q, R = torch.linalg.qr(A)` bound, where they are right together; empty otherwise."""
    if len(a) < 2 or a.keys() != b.keys():
        return set()
    node, name = _statement(comparison, path), _called(comparison, path)
    if not name or not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Tuple):
        return set()
    names = [item.id for item in node.targets[0].elts if isinstance(item, ast.Name)]
    if set(names) != a.keys() or not _judge(comparison, name, [a[x] for x in names], [b[x] for x in names]):
        return set()
    return a.keys() & b.keys()
