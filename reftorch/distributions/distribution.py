"""What all distributions share: parameters, shapes, validation, expansion, printing."""
import warnings

import reftorch as torch

from . import constraints
from .utils import broadcast_all, lazy_property

__all__ = ["Distribution"]


def undefined(distribution):
    """What stands where a distribution may define something."""
    raise NotImplementedError


class Distribution:
    """A batch of probability distributions over values of shape `event_shape`."""

    has_rsample = False
    has_enumerate_support = False
    _validate_args = __debug__
    _shared = ()  # public tensors that are no batches, so that `expand` leaves them as they are

    @staticmethod
    def set_default_validate_args(value):
        """Whether distributions check their parameters and values, unless told otherwise."""
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(self, batch_shape=torch.Size(), event_shape=torch.Size(), validate_args=None):
        self._batch_shape = batch_shape      # first, as in the files that PyTorch saves
        self._event_shape = event_shape
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._validate_parameters()
        super().__init__()

    def _take(self, **parameters):
        """Keep the parameters, broadcast to one shape; that shape."""
        values = broadcast_all(*parameters.values())
        vars(self).update(zip(parameters, values, strict=True))
        return values[0].shape

    # ------------------------------------------------------------------ shapes

    @property
    def batch_shape(self):
        """The shape over which parameters are batched."""
        return self._batch_shape

    @property
    def event_shape(self):
        """The shape of one value."""
        return self._event_shape

    def _extended_shape(self, sample_shape=torch.Size()):
        """The shape of draws."""
        return torch.Size(sample_shape) + self._batch_shape + self._event_shape

    def expand(self, batch_shape, _instance=None):
        """The same distribution over `batch_shape`: public tensors and inner distributions expanded, all else shared."""
        batch_shape = torch.Size(batch_shape)
        ours = (cls for cls in type(self).__mro__ if cls.__module__.startswith(f"{__package__}.") and "__init__" in vars(cls))
        family = next(ours)
        if family is Distribution:
            raise NotImplementedError
        new = self._get_checked_instance(family, _instance)
        parameters = self.arg_constraints
        for name, value in vars(self).items():
            if name not in parameters and isinstance(getattr(type(self), name, None), lazy_property):
                continue  # computed again when asked for
            if isinstance(value, Distribution):
                setattr(new, name, self._expand_inner(value, batch_shape))
            elif isinstance(value, torch.Tensor) and not (name.startswith("_") or name in self._shared):
                setattr(new, name, value.expand(batch_shape + value.shape[len(self._batch_shape) :]))
            else:
                vars(new).setdefault(name, value)
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _expand_inner(self, inner, batch_shape):
        """A distribution inside this one, of the same batch and perhaps more dimensions."""
        return inner.expand(batch_shape + inner.batch_shape[len(self._batch_shape) :])

    def _get_checked_instance(self, cls, _instance=None):
        """An empty copy, for the class that knows how to fill it."""
        if _instance is not None:
            return _instance
        mine = type(self)
        if mine.__init__ is not cls.__init__:
            raise NotImplementedError(
                f"Subclass {mine.__name__} of {cls.__name__} that defines a custom __init__ method "
                "must also define a custom .expand() method."
            )
        return mine.__new__(mine)

    # ------------------------------------------------------------------ validation

    def _validate_parameters(self):
        try:
            required = self.arg_constraints
        except NotImplementedError:
            return warnings.warn(
                f"{self.__class__} does not define `arg_constraints`. Please set `arg_constraints = {{}}` or initialize "
                "the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
        for name, constraint in required.items():
            derived = name not in vars(self) and isinstance(getattr(type(self), name), lazy_property)
            if derived or constraints.is_dependent(constraint):
                continue
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} {self._describe(value)} of distribution {self!r} "
                    f"to satisfy the constraint {constraint!r}, but found invalid values:\n{value}"
                )

    def _validate_sample(self, value):
        if not isinstance(value, torch.Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, event = value.size(), self._event_shape
        if shape[max(len(shape) - len(event), 0) :] != event:
            raise ValueError(f"The right-most size of value must match event_shape: {shape} vs {event}.")
        own = self._batch_shape + event
        if any(n != m and 1 not in (n, m) for n, m in zip(shape[::-1], own[::-1], strict=False)):
            raise ValueError(f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {own}.")
        try:
            support = self.support
        except NotImplementedError:
            return warnings.warn(
                f"{self.__class__} does not define `support` to enable sample validation. Please initialize the "
                "distribution with `validate_args=False` to turn off validation.",
                stacklevel=2,
            )
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument {self._describe(value)} to be within the support ({support!r}) "
                f"of the distribution {self!r}, but found invalid values:\n{value}"
            )

    @staticmethod
    def _describe(value):
        return f"({type(value).__name__} of shape {tuple(value.shape)})"

    # ------------------------------------------------------------------ what distributions define

    arg_constraints = property(undefined, doc="Parameter names and the constraints that they satisfy.")
    support = property(undefined, doc="The constraint that values satisfy.")
    mean = property(undefined, doc="E[X].")
    variance = property(undefined, doc="E[(X - mean)^2].")
    stddev = property(lambda self: self.variance.sqrt(), doc="The square root of the variance.")

    @property
    def mode(self):
        """The value of the largest density or mass."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    def log_prob(self, value):
        """The log of the density or mass at `value`."""
        raise NotImplementedError

    def cdf(self, value):
        """P(X <= value)."""
        raise NotImplementedError

    def icdf(self, value):
        """The inverse of cdf."""
        raise NotImplementedError

    def entropy(self):
        raise NotImplementedError

    def perplexity(self):
        """exp(entropy)."""
        return torch.exp(self.entropy())

    def enumerate_support(self, expand=True):
        """All values, along a new first dimension."""
        raise NotImplementedError

    def _enumerate(self, values, expand):
        """Values (n, *event_shape) as (n, *batch_shape, *event_shape), or with ones in place of the batch."""
        n, batch = len(values), self._batch_shape
        values = values.view(n, *[1] * len(batch), *self._event_shape)
        return values.expand(n, *batch, *self._event_shape) if expand else values

    # ------------------------------------------------------------------ draws

    def rsample(self, sample_shape=torch.Size()):
        """Draws through which the parameters get gradients."""
        raise NotImplementedError

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):
        """Draws of shape sample_shape + batch_shape + event_shape, without gradients."""
        return self.rsample(sample_shape)

    def sample_n(self, n):
        """`sample((n,))`, under an old name."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.", category=FutureWarning, stacklevel=2
        )
        return self.sample(torch.Size((n,)))

    def _noise(self, source, sample_shape, like):
        """Standard noise in the shape of draws, in the dtype of `like`: `source` is torch.rand or such."""
        return source(self._extended_shape(sample_shape), dtype=like.dtype, device=like.device)

    def _constant(self, value, like):
        """`value` for every entry of the batch."""
        return torch.full(self._extended_shape(), value, dtype=like.dtype, device=like.device)

    def __repr__(self):
        own = vars(self)
        shown = {name: own[name] for name in self.arg_constraints if name in own}
        inside = [f"{name}: {value if value.numel() == 1 else value.size()}" for name, value in shown.items()]
        return f"{type(self).__name__}({', '.join(inside)})"
