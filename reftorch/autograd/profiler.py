"""A profiler of the calls that a program makes: how often, and how long, by the clock of the CPU.

Events are the functions and methods of the API that the program calls, and the blocks it labels; ops that these call inside, and the
steps of a backward pass, are parts of them.
"""
import functools
import json
import threading
import time
from collections import OrderedDict

from ..overrides import TorchFunctionMode

_running = []                            # profiles that are recording, innermost last


def _format_time(us):
    """Microseconds in the unit that suits."""
    for unit, scale in (("s", 1e6), ("ms", 1e3)):
        if us >= scale:
            return f"{us / scale:.3f}{unit}"
    return f"{us:.3f}us"


class FunctionEvent:
    """One call: its name, when it began and ended (microseconds since the profile began), the events within it."""

    def __init__(self, id, name, start, thread, input_shapes=()):
        self.id, self.name, self.key, self.thread = id, name, name, thread
        self.start, self.end = start, start
        self.input_shapes = list(input_shapes)
        self.cpu_parent, self.cpu_children = None, []
        self.count = 1

    @property
    def cpu_time_total(self):
        """Microseconds from begin to end."""
        return self.end - self.start

    cpu_time = cpu_time_total

    @property
    def self_cpu_time_total(self):
        """Microseconds outside of the events within."""
        return self.cpu_time_total - sum(child.cpu_time_total for child in self.cpu_children)

    def __repr__(self):
        return f"<FunctionEvent id={self.id} name={self.name} cpu_time={_format_time(self.cpu_time)} thread={self.thread}>"


class FunctionEventAvg:
    """All events of one name: how many, and their times together."""

    def __init__(self, key, input_shapes=""):
        self.key, self.input_shapes, self.count = key, input_shapes, 0
        self.cpu_time_total = self.self_cpu_time_total = 0.0

    def add(self, event):
        """Count one more; gives itself."""
        self.count += event.count
        self.cpu_time_total += event.cpu_time_total
        self.self_cpu_time_total += event.self_cpu_time_total
        return self

    @property
    def cpu_time(self):
        """Microseconds of one call on average."""
        return self.cpu_time_total / self.count if self.count else 0.0

    def __repr__(self):
        return (f"<FunctionEventAvg key={self.key} self_cpu_time={_format_time(self.self_cpu_time_total)} cpu_time={_format_time(self.cpu_time)} "
                f"input_shapes={self.input_shapes}>")


class EventList(list):
    """Events, and their tables."""

    @property
    def self_cpu_time_total(self):
        """Microseconds of all events."""
        return sum(event.self_cpu_time_total for event in self)

    def key_averages(self, group_by_input_shapes=False, group_by_stack_n=0, group_by_overload_name=False):
        """One entry a name (or name and shapes), in the order of their first calls."""
        groups = OrderedDict()
        for event in self:
            shapes = str(event.input_shapes) if group_by_input_shapes else ""
            groups.setdefault((event.key, shapes), FunctionEventAvg(event.key, shapes)).add(event)
        return EventList(groups.values())

    def total_average(self):
        """All events as one."""
        total = FunctionEventAvg("Total")
        for event in self:
            total.add(event)
        return total

    def table(self, sort_by=None, row_limit=100, max_src_column_width=75, max_name_column_width=55, max_shapes_column_width=80, header=None,
              top_level_events_only=False, time_unit=None):
        """The events as text: name, own time and total time with their shares, time of a call, number of calls."""
        events = [e for e in self if not (top_level_events_only and getattr(e, "cpu_parent", None))]
        if sort_by is not None:
            events.sort(key=lambda e: getattr(e, sort_by), reverse=True)
        whole = sum(e.self_cpu_time_total for e in events) or 1.0
        titles = ["Name", "Self CPU %", "Self CPU", "CPU total %", "CPU total", "CPU time avg", "# of Calls"]
        rows = []
        for e in events[:row_limit] if row_limit >= 0 else events:
            name = e.key if len(e.key) <= max_name_column_width else e.key[:max_name_column_width - 3] + "..."
            rows.append([name, f"{100 * e.self_cpu_time_total / whole:.2f}%", _format_time(e.self_cpu_time_total),
                         f"{100 * e.cpu_time_total / whole:.2f}%", _format_time(e.cpu_time_total), _format_time(e.cpu_time), str(e.count)])
        widths = [max([12 if i else 0, *(len(row[i]) for row in [titles, *rows])]) for i in range(len(titles))]
        rule = "  ".join("-" * w for w in widths) + "  "
        lines = [rule, "  ".join(t.rjust(w) for t, w in zip(titles, widths, strict=False)) + "  ", rule]
        lines += ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=False)) + "  " for row in rows]
        return "\n".join([*([header] if header else []), *lines, rule, f"Self CPU time total: {_format_time(whole if events else 0)}", ""])

    __str__ = table

    def export_chrome_trace(self, path):
        """Write the events in the format of chrome://tracing."""
        with open(path, "w") as f:
            json.dump([{"name": e.name, "ph": "X", "ts": e.start, "dur": e.cpu_time_total, "tid": e.thread, "pid": "CPU functions", "args": {}}
                       for e in self], f)

    def export_stacks(self, path, metric):
        """Write each event's chain of labels and its time, the input of flame graphs."""
        if metric not in ("self_cpu_time_total", "self_cuda_time_total", "self_xpu_time_total", "self_privateuse1_time_total"):
            raise ValueError("metric should be one of: " + str(["self_cpu_time_total", "self_cuda_time_total", "self_xpu_time_total",
                                                                "self_privateuse1_time_total"]))
        with open(path, "w") as f:
            for e in self:
                chain, at = [], e
                while at is not None:
                    chain.append(at.name)
                    at = at.cpu_parent
                f.write(";".join(reversed(chain)) + f" {int(getattr(e, metric, 0))}\n")


