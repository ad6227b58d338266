"""Einstein summation and contractions over named dims."""
from math import prod

from ..core import T, composite
from ..core._core import normalize_dim
from ._common import unique_dims

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ELLIPSIS = "..."


def _fail(text):
    raise RuntimeError(f"einsum(): {text}")


def _labels(text, start, arrow, where):
    """The labels of one operand (or the output): letters, and "..." at most once."""
    found, i, end = [], start, start + len(text)
    while i < end:
        c = text[i - start]
        if c == ".":
            if _ELLIPSIS in found:
                _fail(f"found '.' for {where} for which an ellipsis was already found")
            if text[i - start:i - start + 3] != _ELLIPSIS:
                _fail(f"found '.' for {where} that is not part of any ellipsis" + (" (...)" if arrow else ""))
            found.append(_ELLIPSIS)
            i += 3
            continue
        if c != " ":
            if c not in _LETTERS:
                _fail(f"invalid subscript given at index {i} in the equation string, subscripts must be in [a-zA-Z]")
            found.append(c)
        i += 1
    return found


def _read(equation, count):
    """Labels of every operand, and of the output or None."""
    left, arrow, right = equation.partition("->")
    parts, at, inputs = left.split(","), 0, []
    for i, part in enumerate(parts):
        inputs.append(_labels(part, at, False, f"operand {i}"))
        at += len(part) + 1
        if i >= count:
            _fail("fewer operands were provided than specified in the equation")
    if len(parts) < count:
        _fail("more operands were provided than specified in the equation")
    return inputs, _labels(right, len(left) + 2, True, "output") if arrow else None


def _check_operands(inputs, operands):
    """How many dims "..." stands for; RuntimeError when labels do not fit the dims of an operand."""
    width = 0
    for i, (labels, x) in enumerate(zip(inputs, operands, strict=True)):
        named = len(labels) - (_ELLIPSIS in labels)
        if _ELLIPSIS in labels:
            if named > x.dim():
                _fail(f"the number of subscripts in the equation ({named}) is more than the number of dimensions ({x.dim()}) for operand {i}")
            width = max(width, x.dim() - named)
        elif named != x.dim():
            _fail(f"the number of subscripts in the equation ({named}) does not match the number of dimensions ({x.dim()}) for operand {i} and no "
                  "ellipsis was given")
    return width


def _output_order(inputs, output):
    """Labels of the result; without "->" those that occur once, in alphabetical order, after the ellipsis."""
    flat = [c for labels in inputs for c in labels]
    if output is None:
        once = [c for c in _LETTERS if flat.count(c) == 1]
        return ([_ELLIPSIS] if _ELLIPSIS in flat else []) + once
    for i, c in enumerate(output):
        if c in output[:i]:
            _fail(f"output subscript {c} appears more than once in the output")
        if c != _ELLIPSIS and c not in flat:
            _fail(f"output subscript {c} does not appear in the equation for any input operand")
    return output


def _expanded(labels, width, x, index):
    """Labels with "..." spelt out as ("...", i); the diagonal where one repeats."""
    own = x.dim() - (len(labels) - 1) if _ELLIPSIS in labels else 0
    names = []
    for c in labels:
        names.extend([(_ELLIPSIS, i) for i in range(width - own, width)] if c == _ELLIPSIS else [c])
    d = 0
    while d < len(names):
        first = names.index(names[d])
        if first < d:
            if x.shape[first] != x.shape[d]:
                _fail(f"subscript {names[d]} is repeated for operand {index} but the sizes don't match, {x.shape[d]} != {x.shape[first]}")
            x = x.diagonal(0, first, d).movedim(-1, first)
            del names[d]
        else:
            d += 1
    return names, x


def _aligned(names, order, x):
    """`x` with one dim for every label of `order`, of size 1 where it has none."""
    missing = [c for c in order if c not in names]
    for _ in missing:
        x = x.unsqueeze(-1)
    names = names + missing
    return x.permute([names.index(c) for c in order])


def _check_sizes(order, operands):
    for d, label in enumerate(order):
        seen = 1
        for i, x in enumerate(operands):
            if seen != 1 and x.shape[d] not in (1, seen):
                _fail(f"subscript {label if isinstance(label, str) else _ELLIPSIS} has size {x.shape[d]} for operand {i} which does not broadcast "
                      f"with previously seen size {seen}")
            if x.shape[d] != 1:
                seen = x.shape[d]


