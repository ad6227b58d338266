"""The classes of torch.nn, a file a family."""
from .container import ModuleDict, ModuleList, ParameterDict, ParameterList, Sequential  # noqa: F401
from .linear import Bilinear, Identity, LazyLinear, Linear, NonDynamicallyQuantizableLinear  # noqa: F401
from .module import Module  # noqa: F401
