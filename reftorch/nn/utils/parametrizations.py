"""Ready parametrizations: orthogonal matrices, weights of given length, weights of spectral norm 1."""
from enum import Enum

import reftorch as torch

from ...autograd import no_grad
from .. import functional as F
from ..modules.module import Module
from . import parametrize


def _is_orthogonal(q, eps=None):
    n, k = q.size(-2), q.size(-1)
    eye = torch.eye(k, dtype=q.dtype, device=q.device)
    # the error of a product grows with the number of rows
    eps = 10.0 * n * torch.finfo(q.dtype).eps if eps is None else eps
    return torch.allclose(q.mH @ q, eye, atol=eps)


def _make_orthogonal(a):
    """The Q of a QR decomposition with positive diagonal of R."""
    x, tau = torch.geqrf(a)
    return torch.linalg.householder_product(x, tau) * x.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _reflections(X):
    """The product of the reflections along the columns of X, below its diagonal, times the signs on the diagonal."""
    below = X.tril(diagonal=-1)
    Q = torch.linalg.householder_product(below, 2.0 / (1.0 + (below * below).sum(dim=-2)))
    return Q * X.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)


def _cayley(A):
    eye = torch.eye(A.size(-1), dtype=A.dtype, device=A.device)
    minus, plus = (torch.add(eye, A, alpha=half) for half in (-0.5, 0.5))
    return torch.linalg.solve(minus, plus)


def _of_skew(rotation):
    """A map of a tall X by way of the skew matrix A of its lower triangle."""
    def orthogonal_of(X):
        n, k = X.shape[-2:]
        lower = X.tril() if n == k else F.pad(X.tril(), (0, n - k))
        Q = rotation(lower - lower.mH)
        return Q if n == k else Q[..., :k]
    return orthogonal_of


_OrthMaps = Enum("_OrthMaps", ("matrix_exp", "cayley", "householder"), module=__name__)
_MAPS = {_OrthMaps.matrix_exp: _of_skew(torch.matrix_exp), _OrthMaps.cayley: _of_skew(_cayley), _OrthMaps.householder: _reflections}


class _Orthogonal(Module):
    """Q with orthonormal columns (rows, when it is wide) from any matrix X: exp(A), (I + A/2)(I - A/2)^-1 for the skew A of X's lower triangle, or a
    product of Householder reflections; times a fixed `base` when trivialized, so that X starts near 0; source: Lezcano-Casado 2019.
    """

    def __init__(self, weight, orthogonal_map, *, use_trivialization=True):
        super().__init__()
        self.shape, self.orthogonal_map = weight.shape, orthogonal_map
        if orthogonal_map == _OrthMaps.householder and weight.is_complex():
            raise ValueError("The householder parametrization does not support complex tensors.")
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X):
        wide = X.size(-2) < X.size(-1)
        Q = _MAPS[self.orthogonal_map](X.mT if wide else X)
        if hasattr(self, "base"):
            Q = self.base @ Q
        return Q.mT if wide else Q

    @no_grad()
    def right_inverse(self, Q):
        if Q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape {Q.shape}.")
        start = Q
        n, k = Q.size(-2), Q.size(-1)
        wide = n < k
        if wide:
            Q, n, k = Q.mT, k, n
        if not hasattr(self, "base"):
            if self.orthogonal_map != _OrthMaps.householder:
                raise NotImplementedError("It is not possible to assign to the matrix exponential or the Cayley parametrizations when "
                                          "use_trivialization=False.")
            A, tau = torch.geqrf(Q)
            signs = A.diagonal(dim1=-2, dim2=-1)
            signs.sign_()
            signs[tau == 0.0] *= -1              # forward reflects these too
            return A.mT if wide else A
        if n == k:
            self.base = Q.clone() if _is_orthogonal(Q) else _make_orthogonal(Q)
        else:
            # the columns that complete it are drawn
            rest = torch.randn((*Q.shape[:-2], n, n - k), dtype=Q.dtype, device=Q.device)
            self.base = _make_orthogonal(torch.cat([Q, rest], dim=-1))
        minus_eye = torch.zeros_like(start)
        minus_eye.diagonal(dim1=-2, dim2=-1).fill_(-1.0)         # what all three maps take to the identity
        return minus_eye


def _tensor_of(module, name):
    weight = getattr(module, name, None)
    if not isinstance(weight, torch.Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


def orthogonal(module, name="weight", orthogonal_map=None, *, use_trivialization=True):
    """Keep the matrix (or batch of matrices) orthogonal; gives the module."""
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions.")
    if orthogonal_map is None:
        rows, columns = weight.shape[-2:]
        orthogonal_map = "matrix_exp" if rows == columns or weight.is_complex() else "householder"
    kind = getattr(_OrthMaps, orthogonal_map, None)
    if kind is None:
        raise ValueError(f'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". Got: {orthogonal_map}')
    parametrize.register_parametrization(module, name, _Orthogonal(weight, kind, use_trivialization=use_trivialization), unsafe=True)
    return module


class _WeightNorm(Module):
    """w = g v / |v|, the norm taken of the slices along `dim`."""

    def __init__(self, dim=0):
        super().__init__()
        self.dim = -1 if dim is None else dim        # torch._weight_norm takes -1 for all

    def forward(self, length, direction):
        return torch._weight_norm(direction, length, self.dim)

    def right_inverse(self, weight):
        return torch.norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module, name="weight", dim=0):
    """Compute the parameter from a length for each slice along `dim` (None: one length) and a direction; source: Salimans and Kingma 2016."""
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def from_hook(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        """State dicts of nn.utils.weight_norm hold name_g and name_v."""
        old = [f"{prefix}{name}_{part}" for part in "gv"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)
    module._register_load_state_dict_pre_hook(from_hook)
    return module


class _SpectralNorm(Module):
    """w / sigma, sigma = u^T W v its largest singular value, u and v by power iteration; vectors are normalized."""

    def __init__(self, weight, n_power_iterations=1, dim=0, eps=1e-12):
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError(f"Expected n_power_iterations to be positive, but got n_power_iterations={n_power_iterations}")
        self.dim, self.eps = dim % ndim, eps
        if ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = self._reshape_weight_to_matrix(weight)
            for name, size in zip(("_u", "_v"), matrix.size(), strict=True):
                self.register_buffer(name, F.normalize(matrix.new_empty(size).normal_(0, 1), dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _reshape_weight_to_matrix(self, weight):
        return weight.movedim(self.dim, 0).flatten(1)

    @no_grad()
    def _power_method(self, matrix, n_power_iterations):
        """Bring u and v closer, in place."""
        for _ in range(n_power_iterations):
            self._u = F.normalize(torch.mv(matrix, self._v), dim=0, eps=self.eps, out=self._u)
            self._v = F.normalize(torch.mv(matrix.H, self._u), dim=0, eps=self.eps, out=self._v)

    def forward(self, weight):
        if weight.ndim == 1:
            return F.normalize(weight, eps=self.eps, dim=0)
        matrix = self._reshape_weight_to_matrix(weight)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        # copies: the next forward changes them while this one waits for its backward
        u, v = self._u.clone(), self._v.clone()
        return weight / torch.vdot(u, torch.mv(matrix, v))

    def right_inverse(self, value):
        return value                             # a weight already normalized stays so


def spectral_norm(module, name="weight", n_power_iterations=1, eps=1e-12, dim=None):
    """Divide the parameter by its largest singular value, as a matrix with `dim` first; source: Miyato et al. 2018."""
    weight = _tensor_of(module, name)
    if dim is None:
        nn = torch.nn
        dim = 1 if isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)) else 0
    parametrize.register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))
    return module
