"""House rules: what is defined where, who imports whom, and that every op says how it differentiates."""
import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import reftorch
from reftorch.core import OPS

ROOT = Path(reftorch.__file__).parent
FILES = sorted(p for p in ROOT.rglob("*.py"))
MAX_LINES = 620

#: What each layer may import from the package itself; the public API imports everything below it.
#: `random` holds the default generator, from which ops draw.
LAYERS = {"kernels": {"kernels"}, "core": {"core"}, "ops": {"kernels", "core", "ops", "random"}}


def imported(path):
    """(module, line) of every import of a file, relative ones made absolute."""
    package = ("reftorch." + ".".join(path.relative_to(ROOT).with_suffix("").parts)).split(".")
    if path.name == "__init__.py":
        package = package[:-1] + ["__init__"]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[:len(package) - node.level]) if node.level else ""
            module = ".".join(x for x in (base, node.module) if x)
            yield module, node.lineno
            for alias in node.names:
                yield f"{module}.{alias.name}", node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_downward(path):
    layer = path.relative_to(ROOT).parts[0]
    for module, line in imported(path):
        top = module.split(".")[0]
        assert top not in ("torch", "conformance", "bench", "tests"), f"{path}:{line} imports {module}"
        if layer in LAYERS and module.startswith("reftorch."):
            assert module.split(".")[1] in LAYERS[layer], f"{path}:{line}: {layer} imports {module}"


def test_scipy_and_ml_dtypes_are_lazy():
    """Importing them costs more than NumPy: nothing at import time may."""
    code = "import reftorch, sys; print(sorted({m.split('.')[0] for m in sys.modules} & {'scipy', 'ml_dtypes', 'torch', 'conformance', 'unittest', 'asyncio'}))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_one_definition_an_op():
    """A name is defined in one file, in one place: overloads stand together."""
    where = {}
    for path in sorted((ROOT / "ops").glob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for name in re.findall(r'"(\w+)(?:\.\w+)?\([^"]*->', line):
                where.setdefault(name, []).append((path.name, number))
    assert len(where) > 500
    torn = {name: places for name, places in where.items() if len({f for f, _ in places}) > 1}
    assert not torn


def test_every_op_builds_and_states_its_derivative():
    unstated = [name for name, op in OPS.items() if not op.stated]
    assert not unstated


def test_rules_name_what_exists():
    """Rules ask only for arguments, results and facts that their schema has: each plan can be made."""
    from reftorch.core import _core
    for op in OPS.values():
        for overload in op.overloads:
            _core.check_plan(overload)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_readable(path):
    assert len(path.read_text().splitlines()) <= MAX_LINES


def test_no_twice_written_helper():
    """No two functions of the op files have the same body."""
    where = {}
    for path in sorted((ROOT / "ops").glob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and not node.decorator_list:
                body = node.body[1:] if ast.get_docstring(node) else node.body
                if len(body) > 1:
                    where.setdefault("\n".join(map(ast.dump, body)), []).append(f"{path.name}:{node.name}")
    assert [places for places in where.values() if len(places) > 1] == []
