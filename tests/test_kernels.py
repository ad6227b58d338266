"""What all kernels share: threads, and builds for several processors."""
import os
import platform
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import reftorch as torch


def run(code, cwd=None, **environment):
    done = subprocess.run([sys.executable, "-c", code], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300)
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


#: Says the kernels' results, all bits of them.
RESULTS = """
import hashlib, reftorch as t
t.manual_seed(0)
x, w, a, b = t.arange(4608.).reshape(2, 16, 12, 12).sin(), t.arange(2304.).reshape(16, 16, 3, 3).cos(), t.rand(40, 50), t.rand(50, 30)
lstm = t.nn.LSTM(16, 24)
out, _ = lstm(x.reshape(6, 48, 16))
out.sum().backward()
results = [t.nn.functional.conv2d(x, w, padding=1), out.detach(), lstm.weight_hh_l0.grad, a @ b, a.softmax(1), a.exp(), a.tanh(), a.cumsum(0), a.sort()[0],
           t.nn.functional.layer_norm(a, (50,)), t.nn.functional.max_pool2d(x, 2)]
for r in results:
    print(*r.shape, hashlib.sha256(r.numpy().tobytes()).hexdigest())
"""


def test_processor_without_avx():
    """The kernels run on an emulated processor of 2008, the oldest that NumPy's wheels support, and give what the plain build gives here."""
    qemu = shutil.which("qemu-x86_64-static") or shutil.which("qemu-x86_64")
    if qemu is None or platform.machine() != "x86_64":
        pytest.skip("needs qemu-x86_64 (Debian: qemu-user-static) on x86-64")
    alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    emulated = subprocess.run([qemu, "-cpu", "Nehalem", sys.executable, "-c", RESULTS], env={**os.environ, **alone}, capture_output=True, text=True,
                              timeout=300)
    assert emulated.returncode == 0, emulated.stderr
    assert emulated.stdout.strip() == run(RESULTS, REFTORCH_ISA="base", **alone)


#: Builds some extensions as setup.py does.
BUILD = """
import runpy, setuptools, sys
whole, sys.argv = setuptools.setup, ["setup.py", "build_ext", "--build-lib", {lib!r}, "--build-temp", {temp!r}]
setuptools.setup = lambda ext_modules, **options: whole(ext_modules=[e for e in ext_modules if e.name.split(".")[-1] in {names}], **options)
runpy.run_path("setup.py")
"""


@pytest.mark.parametrize("family", ["rnn", "rows"])
def test_build_without_openmp(family, tmp_path):
    """Kernels of one thread, in place of those that take several, compile and give the same bits."""
    if find_spec("Cython") is None or find_spec("setuptools") is None or shutil.which("gcc") is None:
        pytest.skip("needs Cython, setuptools and gcc")
    root, lib, source = Path(torch.__file__).parent, tmp_path / "lib", tmp_path / "source"
    shutil.copytree(root, lib / "reftorch", ignore=shutil.ignore_patterns("*.c", "__pycache__", f"{family}.*.so"))
    shutil.copytree(root, source / "reftorch", ignore=shutil.ignore_patterns("*.so", "__pycache__"))
    shutil.copy2(root.parent / "setup.py", source)
    (source / f"reftorch/kernels/{family}.c").unlink(missing_ok=True)       # Cython's, for whatever NumPy was there then
    run(BUILD.format(lib=str(lib), temp=str(tmp_path / "temp"), names={family}), cwd=source, REFTORCH_NO_OPENMP="1")
    [made] = lib.glob(f"reftorch/kernels/{family}.*.so")
    assert b"GOMP" not in made.read_bytes()
    there = {"cwd": tmp_path, "PYTHONPATH": str(lib), "OMP_NUM_THREADS": "2"}
    assert run(f"from reftorch.kernels import {family}; print({family}.__file__)", **there) == str(made)
    assert run(RESULTS, **there) == run(RESULTS, OMP_NUM_THREADS="2")
