"""The von Mises distribution."""
import math
from functools import reduce

import reftorch as torch

from ._formula import density, moment
from .constraints import positive, real
from .distribution import Distribution
from .utils import lazy_property

__all__ = ["VonMises"]

# Abramowitz & Stegun 9.8.1 - 9.8.4: polynomials of (x / 3.75)^2, and of 3.75 / x, constant last
_SMALL = (
    (0.45813e-2, 0.360768e-1, 0.2659732, 1.2067492, 3.0899424, 3.5156229, 1.0),
    (0.32411e-3, 0.301532e-2, 0.2658733e-1, 0.15084934, 0.51498869, 0.87890594, 0.5),
)
_LARGE = (
    (0.392377e-2, -0.1647633e-1, 0.2635537e-1, -0.2057706e-1, 0.916281e-2, -0.157565e-2, 0.225319e-2, 0.1328592e-1,
     0.39894228),
    (-0.420059e-2, 0.1787654e-1, -0.2895312e-1, 0.2282967e-1, -0.1031555e-1, 0.163801e-2, -0.362018e-2, -0.3988024e-1,
     0.39894228),
)  # fmt: skip


def _polynomial(x, coefficients):
    return reduce(lambda total, c: c + x * total, coefficients)


def _log_bessel(x, order):
    """log I_0(x) or log I_1(x), for x > 0."""
    t = x / 3.75
    series = _polynomial(t * t, _SMALL[order])
    asymptotic = x - 0.5 * x.log() + _polynomial(3.75 / x, _LARGE[order]).log()
    return torch.where(x < 3.75, (x.abs() * series if order else series).log(), asymptotic)


class VonMises(Distribution):
    """p(x) = exp(concentration cos(x - loc)) / (2 pi I_0(concentration)), x an angle."""

    arg_constraints = {"loc": real, "concentration": positive}
    support = real
    has_rsample = False

    def __init__(self, loc, concentration, validate_args=None):
        super().__init__(self._take(loc=loc, concentration=concentration), torch.Size(), validate_args)

    def expand(self, batch_shape, _instance=None):
        # torch: made anew, so that parameters are checked again and `_instance` is not used
        parameters = (parameter.expand(batch_shape) for parameter in (self.loc, self.concentration))
        return type(self)(*parameters, validate_args=vars(self).get("_validate_args"))

    mean = mode = moment(lambda loc: loc)

    @lazy_property
    def variance(self):
        """1 - I_1 / I_0, the circular variance."""
        return 1 - (_log_bessel(self.concentration, 1) - _log_bessel(self.concentration, 0)).exp()

    @density
    def log_prob(x, loc, concentration):
        return concentration * (x - loc).cos() - math.log(2 * math.pi) - _log_bessel(concentration, 0)

    @lazy_property
    def _proposal_r(self):
        """The parameter r of the wrapped Cauchy density under which draws are accepted or rejected (Best & Fisher 1979)."""
        k = self.concentration.double()
        tau = 1 + (1 + 4 * k**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * k)
        return torch.where(k < 1e-5, 1 / k + k, (1 + rho**2) / (2 * rho))  # by Taylor where k is small

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):
        shape, k, r = self._extended_shape(sample_shape), self.concentration.double(), self._proposal_r
        angle = torch.empty(shape, dtype=k.dtype, device=k.device)
        done = torch.zeros(shape, dtype=torch.bool, device=k.device)
        while not done.all():
            u, v, w = torch.rand(3, *shape, dtype=k.dtype, device=k.device)
            cos = (math.pi * u).cos()
            f = (1 + r * cos) / (r + cos)
            c = k * (r - f)
            accept = (c * (2 - c) - v > 0) | ((c / v).log() + 1 - c >= 0)
            # torch: an element accepted before is drawn again, for as long as another is not done
            angle = torch.where(accept, (w - 0.5).sign() * f.acos(), angle)
            done |= accept
        turned = angle + math.pi + self.loc.double()
        return (turned % (2 * math.pi) - math.pi).to(self.loc.dtype)
