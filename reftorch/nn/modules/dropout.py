"""Random zeros in training."""
from ._layer import layer
from .module import Module


@layer("p=0.5, inplace=False", shows="p inplace")
class _DropoutNd(Module):
    def _post_init(self):
        if self.p < 0 or self.p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {self.p}")


@layer(call="F.dropout(input; p, training, inplace)")
class Dropout(_DropoutNd):
    """y = x m / (1 - p) with m ~ Bernoulli(1 - p) for each element; x (*) -> y (*); source: Hinton et al. 2012."""


@layer(call="F.dropout1d(input; p, training, inplace)")
class Dropout1d(_DropoutNd):
    """Dropout of whole channels; x (N, C, L) or (C, L) -> y of the same shape; source: Tompson et al. 2014."""


@layer(call="F.dropout2d(input; p, training, inplace)")
class Dropout2d(_DropoutNd):
    """Dropout of whole channels; x (N, C, H, W) -> y of the same shape; source: Tompson et al. 2014."""


@layer(call="F.dropout3d(input; p, training, inplace)")
class Dropout3d(_DropoutNd):
    """Dropout of whole channels; x (N, C, D, H, W) or (C, D, H, W) -> y of the same shape; source: Tompson et al. 2014."""


@layer(call="F.alpha_dropout(input; p, training)")
class AlphaDropout(_DropoutNd):
    """Dropout to SELU's lower limit, keeping mean 0 and variance 1; x (*) -> y (*); source: Klambauer et al. 2017."""


@layer(call="F.feature_alpha_dropout(input; p, training)")
class FeatureAlphaDropout(_DropoutNd):
    """AlphaDropout of whole channels; x (N, C, *) -> y (N, C, *)."""
