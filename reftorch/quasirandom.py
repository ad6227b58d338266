"""Sobol sequences: points that fill the unit cube evenly."""
import numpy as np

from .core import DTYPES, T
from .core._core import from_array, get_default_dtype
from .random import Generator

_BITS = 30


def _directions(dimension):
    """Direction numbers [dimension, 30] of Joe and Kuo (2008), from SciPy's table of them."""
    from scipy.stats.qmc import Sobol
    return Sobol(dimension, scramble=False, bits=_BITS)._sv.astype(np.int64)


def _parity(a):
    """Whether the number of ones among the bits is odd."""
    for shift in (32, 16, 8, 4, 2, 1):
        a = a ^ (a >> shift)
    return a & 1


class SobolEngine:
    """Points of a Sobol sequence in [0, 1)^dimension, optionally scrambled by random triangular matrices and a shift."""

    MAXBIT = _BITS
    MAXDIM = 21201

    def __init__(self, dimension, scramble=False, seed=None):
        if dimension > self.MAXDIM or dimension < 1:
            raise ValueError(f"Supported range of dimensionality for SobolEngine is [1, {self.MAXDIM}]")
        self.seed, self.scramble, self.dimension = seed, scramble, dimension
        self.sobolstate = from_array(_directions(dimension))
        self.shift = T.zeros(dimension, dtype=DTYPES["int64"])
        if scramble:
            self._scramble()
        self.quasi = self.shift.clone()
        self._first_point = (self.quasi / 2**_BITS).reshape(1, -1)
        self.num_generated = 0

    def _scramble(self):
        generator = None
        if self.seed is not None:
            generator = Generator()
            generator.manual_seed(self.seed)
        bits = T.randint(2, (self.dimension, _BITS), generator=generator)._array
        matrices = T.randint(2, (self.dimension, _BITS, _BITS), generator=generator).tril()._array
        matrices[:, np.arange(_BITS), np.arange(_BITS)] = 1
        self.shift = from_array((bits << np.arange(_BITS)).sum(-1))
        rows = (matrices << np.arange(_BITS)[::-1]).sum(-1)                        # each row of a matrix as one number
        state = self.sobolstate._array
        mixed = _parity(rows[:, :, None] & state[:, None, :]) << np.arange(_BITS)[::-1, None]
        self.sobolstate = from_array(mixed.sum(1))

    def _advance(self, n):
        """The next n points as integers [n, dimension]; a point differs from the last by the lowest zero bit of its number."""
        numbers = np.arange(self.num_generated - 1, self.num_generated - 1 + n)
        lowest = np.log2(~numbers & (numbers + 1)).astype(np.int64)
        points = np.bitwise_xor.accumulate(np.concatenate([self.quasi._array[None], self.sobolstate._array[:, lowest].T]), 0)
        self.quasi = from_array(points[-1].copy())
        return points[1:]

    def draw(self, n=1, out=None, dtype=None):
        """The next n points, [n, dimension]."""
        dtype = dtype or get_default_dtype()
        skip = self.num_generated == 0
        if skip:
            self.num_generated = 1
            points = self._advance(n - 1)
            self.num_generated = 0
        else:
            points = self._advance(n)
        result = from_array(points).to(dtype) * 2.0**-_BITS
        if skip:
            result = T.cat([self._first_point.to(dtype), result])
        self.num_generated += n
        return result if out is None else out.resize_as_(result).copy_(result)

    def draw_base2(self, m, out=None, dtype=None):
        """The next 2^m points, by which the number drawn must stay a power of 2."""
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError("The balance properties of Sobol' points require n to be a power of 2. "
                             f"{self.num_generated} points have been previously generated, then: n={self.num_generated}+2**{m}={total}. "
                             "If you still want to do this, please use 'SobolEngine.draw()' instead.")
        return self.draw(n, out, dtype)

    def reset(self):
        """Back to the first point."""
        self.quasi, self.num_generated = self.shift.clone(), 0
        return self

    def fast_forward(self, n):
        """Leave out n points."""
        if self.num_generated == 0:
            self.num_generated = 1
            self._advance(n - 1)
            self.num_generated = 0
        else:
            self._advance(n)
        self.num_generated += n
        return self

    def __repr__(self):
        parts = [f"dimension={self.dimension}"] + ["scramble=True"] * bool(self.scramble) + [f"seed={self.seed}"] * (self.seed is not None)
        return f"{type(self).__name__}({', '.join(parts)})"
