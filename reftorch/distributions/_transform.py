"""Transforms as such, and those made of others: inverses, chains, parts."""
import math
from itertools import accumulate
from operator import attrgetter
from weakref import ref

import reftorch as torch

from . import constraints
from .utils import _sum_rightmost


def require_dims(shape, n):
    if n > len(shape):
        raise ValueError("Too few dimensions on input")


class Transform:
    """y = f(x) from `domain` to `codomain`; a `cache_size` of 1 remembers the latest pair, for exact inverses."""

    bijective = False

    def __init__(self, cache_size=0):
        if cache_size not in (0, 1):
            raise ValueError("cache_size must be 0 or 1")
        super().__init__()
        self._inv = None  # the inverse, weakly
        self._cache_size = cache_size
        self._cached_x_y = None, None

    def __getstate__(self):
        return vars(self) | {"_inv": None}

    @property
    def event_dim(self):
        dims = {self.domain.event_dim, self.codomain.event_dim}
        if len(dims) > 1:
            raise ValueError("Please use either .domain.event_dim or .codomain.event_dim")
        return dims.pop()

    @property
    def sign(self):
        """The sign of the derivative of a monotone univariate map."""
        raise NotImplementedError

    @property
    def inv(self):
        """The inverse map, one object for as long as it is in use."""
        known = self._inv and self._inv()
        if known is None:
            known = self._make_inverse()
            self._inv = ref(known)
        return known

    def _make_inverse(self):
        return _InverseTransform(self)

    def with_cache(self, cache_size=1):
        """The same map with another cache size."""
        return self if cache_size == self._cache_size else self._recached(cache_size)

    def _recached(self, cache_size):
        if type(self).__init__ is not Transform.__init__:
            raise NotImplementedError(f"{type(self)}.with_cache is not implemented")
        return type(self)(cache_size)

    def __eq__(self, other):
        return other is self

    def __call__(self, x):
        return self._remembered(0, x, self._call)

    def _inv_call(self, y):
        return self._remembered(1, y, self._inverse)

    def _remembered(self, side, value, compute):
        """The other end of the pair of which `value` is one."""
        if self._cache_size and value is self._cached_x_y[side]:
            return self._cached_x_y[1 - side]
        result = compute(value)
        if self._cache_size:
            self._cached_x_y = (result, value) if side else (value, result)
        return result

    def _call(self, x):
        raise NotImplementedError

    def _inverse(self, y):
        raise NotImplementedError

    def log_abs_det_jacobian(self, x, y):
        """log |dy/dx|."""
        raise NotImplementedError

    def forward_shape(self, shape):
        """The shape of f(x) for x of this shape."""
        return shape

    def inverse_shape(self, shape):
        """The shape of the inverse at a y of this shape."""
        return shape

    def __repr__(self):
        return f"{type(self).__name__}({self._inside()})"

    def _inside(self):
        """What is shown between the parentheses."""
        return ""


def _both_sides(make, **told):
    """Domain and codomain that are alike but for the side: make(transform, side)."""
    sides = ("domain", "codomain")
    return [constraints.dependent_property(lambda self, side=side: make(self, side), **told) for side in sides]


class _InverseTransform(Transform):
    """The inverse of a transform."""

    def __init__(self, transform):
        super().__init__(transform._cache_size)
        self._inv = transform

    domain = constraints.dependent_property(attrgetter("_inv.codomain"), is_discrete=False)
    codomain = constraints.dependent_property(attrgetter("_inv.domain"), is_discrete=False)
    bijective = property(attrgetter("_inv.bijective"))
    sign = property(attrgetter("_inv.sign"))
    inv = property(attrgetter("_inv"))

    def _recached(self, cache_size):
        return self._inv.with_cache(cache_size).inv

    def __eq__(self, other):
        return isinstance(other, _InverseTransform) and other._inv == self._inv

    def __call__(self, x):
        return self._inv._inv_call(x)

    def log_abs_det_jacobian(self, x, y):
        return -self._inv.log_abs_det_jacobian(y, x)

    def forward_shape(self, shape):
        return self._inv.inverse_shape(shape)

    def inverse_shape(self, shape):
        return self._inv.forward_shape(shape)

    def _inside(self):
        return repr(self._inv)


