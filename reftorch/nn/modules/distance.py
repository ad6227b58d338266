"""Distances of pairs of vectors."""
from .. import functional as F
from .module import Module


class PairwiseDistance(Module):
    """y = |x1 - x2 + eps|_p along the last dim; x1, x2 (N, D) or (D) -> y (N) or ()."""

    __constants__ = ["norm", "eps", "keepdim"]

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1, x2):
        return F.pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


class CosineSimilarity(Module):
    """y = x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`; x1, x2 (*, D, *) -> y (*, *)."""

    __constants__ = ["dim", "eps"]

    def __init__(self, dim=1, eps=1e-8):
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1, x2):
        return F.cosine_similarity(x1, x2, self.dim, self.eps)
