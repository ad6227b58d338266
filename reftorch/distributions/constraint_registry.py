"""Transforms from unconstrained values to values that satisfy a constraint."""
from functools import partial
from numbers import Number

from . import constraints as c
from . import transforms as t

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Which function makes the transform for which class of constraint."""

    def __init__(self):
        super().__init__()
        self._registry = {}

    def register(self, constraint, factory=None):
        """Have `factory(constraint)` make transforms for constraints of this class; a decorator without `factory`."""
        if factory is None:
            return partial(self.register, constraint)
        kind = type(constraint) if isinstance(constraint, c.Constraint) else constraint
        if not (isinstance(kind, type) and issubclass(kind, c.Constraint)):
            raise TypeError(
                f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}"
            )
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint):
        """A transform whose codomain is `constraint`."""
        kind = type(constraint)
        if kind not in self._registry:
            raise NotImplementedError(f"Cannot transform {kind.__name__} constraints")
        return self._registry[kind](constraint)


biject_to = ConstraintRegistry()  # transforms that are bijective
transform_to = ConstraintRegistry()  # transforms that are cheap to optimise through


def _then_affine(first, loc, scale):
    return t.ComposeTransform([first(), t.AffineTransform(loc, scale)])


def _beyond(_, half_line):
    return _then_affine(t.ExpTransform, half_line.lower_bound, 1)  # torch: adds 0 for the positive numbers, too


def _between(_, interval):
    low, high = interval.lower_bound, interval.upper_bound
    if isinstance(low, Number) and isinstance(high, Number) and (low, high) == (0, 1):
        return t.SigmoidTransform()
    return _then_affine(t.SigmoidTransform, low, high - low)


#: (registry, constraint) -> transform, for the constraints that both registries treat alike
_ALIKE = {
    c.real: lambda to, _: t.identity_transform,
    c.greater_than: _beyond,
    c.greater_than_eq: _beyond,
    c.less_than: lambda to, below: _then_affine(t.ExpTransform, below.upper_bound, -1),
    c.interval: _between,
    c.half_open_interval: _between,
    c.corr_cholesky: lambda to, _: t.CorrCholeskyTransform(),
    c.independent: lambda to, many: t.IndependentTransform(to(many.base_constraint), many.reinterpreted_batch_ndims),
    c.cat: lambda to, parts: t.CatTransform([to(part) for part in parts.cseq], parts.dim, parts.lengths),
    c.stack: lambda to, parts: t.StackTransform([to(part) for part in parts.cseq], parts.dim),
}

for _constraint, _factory in _ALIKE.items():
    for _registry in (biject_to, transform_to):
        _registry.register(_constraint, partial(_factory, _registry))

biject_to.register(c.simplex, lambda _: t.StickBreakingTransform())
transform_to.register(c.simplex, lambda _: t.SoftmaxTransform())
transform_to.register(c.lower_cholesky, lambda _: t.LowerCholeskyTransform())
for _constraint in (c.positive_definite, c.positive_semidefinite):
    transform_to.register(_constraint, lambda _: t.PositiveDefiniteTransform())
