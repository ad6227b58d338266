"""The LKJ distribution of Cholesky factors of correlation matrices."""
import math

import reftorch as torch

from ._formula import density
from .beta import Beta
from .constraints import corr_cholesky, positive
from .distribution import Distribution

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Lower L (dim, dim) for which L L^T is a correlation matrix with density ~ det^(concentration - 1).

    Drawn by the onion method: row i is a random direction of length sqrt(y), y ~ Beta(i / 2, ...).
    """

    arg_constraints = {"concentration": positive}
    support = corr_cholesky

    def __init__(self, dim, concentration=1.0, validate_args=None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        shape, c = self._take(concentration=concentration), self.concentration
        row = torch.arange(-1, dim - 1, dtype=c.dtype, device=c.device).clamp(min=0)  # the first row's draw goes unused
        self._squares = Beta(row + 0.5, (c + 0.5 * (dim - 2)).unsqueeze(-1) - 0.5 * row)
        super().__init__(shape, torch.Size([dim, dim]), validate_args)

    def sample(self, sample_shape=torch.Size()):
        squares = self._squares.sample(sample_shape).unsqueeze(-1)
        below = self._noise(torch.randn, sample_shape, squares).tril(-1)
        direction = below / below.norm(dim=-1, keepdim=True)
        direction[..., 0, :] = 0.0  # in place of 0 / 0
        row = squares.sqrt() * direction
        rest = (1 - row.square().sum(-1)).clamp(min=torch.finfo(row.dtype).tiny)
        return row + rest.sqrt().diag_embed()

    @density
    def log_prob(L, dim, concentration):
        n = dim - 1
        powers = 2 * (concentration - 1).unsqueeze(-1) + dim - torch.arange(2, dim + 1, device=concentration.device)
        unnormalized = (powers * L.diagonal(dim1=-1, dim2=-2)[..., 1:].log()).sum(-1)
        a = concentration + 0.5 * n
        return unnormalized - (0.5 * n * math.log(math.pi) + torch.mvlgamma(a - 0.5, n) - a.lgamma() * n)
