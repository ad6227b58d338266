"""The chi-squared distribution."""
from ._formula import moment
from .constraints import positive
from .gamma import Gamma

__all__ = ["Chi2"]


class Chi2(Gamma):
    """The sum of df squared standard normals: Gamma(df / 2, 1 / 2)."""

    arg_constraints = {"df": positive}

    def __init__(self, df, validate_args=None):
        super().__init__(df * 0.5, 0.5, validate_args=validate_args)

    df = moment(lambda concentration: concentration * 2)
