"""torch.profiler: the profiler with a schedule of steps."""
import os
import socket
import time
from enum import Enum

from ..autograd import profiler as _profiler
from ..autograd.profiler import record_function

ProfilerAction = Enum("ProfilerAction", {"NONE": 0, "WARMUP": 1, "RECORD": 2, "RECORD_AND_SAVE": 3}, module=__name__)
ProfilerActivity = Enum("ProfilerActivity", {"CPU": 0, "XPU": 1, "MTIA": 2, "CUDA": 3, "HPU": 4, "PrivateUse1": 5}, module=__name__)
_RECORDS = (ProfilerAction.RECORD, ProfilerAction.RECORD_AND_SAVE)


def supported_activities():
    """What can be profiled: the CPU."""
    return {ProfilerActivity.CPU}


def kineto_available():
    """Whether PyTorch's own tracing library is there: it is not."""
    return False


def schedule(*, wait, warmup, active, repeat=0, skip_first=0, skip_first_wait=0):
    """What to do at each step: skip, then cycles of `wait` idle, `warmup` discarded and `active` recorded steps; `repeat` 0: for ever."""
    if wait < 0 or warmup < 0 or active <= 0 or repeat < 0 or skip_first < 0:
        raise AssertionError(f"Invalid profiler schedule arguments. Got wait={wait} (need >= 0), warmup={warmup} (need >= 0), active={active} (need > 0), "
                             f"repeat={repeat} (need >= 0), skip_first={skip_first} (need >= 0).")

    def action(step):
        if step < 0:
            raise AssertionError(f"Step must be non-negative. Got {step}.")
        step -= skip_first
        if skip_first_wait:
            step += wait
        if step < 0:
            return ProfilerAction.NONE
        cycle, at = divmod(step, wait + warmup + active)
        if repeat and cycle >= repeat or at < wait:
            return ProfilerAction.NONE
        if at < wait + warmup:
            return ProfilerAction.WARMUP
        return ProfilerAction.RECORD_AND_SAVE if at == wait + warmup + active - 1 else ProfilerAction.RECORD
    return action


def tensorboard_trace_handler(dir_name, worker_name=None, use_gzip=False):
    """A handler for `on_trace_ready` that writes a trace of chrome://tracing into a directory."""
    def handler(prof):
        os.makedirs(dir_name, exist_ok=True)
        name = worker_name or f"{socket.gethostname()}_{os.getpid()}"
        prof.export_chrome_trace(os.path.join(dir_name, f"{name}.{time.time_ns()}.pt.trace.json"))
    return handler


class profile:
    """Context manager that records calls, all the time or at the steps that `schedule` names; `on_trace_ready` gets it after each record."""

    def __init__(self, *, activities=None, schedule=None, on_trace_ready=None, record_shapes=False, profile_memory=False, with_stack=False,
                 with_flops=False, with_modules=False, experimental_config=None, execution_trace_observer=None, acc_events=False, use_cuda=None,
                 custom_trace_id_callback=None, post_processing_timeout_s=None):
        self.activities = set(activities) if activities else supported_activities()
        self.schedule = schedule or (lambda step: ProfilerAction.RECORD)
        self.on_trace_ready, self.record_shapes = on_trace_ready, record_shapes
        self.step_num = 0
        self.profiler = None
        self.current_action = ProfilerAction.NONE

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()

    def start(self):
        """Begin with the first step."""
        self._go_to(self.schedule(self.step_num))

    def stop(self):
        """End: what is being recorded is handed over."""
        self._go_to(ProfilerAction.NONE)

    def step(self):
        """The next step begins."""
        self.step_num += 1
        self._go_to(self.schedule(self.step_num))

    def _go_to(self, action):
        before, self.current_action = self.current_action, action
        if before in _RECORDS and (action not in _RECORDS or before is ProfilerAction.RECORD_AND_SAVE):
            self.profiler.stop()
            if self.on_trace_ready is not None:
                self.on_trace_ready(self)
            before = ProfilerAction.NONE
        if action in _RECORDS and before not in _RECORDS:
            self.profiler = _profiler.profile(record_shapes=self.record_shapes)
            self.profiler.start()

    def _recorded(self):
        if self.profiler is None:
            raise AssertionError("Profiler must be initialized before accessing its results")
        return self.profiler

    def events(self):
        """The events that were recorded."""
        return self._recorded().function_events

    def key_averages(self, group_by_input_shape=False, group_by_stack_n=0, group_by_overload_name=False):
        """The events summed by name."""
        return self._recorded().key_averages(group_by_input_shape)

    def export_chrome_trace(self, path):
        """Write the events in the format of chrome://tracing."""
        return self._recorded().export_chrome_trace(path)

    def export_stacks(self, path, metric="self_cpu_time_total"):
        """Write each event's chain of labels and its time."""
        return self._recorded().export_stacks(path, metric)


__all__ = ["profile", "schedule", "supported_activities", "tensorboard_trace_handler", "ProfilerAction", "ProfilerActivity", "kineto_available",
           "record_function"]
