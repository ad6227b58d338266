"""Builds the compiled core and kernels; everything else about the package is in pyproject.toml."""
import os
import platform
import sys
from pathlib import Path

import numpy as np
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

CFLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off", "-Wno-unused-function", "-Wno-cpp", "-Wno-psabi", "-g0"]
DEBUG = bool(os.environ.get("REFTORCH_DEBUG"))      # bounds checks, no optimisation, Cython's annotated source
OPENMP = [] if os.environ.get("REFTORCH_NO_OPENMP") or sys.platform == "darwin" else ["-fopenmp"]
LINUX = sys.platform.startswith("linux")
STRIP = ["-Wl,-s", "-Wl,-z,noseparate-code"] if LINUX and not DEBUG else []
if DEBUG:
    CFLAGS += ["-O0", "-g"]
elif LINUX:
    CFLAGS.append("-fno-asynchronous-unwind-tables")   # a tenth of the size, for debuggers alone


#: Builds of native kernels: their name and what begins them, see kernels/native/isa.h. Beside a better one the plain build is for old processors
#: alone: it is to be small.
V3 = platform.machine() in ("x86_64", "AMD64")
ISAS = {"base": "#define SMALL\n", "v3": '#pragma GCC target("arch=x86-64-v3")\n',
        "v4": '#define WIDE_VECTORS\n#pragma GCC target("arch=x86-64-v4,prefer-vector-width=512")\n'} if V3 else {"base": ""}
WIDE = {"conv", "gemm", "rnn"}                           # families with a v4 build


#: Files that leave their loops to others, or whose loops are no vector ones; and of these, the ones that are called for much work at a time
SMALL = {"_core", "attention_v3", "ctc", "gemm", "memory", "quick", "reduce", "rnn", "rows"}
SMALLER = {"attention", "conv", "norms", "optim", "runtime", "windows"}
LOOPS = {"random"}                                      # vector loops, which -O3 would only make larger besides


def native(family):
    """The sources that build kernels/native/FAMILY.c for every instruction set."""
    made = []
    for isa, start in ISAS.items():
        if isa == "v4" and family.stem not in WIDE:
            continue
        path = Path("build/isa", f"{family.stem}_{isa}.c")
        text = f'{start}#define ISA(name) name##_{isa}\n#include "native/{family.name}"\n'
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        made.append(str(path))
    return made


def extension(source):
    path = Path(source)
    family = path.parent / "native" / f"{path.stem}.c"
    headers = sorted(str(p) for suffix in ("*.h", "*.pxi", "native/*.h") for p in path.parent.glob(suffix))
    return Extension(".".join(path.with_suffix("").parts), [source, *(native(family) if family.exists() else [])],
                     depends=[*headers, *([str(family)] if family.exists() else [])],
                     include_dirs=[np.get_include(), str(path.parent)], extra_compile_args=CFLAGS + OPENMP,
                     extra_link_args=OPENMP + STRIP,
                     define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION"), *([("ISA_V3", "1")] if V3 else [])])


class ParallelBuild(build_ext):
    """Compiles the extensions side by side, two at a time; for size what is not made for speed: Cython's code and builds for old processors."""

    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or min(2, os.cpu_count() or 1)

    def build_extensions(self):
        compile_one = getattr(self.compiler, "_compile", None)
        if compile_one and not DEBUG:
            def by_kind(obj, src, ext, cc_args, flags, macros):
                stem = Path(src).stem
                size = "-Os" if stem in SMALLER or (V3 and stem.endswith("_base")) else "-O2" if stem in SMALL or stem.endswith("_v4") else None
                small = [size] if size else ["-O2", "-fvect-cost-model=dynamic"] if stem in LOOPS else []
                compile_one(obj, src, ext, cc_args, [*flags, *small], macros)
            self.compiler._compile = by_kind
        super().build_extensions()


directives = {"boundscheck": True, "initializedcheck": True, "nonecheck": True} if DEBUG else {}
sources = ["reftorch/core/_core.pyx", *sorted(str(p) for p in Path("reftorch/kernels").glob("*.pyx"))]
setup(ext_modules=cythonize([extension(s) for s in sources], nthreads=0, quiet=True, annotate=DEBUG, compiler_directives=directives,
                            force=DEBUG), cmdclass={"build_ext": ParallelBuild})
