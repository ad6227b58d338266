"""The `error` source: calls that must be refused. What is compared is the exception's type and, on an axis of its own, its text.

`error/NAME/N` are the refusals that PyTorch's operator table lists; `error/common/TOPIC/N` are our own: the mistakes
that people make most.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator

from torch.testing._internal.common_methods_invocations import op_db

from ..case import Case
from . import opforms
from .mistakes import MISTAKES
from .opinfo import Program, statements
from .written import Inputs, Unsupported

in_oracle = True


def cases(wanted: Callable[[str], bool] = lambda group: True, excluded: list | None = None) -> Iterator[Case]:
    """Every case of the wanted groups (`error/add`, `error/common/shape`)."""
    excluded = [] if excluded is None else excluded
    for op in op_db:
        group = f"error/{opforms.full_name(op)}"
        if op.error_inputs_func is not None and wanted(group):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                batch = list(of_table(op, group, excluded))
            yield from batch
    for topic, programs in MISTAKES.items():
        group = f"error/common/{topic}"
        if wanted(group):
            for index, text in enumerate(programs):
                yield Case(id=f"{group}/{index}", program=split(text), origin="common mistakes", tags=("error",), group=group)


def split(text: str) -> tuple[str, ...]:
    """The statements of a one-line program."""
    return tuple(ast.unparse(node) for node in ast.parse(text).body)


def of_table(op, group: str, excluded: list) -> Iterator[Case]:
    form = opforms.form_of(op)
    if isinstance(form, str):
        excluded.append((f"{group}/*", "beyond", form))
        return
    for index, wrong in enumerate(op.error_inputs("cpu")):
        id = f"{group}/{index}"
        inputs = Inputs()
        try:
            lines = statements(form(inputs.call(op.name, wrong.sample_input)))
        except Unsupported as error:
            excluded.append((id, error.kind, str(error)))
            continue
        program = Program(lines, inputs)
        half_done = ("random",) if "out_" in inputs.refs else ()  # a buffer that was resized before the refusal holds anything
        if not program.error:
            excluded.append((id, "oracle-error", "the oracle does not refuse it"))
            continue
        yield Case(
            id=id, program=tuple(lines), inputs=inputs.refs, apis=program.apis(), group=group, tags=("error", *half_done),
            origin=f"{opforms.full_name(op)}, error input {index} of the operator table",
        )  # fmt: skip
