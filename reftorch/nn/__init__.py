"""Neural networks: modules, their functional forms, parameters and initialisation."""
from . import attention, functional, init, parallel, parameter, utils  # noqa: F401
from ._factory import factory_kwargs  # noqa: F401
from .modules import *  # noqa: F401, F403
from .modules.linear_cross_entropy_options import LinearCrossEntropyOptions  # noqa: F401
from .parallel import DataParallel  # noqa: F401
from .parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter  # noqa: F401
