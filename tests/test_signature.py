"""The first line of an op's `__doc__`: what PyTorch shows, from the schema or as the op states it."""
import pytest

import reftorch
from reftorch.core import OPS
from reftorch.core.schema import split
from reftorch.core.signature import document

LINES = [
    (reftorch.add, "add(input, other, *, alpha=1, out=None) -> Tensor"),                # from the schema
    (reftorch.Tensor.add_, "add_(other, *, alpha=1) -> Tensor"),                        # a method has no self and no out
    (reftorch.eye, "eye(n, m=None, *, dtype=None, layout=torch.strided, device=None, requires_grad=False, out=None) -> Tensor"),
    (reftorch.ones_like, "ones_like(input, *, dtype=None, layout=None, device=None, memory_format=torch.preserve_format, requires_grad=False) -> Tensor"),
    (reftorch.Tensor.new_zeros, "new_zeros(size, *, dtype=None, layout=torch.strided, device=None, pin_memory=False, requires_grad=False) -> Tensor"),
    (reftorch.linalg.eigh, "linalg.eigh(A, UPLO='L', *, out=None) -> (Tensor eigenvalues, Tensor eigenvectors)"),
    (reftorch.special.airy_ai, "airy_ai(input, *, out=None) -> Tensor"),
    (reftorch.nn.functional.celu_, "celu_(input, alpha=1.0) -> Tensor"),                # in place, and a function alone
    (reftorch.Tensor.to_dense, "to_dense(dtype=None, *, masked_grad=True) -> Tensor"),  # stated
    (reftorch.argmin, "argmin(input, dim=None, keepdim=False) -> Tensor"),
    (reftorch.Tensor.argmin, "argmin(dim=None, keepdim=False) -> Tensor"),              # from what is stated for the function
    (reftorch.true_divide, "true_divide(dividend, divisor, *, out=None) -> Tensor"),
    (reftorch.Tensor.true_divide_, "true_divide_(value) -> Tensor"),
]


@pytest.mark.parametrize("face, line", LINES, ids=lambda value: value if isinstance(value, str) else "")
def test_line(face, line):
    assert face.__doc__.split("\n")[0] == line


def test_description_follows():
    line, blank, text = reftorch.cumsum.__doc__.split("\n")[:3]
    assert line.startswith("cumsum(input, dim") and not blank and text == OPS["cumsum"].doc


@pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))
def test_every_op_shows_arguments_that_python_can_read(op):
    for method, writes in ((False, False), (True, False), (True, True)):
        if (method and not writes and op.method is None) or (writes and op.inplace is None):
            continue
        line = document(op, method, writes).split("\n")[0]
        args = line.partition("(")[2].rpartition(") -> ")[0]
        names = [word.partition("=")[0] for word in split(args)]
        assert len(set(names)) == len(names) and "self" not in names
        compile(f"lambda {args.replace('from=', 'from_=')}: None", line, "eval")     # torch: uniform_(from=0, to=1)
