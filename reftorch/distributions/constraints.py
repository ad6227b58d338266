"""Sets of values that parameters and samples belong to; each public name stands below the class it comes from."""
from operator import attrgetter, le, lt

import reftorch as torch

__all__ = [
    "Constraint", "is_dependent", "dependent", "dependent_property",
    "real", "positive", "nonnegative", "greater_than", "greater_than_eq", "less_than",
    "interval", "half_open_interval", "unit_interval",
    "boolean", "integer_interval", "nonnegative_integer", "positive_integer",
    "one_hot", "multinomial", "simplex", "real_vector",
    "square", "symmetric", "positive_definite", "positive_semidefinite",
    "lower_triangular", "lower_cholesky", "corr_cholesky",
    "independent", "cat", "stack", "MixtureSameFamilyConstraint",
]  # fmt: skip


class Constraint:
    """A set of events of `event_dim` dimensions, discrete or not."""

    is_discrete = False
    event_dim = 0

    def check(self, value):
        """For each event of the batch `value`, whether it is in the set."""
        raise NotImplementedError

    def __repr__(self):
        return f"{type(self).__name__[1:]}({self._inside()})"  # torch: whether or not the name begins with a _

    def _inside(self):
        """What is shown between the parentheses."""
        return ""


# ------------------------------------------------------------------ sets that depend on something


def _if_told(name):
    """A property that was told beforehand, or was not."""

    def known(self):
        told = getattr(self, f"_{name}")
        if told is NotImplemented:
            raise NotImplementedError(f".{name} cannot be determined statically")
        return told

    return property(known)