def _pair(left, right, sums):
    """Product of two aligned operands, summed over `sums`: one batched product of matrices."""
    if not sums:
        return left * right
    both, lefts, rights = [], [], []
    for d in range(left.dim()):
        wide = left.shape[d] != 1, right.shape[d] != 1
        if d in sums:
            if wide == (True, False):
                left = left.sum(d, True)
            elif wide == (False, True):
                right = right.sum(d, True)
        else:
            (both if all(wide) else lefts if wide[0] else rights).append(d)
    def sizes(dims, x):
        return [x.shape[d] for d in dims]
    shape = sizes(both, left) + sizes(lefts, left) + [1] * len(sums) + sizes(rights, right)
    n, k, m, batch = prod(sizes(lefts, left)), prod(sizes(sums, left)), prod(sizes(rights, right)), prod(sizes(both, left))
    order = both + lefts + sums + rights
    a = left.permute(order).reshape(batch, n, k)
    b = right.permute(both + sums + rights + lefts).reshape(batch, k, m)
    return T.bmm(a, b).view(shape).permute([order.index(d) for d in range(left.dim())])


@composite("einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor", ns=None)
def einsum(equation, tensors):
    """Sum of products over the labels that the output does not name: "bij,bjk->bik"."""
    inputs, output = _read(equation, len(tensors))
    width = _check_operands(inputs, tensors)
    output = _output_order(inputs, output)
    pairs = [_expanded(labels, width, x, i) for i, (labels, x) in enumerate(zip(inputs, tensors, strict=True))]
    order = []
    for c in output:
        order.extend([(_ELLIPSIS, i) for i in range(width)] if c == _ELLIPSIS else [c])
    kept = len(order)
    if _ELLIPSIS not in output:
        order.extend([(_ELLIPSIS, i) for i in range(width)])
    order.extend([c for c in _LETTERS if c not in order and any([c in names for names, _ in pairs])])
    operands = [_aligned(names, order, x) for names, x in pairs]
    _check_sizes(order, operands)
    if len(operands) == 1:
        return operands[0].sum(list(range(kept, len(order)))) if kept < len(order) else operands[0]
    counts = [len([x for x in operands if x.shape[d] != 1]) for d in range(len(order))]
    result = operands[0]
    for x in operands[1:]:
        sums, alone = [], ([], [])
        for d in range(kept, len(order)):
            here = [result.shape[d] != 1, x.shape[d] != 1]
            if all(here):
                counts[d] -= 1
                if counts[d] == 1:
                    sums.append(d)
                    counts[d] = 0
            elif counts[d] == 1 and any(here):
                alone[here.index(True)].append(d)
                counts[d] = 0
        if alone[0]:
            result = result.sum(alone[0], True)
        if alone[1]:
            x = x.sum(alone[1], True)
        result = _pair(result, x, sums)
    return result.view(tuple(result.shape[:kept])) if kept < len(order) else result


@composite("tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor", make="out", ns=None)
def tensordot(self, other, dims_self, dims_other):
    """Sum of products over pairs of dims, as one product of matrices."""
    if len(dims_self) != len(dims_other):
        raise RuntimeError("both dimension lists should have same length")
    if self.dtype != other.dtype:
        raise RuntimeError("both inputs should have same dtype")
    left = [normalize_dim(d, self.dim()) for d in dims_self]
    right = [normalize_dim(d, other.dim()) for d in dims_other]
    for i, (d1, d2) in enumerate(zip(left, right, strict=True)):
        if other.shape[d2] == 1:
            self = self.sum(d1, True, dtype=self.dtype)
        elif self.shape[d1] == 1:
            other = other.sum(d2, True, dtype=other.dtype)
        elif self.shape[d1] != other.shape[d2]:
            raise RuntimeError(f"contracted dimensions need to match, but first has size {self.shape[d1]} in dim {dims_self[i]} and second has size "
                               f"{other.shape[d2]} in dim {dims_other[i]}")
    unique_dims(left, self.dim())
    unique_dims(right, other.dim())
    rows = [d for d in range(self.dim()) if d not in left]
    columns = [d for d in range(other.dim()) if d not in right]
    shape = [self.shape[d] for d in rows] + [other.shape[d] for d in columns]
    k = prod([self.shape[d] for d in left])
    a, b = self.permute(rows + left), other.permute(right + columns)
    if not shape:
        # torch: a full contraction is a dot of vectors, or a plain sum of products
        flat = T.dot(a, b) if a.dim() == 1 else (a.squeeze() * b.squeeze()).sum()
        return flat.view(())
    n = prod([self.shape[d] for d in rows])
    return T.mm(a.reshape(n, k), b.reshape(k, prod([other.shape[d] for d in columns]))).reshape(shape)


@composite("inner(Tensor self, Tensor other) -> Tensor", make="method out")
def inner(self, other):
    """Sum of products over the last dims of both."""
    if self.dim() == 0 or other.dim() == 0:
        return self * other
    if self.shape[-1] != other.shape[-1]:
        raise RuntimeError(f"inner() the last dimension must match on both input tensors but got shapes {list(self.shape)} and {list(other.shape)}")
    return T.tensordot(self, other, (-1,), (-1,))
