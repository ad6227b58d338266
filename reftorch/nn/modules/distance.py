"""Distances of pairs of vectors."""
from ._layer import layer
from .module import Module


@layer(call="F.pairwise_distance(x1, x2; norm, eps, keepdim)", constants="norm eps keepdim")
class PairwiseDistance(Module):
    """y = |x1 - x2 + eps|_p along the last dim; x1, x2 (N, D) or (D) -> y (N) or ()."""

    def __init__(self, p=2.0, eps=1e-6, keepdim=False):
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim


@layer("dim=1, eps=1e-8", "F.cosine_similarity(x1, x2; dim, eps)")
class CosineSimilarity(Module):
    """y = x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along `dim`; x1, x2 (*, D, *) -> y (*, *)."""
