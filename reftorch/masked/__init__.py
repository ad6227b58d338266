"""torch.masked: reductions and normalizations that leave masked-out elements aside."""
from . import _ops  # noqa: F401
from ._ops import (  # noqa: F401
    amax,
    amin,
    argmax,
    argmin,
    cumprod,
    cumsum,
    log_softmax,
    logaddexp,
    logsumexp,
    mean,
    median,
    norm,
    normalize,
    prod,
    softmax,
    softmin,
    std,
    sum,
    var,
)


def is_masked_tensor(obj, /):
    """Never: there is no class of masked tensors here."""
    return False
