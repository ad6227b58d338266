"""torch.special: error functions, gamma and zeta, Bessel functions, orthogonal polynomials; most loops are SciPy's."""
import math

from ..core import OPS, T, composite, op, primitive
from ..core._core import from_array
from ..kernels import pointwise as kernels
from ._common import only, underived

MATH = "method inplace out"
UNARY = "method inplace function_ out"
ROOT_PI = math.sqrt(math.pi)


def _function(name, loop, rule=None, torch=True, **options):
    """A function of one real tensor; `torch`: it has a place in torch too, and one in torch.special by alias."""
    options = dict(dict(promote="float", jvp="elementwise", make=UNARY if torch else "out", ns="torch" if torch else "special",
                        check=only("f", f"{name.removeprefix('special_')}_{'vml_' if torch else ''}cpu"), nograd=rule is None), **options)
    return op(f"{name}(Tensor self) -> Tensor", loop=loop, **options, **({"self": rule} if rule else {}))


# ------------------------------------------------------------------ error functions and the normal distribution
erf = _function("erf", "kernels:erf", lambda grad, self: grad * (-self * self).exp() * (2 / ROOT_PI))
erfc = _function("erfc", "kernels:erfc", lambda grad, self: grad * (-self * self).exp() * (-2 / ROOT_PI))
erfinv = _function("erfinv", "kernels:erfinv", lambda grad, result: grad * result.square().exp() * (ROOT_PI / 2))
erfcx = _function("special_erfcx", "scipy.special:erfcx", lambda grad, self, result: grad * (2 * self * result - 2 / ROOT_PI), False)
ndtr = _function("special_ndtr", "kernels:ndtr", lambda grad, self: grad * (-0.5 * self * self).exp() * (1 / math.sqrt(2 * math.pi)), False,
                 node="MulBackward1")
ndtri = _function("special_ndtri", "scipy.special:ndtri", lambda grad, result: grad * (result.square() / 2).exp() * math.sqrt(2 * math.pi), False)
log_ndtr = _function("special_log_ndtr", "scipy.special:log_ndtr",
                     lambda grad, self, result: grad * (-(result + self.square() / 2)).exp() * (1 / math.sqrt(2 * math.pi)), False)

# ------------------------------------------------------------------ entropy and logarithms
entr = _function("special_entr", "scipy.special:entr", lambda grad, self: grad * (-(1 + self.log())), False)


def _times_log(name, loop, ns, make, plus, node):
    """self * log(other + plus), 0 where self is 0."""
    def by_self(grad, self, other):
        kinked = (self == 0) & (other <= -plus) if not isinstance(other, (int, float)) else self == 0 if other <= -plus else None
        slope = OPS[name](grad, other)
        return slope if kinked is None else T.where(kinked, 0.0, slope)

    def by_other(grad, self, other):
        return grad * self / (other + plus if plus else other)

    tensors, first, second = ("", ".self_scalar", ".other_scalar") if plus else (".Tensor", ".Scalar_Self", ".Scalar_Other")
    made = op(f"{name}{tensors}(Tensor self, Tensor other) -> Tensor", loop=loop, promote="float", ns=ns, make=make, node=node + "Backward0",
              self=by_self, other=by_other)
    op(f"{name}{first}(Scalar self, Tensor other) -> Tensor", loop=loop, promote="float", ns=ns, make=make, node=node + "Backward1", other=by_other)
    op(f"{name}{second}(Tensor self, Scalar other) -> Tensor", loop=loop, promote="float", ns=ns, make=make, node=node + "Backward2", self=by_self)
    return made


xlogy = _times_log("xlogy", "scipy.special:xlogy", "torch", UNARY, 0, "Xlogy")
xlog1py = _times_log("special_xlog1py", "scipy.special:xlog1py", "special", "out", 1, "SpecialXlog1Py")

# ------------------------------------------------------------------ gamma and zeta
lgamma = _function("lgamma", "scipy.special:gammaln", lambda grad, self: grad * self.digamma())
digamma = _function("digamma", "kernels:digamma", lambda grad, self: grad * T.polygamma(1, self))


@primitive("polygamma(int n, Tensor self) -> Tensor", promote="float", make="out", self=lambda grad, n, self: grad * T.polygamma(n + 1, self))
def polygamma(n, self):
    """The n-th derivative of digamma: (-1)^(n + 1) * n! * zeta(n + 1, x)."""
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    if n < 2:
        return kernels.trigamma(self) if n else kernels.digamma(self)
    return self.dtype.type((-1) ** (n + 1) * math.gamma(n + 1)) * _hurwitz(self.dtype.type(n + 1), self)


@primitive("polygamma_(Tensor(a!) self, int n) -> Tensor(a!)", make="method", ns=None, half=False, node="PolygammaBackward1",
           self=lambda grad, self, n: grad * T.polygamma(n + 1, self))
def polygamma_(self, n):
    """`polygamma` in place."""
    self[...] = T.polygamma(n, from_array(self))._array
    return self


@primitive("mvlgamma(Tensor self, int p) -> Tensor", promote="float", make=MATH,
           self=lambda grad, self, p: grad * sum_digamma(self, p))
def mvlgamma(self, p):
    """Logarithm of the p-variate gamma function: p(p-1)/4 log(pi) + sum over j < p of lgamma(x - j/2)."""
    from scipy.special import gammaln
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    total = gammaln(self)
    for j in range(1, p):
        total = total + gammaln(self - self.dtype.type(j / 2))
    return total + self.dtype.type(p * (p - 1) / 4 * math.log(math.pi))


