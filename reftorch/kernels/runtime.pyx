# cython: language_level=3
"""What all kernels share: how many threads they may start."""
import os

cdef int asked


def available():
    """Processors that this process may use: its affinity, and on Linux the quota of its control group."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:                  # not Linux
        count = os.cpu_count() or 1
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        if quota != "max":
            count = min(count, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass
    return count


def set_threads(int count):
    """Let kernels use `count` threads."""
    global asked, THREADS
    asked = THREADS = count


def threads():
    """The number that was set."""
    return asked


def serial():
    """In a forked child: libgomp's pool of threads did not come along, so kernels work alone."""
    global THREADS
    THREADS = 1


def _start():
    try:
        wish = int(os.environ.get("OMP_NUM_THREADS", "").split(",")[0])
    except ValueError:
        wish = 0
    set_threads(wish if wish > 0 else available())
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=serial)


_start()