class _Dependent(Constraint):
    """A set that depends on other values, so that it cannot be checked by itself."""

    is_discrete, event_dim = _if_told("is_discrete"), _if_told("event_dim")

    def __init__(self, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        super().__init__()
        self._is_discrete = is_discrete
        self._event_dim = event_dim

    def __call__(self, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        told = {"is_discrete": is_discrete, "event_dim": event_dim}
        return _Dependent(**{k: getattr(self, f"_{k}") if v is NotImplemented else v for k, v in told.items()})

    def check(self, x):
        raise ValueError("Cannot determine validity of dependent constraint")


class _DependentProperty(property, _Dependent):
    """A property giving the constraint of an instance, and a dependent constraint where there is no instance."""

    def __init__(self, fn=None, *, is_discrete=NotImplemented, event_dim=NotImplemented):
        property.__init__(self, fn)
        self._is_discrete, self._event_dim = is_discrete, event_dim

    def __call__(self, fn):
        return type(self)(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


def is_dependent(constraint):
    """Whether the constraint can only be checked knowing other values."""
    return isinstance(constraint, _Dependent)


dependent = _Dependent()
dependent_property = _DependentProperty

# ------------------------------------------------------------------ numbers between bounds


class _Bounded(Constraint):
    """Numbers for which lower_bound _above value, and value _below upper_bound; only integers where the set is discrete."""

    _above = _below = None

    def __init__(self, **bounds):
        super().__init__()
        vars(self).update(bounds)

    def check(self, value):
        tests = [value % 1 == 0] if self.is_discrete else []
        if self._above:
            tests.append(self._above(self.lower_bound, value))
        if self._below:
            tests.append(self._below(value, self.upper_bound))
        first, *others = tests
        for other in others:
            first = first & other
        return first

    def _inside(self):
        return ", ".join(f"{name}={bound}" for name, bound in vars(self).items())


class _From(_Bounded):
    def __init__(self, lower_bound):
        super().__init__(lower_bound=lower_bound)


class _To(_Bounded):
    def __init__(self, upper_bound):
        super().__init__(upper_bound=upper_bound)


class _FromTo(_Bounded):
    def __init__(self, lower_bound, upper_bound):
        super().__init__(lower_bound=lower_bound, upper_bound=upper_bound)


def _numbers(name, base, above=None, below=None, is_discrete=False):
    """The class of that name of sets of numbers."""
    return type(name, (base,), {"is_discrete": is_discrete, "_above": above, "_below": below, "__module__": __name__})


_GreaterThan = _numbers("_GreaterThan", _From, lt)  # (a, inf]
_GreaterThanEq = _numbers("_GreaterThanEq", _From, le)  # [a, inf]
_LessThan = _numbers("_LessThan", _To, below=lt)  # [-inf, b)
_Interval = _numbers("_Interval", _FromTo, le, le)  # [a, b]
_HalfOpenInterval = _numbers("_HalfOpenInterval", _FromTo, le, lt)  # [a, b)
_IntegerInterval = _numbers("_IntegerInterval", _FromTo, le, le, is_discrete=True)  # {a, a + 1, ..., b}
_IntegerLessThan = _numbers("_IntegerLessThan", _To, below=le, is_discrete=True)  # {..., b - 1, b}
_IntegerGreaterThan = _numbers("_IntegerGreaterThan", _From, le, is_discrete=True)  # {a, a + 1, ...}

greater_than, positive = _GreaterThan, _GreaterThan(0.0)
greater_than_eq, nonnegative = _GreaterThanEq, _GreaterThanEq(0.0)
less_than = _LessThan
interval, unit_interval = _Interval, _Interval(0.0, 1.0)
half_open_interval = _HalfOpenInterval
integer_interval = _IntegerInterval
nonnegative_integer, positive_integer = map(_IntegerGreaterThan, (0, 1))


class _Real(Constraint):
    """All numbers, but not nan."""

    def check(self, value):
        return value == value


class _Boolean(Constraint):
    """{0, 1}"""

    is_discrete = True

    def check(self, value):
        return (value == 0) | (value == 1)


real, boolean = _Real(), _Boolean()

# ------------------------------------------------------------------ vectors


class _OneHot(_Boolean):
    """Vectors with a single 1 among zeros."""

    event_dim = 1

    def check(self, value):
        return super().check(value).all(-1) & value.sum(-1).eq(1)


class _Simplex(Constraint):
    """Vectors of non-negative entries with sum 1, to a tolerance of 1e-6."""

    event_dim = 1

    def check(self, value):
        excess = value.sum(-1) - 1
        return value.ge(0).all(dim=-1) & excess.abs().lt(1e-6)


class _Multinomial(Constraint):
    """Vectors of non-negative counts with sum at most `upper_bound`."""

    is_discrete, event_dim = True, 1

    def __init__(self, upper_bound):
        self.upper_bound = upper_bound

    def check(self, x):
        return x.ge(0).all(dim=-1) & x.sum(dim=-1).le(self.upper_bound)


one_hot, simplex, multinomial = _OneHot(), _Simplex(), _Multinomial

# ------------------------------------------------------------------ matrices


class _Matrices(Constraint):
    """Matrices that meet conditions, of which a later one is only asked for where all matrices met the earlier ones."""

    event_dim = 2
    _conditions = ()

    def check(self, value):
        for condition in self._conditions:
            met = condition(value)
            if not met.all():
                break
        return met


def _is_square(x):
    return torch.full(x.shape[:-2], x.shape[-2] == x.shape[-1], dtype=torch.bool, device=x.device)


def _is_symmetric(x):
    return torch.isclose(x, x.mT, atol=1e-6).all(-2).all(-1)


def _is_lower(x):
    return (x.tril() == x).flatten(-2).min(-1).values


def _is_cholesky(x):
    return _is_lower(x) & (x.diagonal(dim1=-2, dim2=-1) > 0).min(-1).values


def _has_unit_rows(x):
    margin = 10 * x.size(-1) * torch.finfo(x.dtype).eps  # ten times what rounding does
    return (torch.linalg.norm(x.detach(), dim=-1) - 1).abs().le(margin).all(dim=-1)


class _Square(_Matrices):
    _conditions = (_is_square,)


class _Symmetric(_Square):
    _conditions = (_is_square, _is_symmetric)


class _PositiveSemidefinite(_Symmetric):
    _conditions = (_is_square, _is_symmetric, lambda x: torch.linalg.eigvalsh(x).ge(0).all(-1))


class _PositiveDefinite(_Symmetric):
    _conditions = (_is_square, _is_symmetric, lambda x: torch.linalg.cholesky_ex(x).info.eq(0))


class _LowerTriangular(_Matrices):
    _conditions = (_is_lower,)


class _LowerCholesky(_Matrices):
    """Lower triangular with a positive diagonal."""

    _conditions = (_is_cholesky,)


class _CorrCholesky(_Matrices):
    """Lower triangular with a positive diagonal and rows of length 1."""

    _conditions = (lambda x: _has_unit_rows(x) & _is_cholesky(x),)


square, symmetric = _Square(), _Symmetric()
positive_semidefinite, positive_definite = _PositiveSemidefinite(), _PositiveDefinite()
lower_triangular, lower_cholesky, corr_cholesky = _LowerTriangular(), _LowerCholesky(), _CorrCholesky()

# ------------------------------------------------------------------ sets made of others


class _OfBase(Constraint):
    """A set made of the set `base_constraint`."""

    is_discrete = property(attrgetter("base_constraint.is_discrete"))
    event_dim = property(attrgetter("base_constraint.event_dim"))

    def __init__(self, base_constraint):
        if not isinstance(base_constraint, Constraint):
            raise AssertionError(f"base_constraint must be a Constraint, got {type(base_constraint).__name__}")
        super().__init__()
        self.base_constraint = base_constraint

    def _inside(self):
        return ", ".join(map(repr, vars(self).values()))


class _IndependentConstraint(_OfBase):
    """The product of `base_constraint` over the last `reinterpreted_batch_ndims` batch dimensions."""

    def __init__(self, base_constraint, reinterpreted_batch_ndims):
        super().__init__(base_constraint)
        n = self.reinterpreted_batch_ndims = reinterpreted_batch_ndims
        if not isinstance(n, int):
            raise AssertionError(f"reinterpreted_batch_ndims must be an int, got {type(n).__name__}")
        if n < 0:
            raise AssertionError(f"reinterpreted_batch_ndims must be >= 0, got {n}")

    @property
    def event_dim(self):
        return super().event_dim + self.reinterpreted_batch_ndims

    def check(self, value):
        met, n = self.base_constraint.check(value), self.reinterpreted_batch_ndims
        if met.dim() < n:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return met.reshape(*met.shape[: met.dim() - n], -1).all(-1)


class MixtureSameFamilyConstraint(_OfBase):
    """Values that all components of a mixture allow."""

    def check(self, value):
        components = value.dim() - self.event_dim  # the dimension where they go
        if components < 0:
            raise ValueError(f"Expected value.dim() >= {self.event_dim} but got {value.dim()}")
        return self.base_constraint.check(value.unsqueeze(components)).all(-1)

    def __repr__(self):
        return f"{type(self).__name__}({self._inside()})"


class _Parts(Constraint):
    """Constraints `cseq` for the parts along dimension `dim`, of which `check` puts the answers together by `_join`."""

    def __init__(self, cseq, dim=0):
        if any(not isinstance(c, Constraint) for c in cseq):
            raise AssertionError("All elements of cseq must be Constraint instances")
        super().__init__()
        self.cseq = list(cseq)
        self.dim = dim

    @property
    def is_discrete(self):
        return any(c.is_discrete for c in self.cseq)

    @property
    def event_dim(self):
        return max(c.event_dim for c in self.cseq)

    def check(self, value):
        if self.dim not in range(-value.dim(), value.dim()):
            raise AssertionError(f"dim {self.dim} out of range for value with {value.dim()} dimensions")
        return self._join([c.check(part) for c, part in self._split(value)], self.dim)


class _Cat(_Parts):
    """Parts of the given lengths, joined by torch.cat."""

    _join = staticmethod(torch.cat)

    def __init__(self, cseq, dim=0, lengths=None):
        super().__init__(cseq, dim)
        self.lengths = [1 for _ in self.cseq] if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})")

    def _split(self, value):
        start = 0
        for constraint, length in zip(self.cseq, self.lengths, strict=True):
            yield constraint, value.narrow(self.dim, start, length)
            start += length


class _Stack(_Parts):
    """Parts joined by torch.stack."""

    _join = staticmethod(torch.stack)

    @property
    def event_dim(self):
        inner = super().event_dim
        return inner + (self.dim + inner < 0)

    def _split(self, value):
        return [(self.cseq[i], value.select(self.dim, i)) for i in range(min(value.size(self.dim), len(self.cseq)))]


independent, cat, stack = _IndependentConstraint, _Cat, _Stack
real_vector = independent(real, 1)
