"""Pooling with windows that fit the wanted output: adaptive and fractional; and max unpooling."""
import math

import numpy as np

from ..core import T, composite, primitive
from .pool import _check_1d, _max_along, _max_pool, _scatter_rule, _sum_along  # noqa: F401
