"""What all kernels share: threads, and builds for several processors."""
import os
import subprocess
import sys

import pytest

import reftorch as torch


def run(code, **environment):
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_threads_follow_the_environment_and_the_machine():
    ask = "import reftorch; print(reftorch.get_num_threads())"
    assert run(ask, OMP_NUM_THREADS="3") == "3"
    assert 1 <= int(run(ask, OMP_NUM_THREADS="")) <= len(os.sched_getaffinity(0))


@pytest.mark.parametrize("wrong, text", [(0, "set_num_threads expects a positive integer"), (-2, "set_num_threads expects a positive integer"),
                                         ("a", "set_num_threads expects an int, but got str")])
def test_wrong_number_of_threads(wrong, text):
    with pytest.raises(RuntimeError, match=text):
        torch.set_num_threads(wrong)


def test_forked_child_computes_alone():
    """A child of a process that used several threads neither hangs nor says another number."""
    code = """
import os, reftorch as torch
torch.set_num_threads(2)
x = torch.ones(1 << 18)
(x + x).exp()
child = os.fork()
if child == 0:
    assert torch.get_num_threads() == 2
    assert bool(((x + x) == 2).all())
    os._exit(7)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert run(code) == "7"