def _far_end(ends):
    """The last set of a chain of maps given as pairs (from, to), with the event dimensions that any of the maps asks for."""
    dims = ends[0][0].event_dim
    for near, far in ends:
        dims = max(dims + far.event_dim - near.event_dim, far.event_dim)
    return constraints.independent(far, dims - far.event_dim) if dims > far.event_dim else far


class ComposeTransform(Transform):
    """f_n(...f_2(f_1(x)))."""

    def __init__(self, parts, cache_size=0):
        super().__init__(cache_size)
        self.parts = [part.with_cache(cache_size) for part in parts] if cache_size else parts

    def _recached(self, cache_size):
        return ComposeTransform(self.parts, cache_size)

    def __eq__(self, other):
        return isinstance(other, ComposeTransform) and other.parts == self.parts

    @constraints.dependent_property(is_discrete=False)
    def domain(self):
        return _far_end([(p.codomain, p.domain) for p in reversed(self.parts)]) if self.parts else constraints.real

    @constraints.dependent_property(is_discrete=False)
    def codomain(self):
        return _far_end([(p.domain, p.codomain) for p in self.parts]) if self.parts else constraints.real

    bijective = property(lambda self: all(part.bijective for part in self.parts))
    sign = property(lambda self: math.prod(part.sign for part in self.parts))

    def _make_inverse(self):
        back = ComposeTransform([p.inv for p in self.parts[::-1]])
        back._inv = ref(self)
        return back

    def __call__(self, x):
        for f in self.parts:
            x = f(x)
        return x

    def log_abs_det_jacobian(self, x, y):
        if not self.parts:
            return torch.zeros_like(x)
        terms, dims, last = [], self.domain.event_dim, len(self.parts) - 1
        for i, f in enumerate(self.parts):
            start, x = x, y if i == last else f(x)
            terms.append(_sum_rightmost(f.log_abs_det_jacobian(start, x), dims - f.domain.event_dim))
            dims += f.codomain.event_dim - f.domain.event_dim
        return sum(terms[1:], terms[0])

    def forward_shape(self, shape):
        for f in self.parts:
            shape = f.forward_shape(shape)
        return shape

    def inverse_shape(self, shape):
        for f in self.parts[::-1]:
            shape = f.inverse_shape(shape)
        return shape

    def _inside(self):
        return "\n    " + ",\n    ".join(map(repr, self.parts)) + "\n"


identity_transform = ComposeTransform([])


class IndependentTransform(Transform):
    """A transform whose last `reinterpreted_batch_ndims` batch dimensions count as part of the event."""

    def __init__(self, base_transform, reinterpreted_batch_ndims, cache_size=0):
        super().__init__(cache_size)
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        self.base_transform = base_transform.with_cache(cache_size)

    def _recached(self, cache_size):
        return IndependentTransform(self.base_transform, self.reinterpreted_batch_ndims, cache_size)

    def _widened(self, side):
        return constraints.independent(getattr(self.base_transform, side), self.reinterpreted_batch_ndims)

    domain, codomain = _both_sides(_widened, is_discrete=False)
    bijective = property(attrgetter("base_transform.bijective"))
    sign = property(attrgetter("base_transform.sign"))

    def _call(self, x):
        require_dims(x.shape, self.domain.event_dim)
        return self.base_transform(x)

    def _inverse(self, y):
        require_dims(y.shape, self.codomain.event_dim)
        return self.base_transform.inv(y)

    def log_abs_det_jacobian(self, x, y):
        return _sum_rightmost(self.base_transform.log_abs_det_jacobian(x, y), self.reinterpreted_batch_ndims)

    def forward_shape(self, shape):
        return self.base_transform.forward_shape(shape)

    def inverse_shape(self, shape):
        return self.base_transform.inverse_shape(shape)

    def _inside(self):
        return f"{self.base_transform!r}, {self.reinterpreted_batch_ndims}"


