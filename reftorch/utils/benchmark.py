"""Measuring a statement: `Timer(...).timeit()` and `.blocked_autorange()`."""
import statistics
import timeit
from time import perf_counter as timer

from ..core._core import get_num_threads, set_num_threads

_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns"))


def select_unit(t):
    """(unit, its seconds) in which a time of `t` seconds reads well."""
    return next(((name, scale) for scale, name in _UNITS if t >= scale), ("ns", 1e-9))


class Measurement:
    """Times of several runs, in seconds for one call."""

    def __init__(self, number_per_run, raw_times, stmt, label=None, sub_label=None, description=None, num_threads=1):
        self.number_per_run, self.raw_times, self.stmt, self.num_threads = number_per_run, raw_times, stmt, num_threads
        self.label, self.sub_label, self.description = label, sub_label, description

    @property
    def times(self):
        """Seconds of a call, for each run."""
        return [t / self.number_per_run for t in self.raw_times]

    @property
    def mean(self):
        """Mean of `times`."""
        return statistics.mean(self.times)

    @property
    def median(self):
        """Median of `times`."""
        return statistics.median(self.times)

    @property
    def iqr(self):
        """Distance between the quartiles of `times`."""
        if len(self.raw_times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return high - low

    def __repr__(self):
        unit, scale = select_unit(self.median)
        lines = [f"{type(self).__module__}.{type(self).__name__} object at {id(self):#x}", self.label or self.stmt]
        lines += [f"  {self.median / scale:.2f} {unit}"] if len(self.raw_times) == 1 else [f"  Median: {self.median / scale:.2f} {unit}",
                                                                                        f"  IQR:    {self.iqr / scale:.2f} {unit}"]
        runs = len(self.raw_times)
        lines.append(f"  {runs} measurement{'s' if runs > 1 else ''}, {self.number_per_run} runs {'per measurement' if runs > 1 else ''}, "
                     f"{self.num_threads} thread{'s' if self.num_threads > 1 else ''}")
        return f"<{lines[0]}>\n" + "\n".join(lines[1:])


class Timer:
    """Measures a statement after a setup, on a number of threads."""

    def __init__(self, stmt="pass", setup="pass", global_setup="", timer=timer, globals=None, label=None, sub_label=None, description=None, env=None,
                 num_threads=1, language="python"):
        if language != "python":
            raise NotImplementedError("reftorch's Timer measures Python alone")
        self._facts = dict(stmt=stmt, label=label, sub_label=sub_label, description=description, num_threads=num_threads)
        self._timer = timeit.Timer(stmt, setup, timer, dict(globals or {}))

    def _run(self, number):
        before = get_num_threads()
        set_num_threads(self._facts["num_threads"])
        try:
            return self._timer.timeit(number)
        finally:
            set_num_threads(before)

    def timeit(self, number=1000000):
        """One measurement of `number` calls, after a short warm-up."""
        self._run(max(number // 100, 2))
        return Measurement(number, [self._run(number)], **self._facts)

    def blocked_autorange(self, callback=None, min_run_time=0.2):
        """Measurements of blocks of calls, until `min_run_time` seconds have passed."""
        number, elapsed = 1, self._run(1)
        while elapsed < min_run_time / 1000 and number < 10**9:
            number *= 10
            elapsed = self._run(number)
        times = []
        while not times or sum(times) < min_run_time:
            times.append(self._run(number))
            if callback:
                callback(number, times[-1])
        return Measurement(number, times, **self._facts)