class _Calls(TorchFunctionMode):
    """Reports every call of the API to a profile."""

    def __init__(self, profile):
        self.profile = profile

    def __torch_function__(self, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", type(func).__name__)
        shapes = [list(getattr(a, "shape", ())) for a in args] if self.profile.record_shapes else ()
        event = self.profile.begin("aten::" + name, shapes)
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self.profile.finish(event)


class profile:
    """Context manager that records the calls within; afterwards it lists and sums them.  Options that concern devices have no effect."""

    def __init__(self, enabled=True, *, use_cuda=False, use_device=None, record_shapes=False, with_flops=False, profile_memory=False, with_stack=False,
                 with_modules=False, use_kineto=False, use_cpu=True, experimental_config=None, acc_events=False, custom_trace_id_callback=None,
                 post_processing_timeout_s=None, activity_filters=None):
        self.enabled, self.record_shapes = enabled, record_shapes
        self.entered = False
        self.function_events = None

    def __enter__(self):
        if not self.enabled:
            return self
        if self.entered:
            raise RuntimeError("Profiler context manager is not reentrant")
        self.entered = True
        self.start()
        return self

    def __exit__(self, *exc):
        if self.enabled:
            self.stop()
        return False

    def start(self):
        """Begin to record."""
        self.function_events, self._stack, self._origin = EventList(), [], time.perf_counter_ns()
        self._mode = _Calls(self)
        self._mode.__enter__()
        _running.append(self)

    def stop(self):
        """Cease to record."""
        _running.remove(self)
        self._mode.__exit__(None, None, None)

    def _now(self):
        return (time.perf_counter_ns() - self._origin) / 1e3

    def begin(self, name, shapes=()):
        """An event starts."""
        event = FunctionEvent(len(self.function_events) + 1, name, self._now(), threading.get_ident(), shapes)
        if self._stack:
            event.cpu_parent = self._stack[-1]
            event.cpu_parent.cpu_children.append(event)
        self._stack.append(event)
        self.function_events.append(event)
        return event

    def finish(self, event):
        """It ends."""
        event.end = self._now()
        self._stack.remove(event)

    def _events(self):
        if self.function_events is None:
            raise RuntimeError("Profiler didn't finish running")
        return self.function_events

    def __repr__(self):
        return "<unfinished torch.autograd.profile>" if self.function_events is None else repr(self.function_events)

    def __str__(self):
        return "<unfinished torch.autograd.profile>" if self.function_events is None else self.function_events.table()

    def table(self, *args, **kwargs):
        """The table of all events; see EventList.table."""
        return self._events().table(*args, **kwargs)

    def export_chrome_trace(self, path):
        """Write the events in the format of chrome://tracing."""
        return self._events().export_chrome_trace(path)

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """Write each event's chain of labels and its time."""
        return self._events().export_stacks(path, metric)

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """The events summed by name."""
        return self._events().key_averages(group_by_input_shape)

    def total_average(self):
        """All events as one."""
        return self._events().total_average()

    @property
    def self_cpu_time_total(self):
        """Microseconds of all events."""
        return self._events().self_cpu_time_total


class record_function:
    """Context manager and decorator that gives a block a name in the profile."""

    def __init__(self, name, args=None):
        self.name, self.args = name, args

    def __enter__(self):
        self._profile = _running[-1] if _running else None
        self._event = None if self._profile is None else self._profile.begin(self.name)
        return self

    def __exit__(self, *exc):
        if self._profile is not None and self._profile in _running:
            self._profile.finish(self._event)

    def __call__(self, fn):
        @functools.wraps(fn)
        def wrapped(*args, **kwargs):
            with type(self)(self.name, self.args):
                return fn(*args, **kwargs)
        return wrapped


class emit_itt:
    """Context manager that would mark ops for Intel's VTune, which reftorch does not talk to: nothing is marked."""

    def __init__(self, enabled=True, record_shapes=False):
        self.enabled, self.record_shapes, self.entered = enabled, record_shapes, False

    def __enter__(self):
        if self.enabled and self.entered:
            raise RuntimeError("ITT annotation context manager is not reentrant")
        self.entered = True
        return self

    def __exit__(self, *exc):
        return False


class emit_nvtx(emit_itt):
    """Refused on entry: it marks the ops of a CUDA device, which reftorch does not have."""

    def __enter__(self):
        if self.enabled:
            raise RuntimeError("emit_nvtx marks ops for NVIDIA's profiler and needs CUDA; reftorch runs on the CPU alone")
        return self


class KinetoStepTracker:
    """Counts the steps of several who report them: the number of a step is the largest count of any of them."""

    _current_step = 0
    _step_dict = {}

    @classmethod
    def init_step_count(cls, requester):
        """A new requester begins at the current step."""
        cls._step_dict[requester] = cls._current_step

    @classmethod
    def erase_step_count(cls, requester):
        """Forget a requester; whether it was known."""
        return cls._step_dict.pop(requester, None) is not None

    @classmethod
    def increment_step(cls, requester):
        """One more step of a requester; gives the current step."""
        cls._step_dict[requester] = cls._step_dict.get(requester, cls._current_step) + 1
        cls._current_step = max(cls._current_step, *cls._step_dict.values())
        return cls._current_step

    @classmethod
    def current_step(cls):
        """The current step."""
        return cls._current_step


__all__ = ["profile", "record_function", "emit_itt", "emit_nvtx", "KinetoStepTracker", "EventList", "FunctionEvent"]