def sum_digamma(x, p):
    """Sum over j < p of digamma(x - j/2)."""
    total = x.digamma()
    for j in range(1, p):
        total = total + (x - j / 2).digamma()
    return total


def _incomplete_gamma(name, loop, sign):
    """Regularised incomplete gamma functions of order `self` at `other`."""
    return op(f"{name}(Tensor self, Tensor other) -> Tensor", loop=loop, make=MATH, check=only("f", f"{name}_cpu"),
              self=underived(f"{name}: input"),
              other=lambda grad, self, other: sign * grad * ((self - 1) * other.log() - other - self.lgamma()).exp())


igamma = _incomplete_gamma("igamma", "scipy.special:gammainc", 1)
igammac = _incomplete_gamma("igammac", "scipy.special:gammaincc", -1)


def _hurwitz(self, other):
    """Sum over k >= 0 of (k + other) ** -self."""
    from scipy.special import zeta
    return zeta(self, other)


def _zeta(schema, node, **rules):
    return primitive(f"special_zeta{schema} -> Tensor", promote="float", ns="special", make="out", node=node, check=only("f", "zeta_cpu"),
                     **rules)(_hurwitz)


_zeta_other = lambda grad, self, other: grad * -self * T.special_zeta(self + 1.0, other)
zeta = _zeta("(Tensor self, Tensor other)", "SpecialZetaBackward0", self=underived("zeta"), other=_zeta_other)
_zeta(".self_scalar(Scalar self, Tensor other)", "SpecialZetaBackward1", other=_zeta_other)
_zeta(".other_scalar(Tensor self, Scalar other)", "SpecialZetaBackward2", self=underived("zeta"))

# ------------------------------------------------------------------ Bessel and Airy functions
i0 = _function("i0", "scipy.special:i0", lambda grad, self: grad * T.special_i1(self))
i0e = _function("special_i0e", "scipy.special:i0e", lambda grad, self, result: grad * (T.special_i1e(self) - self.sgn() * result), False,
                node="SpecialI0EBackward0")
# near 0, where result / self is unsafe, the slope is its limit 0.5
i1 = _function("special_i1", "scipy.special:i1",
               lambda grad, self, result: grad * T.where(self.abs() < 1e-7, 0.5, self.i0() - result / T.where(self == 0, 1.0, self)), False)
i1e = _function("special_i1e", "scipy.special:i1e",
                lambda grad, self, result: grad * T.where(self.abs() < 1e-7, 0.5, T.special_i0e(self) - result *
                                                          (self.sgn() + T.where(self == 0, 1.0, self).reciprocal())), False,
                node="SpecialI1EBackward0")
for _name, _loop in (("bessel_j0", "j0"), ("bessel_j1", "j1"), ("bessel_y0", "y0"), ("bessel_y1", "y1"), ("modified_bessel_i0", "i0"),
                     ("modified_bessel_i1", "i1"), ("modified_bessel_k0", "k0"), ("modified_bessel_k1", "k1")):
    _function("special_" + _name, "scipy.special:" + _loop, torch=False)


def _of_x(name, loop):
    return op(f"special_{name}(Tensor x) -> Tensor", loop=loop, promote="float", ns="special", make="out", nograd=True, check=only("f", f"{name}_cpu"))


scaled_modified_bessel_k0 = _of_x("scaled_modified_bessel_k0", "scipy.special:k0e")
scaled_modified_bessel_k1 = _of_x("scaled_modified_bessel_k1", "scipy.special:k1e")
spherical_bessel_j0 = _of_x("spherical_bessel_j0", "kernels:spherical_j0")


@primitive("special_airy_ai(Tensor x) -> Tensor", promote="float", ns="special", make="out", nograd=True, check=only("f", "airy_ai_cpu"))
def airy_ai(x):
    """The Airy function Ai."""
    from scipy.special import airy
    return airy(x)[0]


# ------------------------------------------------------------------ orthogonal polynomials
for _name in ("chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w",
              "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w",
              "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l", "legendre_polynomial_p"):
    op(*[f"special_{_name}{_arguments} -> Tensor" for _arguments in ("(Tensor x, Tensor n)", ".x_scalar(Scalar x, Tensor n)",
                                                                     ".n_scalar(Tensor x, Scalar n)")],
       loop="kernels:" + _name, promote="float", ns="special", make="out", nograd=True, check=only("f", f"{_name}_cpu"))


# ------------------------------------------------------------------ second names
@composite("special_round(Tensor self, *, int decimals=0) -> Tensor", shown="input, *, out=None", make="out", ns="special")
def special_round(self, decimals):
    """Rounded half to even, at that many decimals."""
    return T.round(self, decimals=decimals) if decimals or self.is_floating_point() else T.round(self)      # torch: RoundBackward1 even for 0


@composite("special_logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", make="out", ns="special")
def special_logsumexp(self, dim, keepdim):
    """log(sum(exp(x))) over `dim`."""
    return T.logsumexp(self, dim, keepdim)


for _name, _of in dict(erf="erf", erfc="erfc", erfinv="erfinv", exp2="exp2", expm1="expm1", log1p="log1p", sinc="sinc", i0="i0", gammaln="lgamma",
                       digamma="digamma", psi="digamma", polygamma="polygamma", multigammaln="mvlgamma", gammainc="igamma", gammaincc="igammac",
                       expit="sigmoid", logit="logit", xlogy="xlogy").items():
    OPS[_of].alias("special_" + _name, "special")