class _Parts(Transform):
    """Transforms of the parts along `dim`, which `_split` takes apart and `_join` puts together."""

    def __init__(self, tseq, dim, cache_size):
        if any(not isinstance(t, Transform) for t in tseq):
            raise AssertionError("All elements of tseq must be Transform instances")
        super().__init__(cache_size)
        self.dim = dim
        self.transforms = [t.with_cache(cache_size) if cache_size else t for t in tseq]

    bijective = property(lambda self: all(t.bijective for t in self.transforms))

    def _require(self, value, names, length, length_name):
        """That `value`, which the two messages call by `names`, is as long as the parts."""
        n = value.dim()
        if self.dim not in range(-n, n):
            raise AssertionError(f"dim {self.dim} out of range for {names[0]} with {n} dimensions")
        if value.size(self.dim) != length:
            raise AssertionError(f"{names[1]}.size({self.dim}) = {value.size(self.dim)} must equal {length_name} {length}")

    def _call(self, x):
        pairs = zip(self.transforms, self._split(x, ("tensor", "x")), strict=True)
        return self._join([t(part) for t, part in pairs], dim=self.dim)

    def _inverse(self, y):
        pairs = zip(self.transforms, self._split(y, ("tensor", "y")), strict=True)
        return self._join([t.inv(part) for t, part in pairs], dim=self.dim)

    def _sets(self, side):
        return [getattr(t, side) for t in self.transforms]

    def _log_dets(self, x, y):
        triples = zip(self.transforms, self._split(x, "xx"), self._split(y, "yy"), strict=True)
        return [t.log_abs_det_jacobian(*ends) for t, *ends in triples]


class CatTransform(_Parts):
    """Transforms of consecutive stretches of the given lengths along `dim`, joined as by torch.cat."""

    _join = staticmethod(torch.cat)
    domain, codomain = _both_sides(lambda self, side: constraints.cat(self._sets(side), self.dim, self.lengths))

    def __init__(self, tseq, dim=0, lengths=None, cache_size=0):
        super().__init__(tseq, dim, cache_size)
        self.lengths = [1 for _ in self.transforms] if lengths is None else list(lengths)
        if len(self.lengths) != len(self.transforms):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match transforms ({len(self.transforms)})")

    def _recached(self, cache_size):
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    event_dim = property(lambda self: max(t.event_dim for t in self.transforms))
    length = property(lambda self: sum(self.lengths))

    def _split(self, value, names):
        self._require(value, names, self.length, "length")
        ends = accumulate(self.lengths)
        return [value.narrow(self.dim, end - n, n) for end, n in zip(ends, self.lengths, strict=True)]

    def log_abs_det_jacobian(self, x, y):
        missing = [max(self.event_dim - t.event_dim, 0) for t in self.transforms]
        terms = list(map(_sum_rightmost, self._log_dets(x, y), missing))
        dim = self.dim - (x.dim() if self.dim >= 0 else 0) + self.event_dim
        return torch.cat(terms, dim=dim) if dim < 0 else sum(terms)


class StackTransform(_Parts):
    """Transforms of the slices along `dim`, joined as by torch.stack."""

    _join = staticmethod(torch.stack)
    domain, codomain = _both_sides(lambda self, side: constraints.stack(self._sets(side), self.dim))

    def __init__(self, tseq, dim=0, cache_size=0):
        super().__init__(tseq, dim, cache_size)

    def _recached(self, cache_size):
        return StackTransform(self.transforms, self.dim, cache_size)

    def _split(self, value, names):
        self._require(value, names, len(self.transforms), "len(transforms)")
        return value.unbind(self.dim)

    def log_abs_det_jacobian(self, x, y):
        return torch.stack(self._log_dets(x, y), self.dim)
