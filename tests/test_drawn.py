"""Programs drawn by Hypothesis, of views, in-place writes and gradients, against the oracle.

All numbers are small integers in float64, so every result is exact and is compared exactly, with strides, versions, history and errors.
"""
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from programs import run

import reftorch

SHAPES = ["2, 3", "3, 2", "3", "2, 2, 3", "6", "4, 3"]
VIEWS = ["[0]", "[-1]", "[:, 1]", "[..., :2]", "[1:]", "[::2]", ".t()", ".transpose(0, -1)", ".view(-1)", ".reshape(-1)", ".reshape(2, -1)",
         ".unsqueeze(0)", ".squeeze()", ".flatten()", ".expand(2, -1, -1)", ".permute(1, 0)", ".narrow(0, 0, 1)", ".diagonal()", ".unbind(0)[0]",
         ".split(1)[0]", ".detach()", ".chunk(2)[0]", ".select(0, 1)", ".movedim(0, -1)", ".unfold(0, 2, 1)", ".T", "[None]", ".contiguous()",
         ".clone()", ".data"]
POINTWISE = ["{a} * {b}", "{a} + {b}", "{a} - {b}", "{a} * 2", "3 - {a}", "-{a}", "{a}.abs()", "{a} ** 2", "{a}.sum()", "{a}.sum(0)",
             "{a}.sum(-1, keepdim=True)",
             "torch.cat([{a}, {b}])", "torch.stack([{a}, {a}])", "{a}.max()", "{a}.cumsum(0)", "{a}.flip(0)",
             "torch.where({a} > 1, {a}, {b})", "{a}.relu()",
             "{a} @ {b}", "{a}.clamp(1, 3)", "{a}.repeat(2, 1)", "{a}.gather(0, torch.zeros_like({a}, dtype=torch.long))",
             "{a}.index_select(0, torch.tensor([0, 0]))",
             "{a}.masked_fill({a} > 2, 0)", "{a}.prod()", "{a}.tril()", "{a}.mean()", "{a}.roll(1, 0)"]
WRITES = ["{a}.mul_(2)", "{a}.add_({b})", "{a}.zero_()", "{a}[0] = 1", "{a} += 1", "{a} *= {b}", "{a}.copy_({b})", "{a}.fill_(3)",
          "{a}.sub_(1)", "{a}[..., 0] = {b}[..., 0]",
          "{a}.t_()", "{a}.unsqueeze_(0)", "{a}.detach_()", "{a}.neg_()", "{a}.relu_()", "{a}[{a} > 1] = 0",
          "{a}.masked_fill_({a} > 2, 1)", "{a}.requires_grad_()",
          "{a}.index_add_(0, torch.tensor([0]), torch.ones_like({a}[:1]))", "{a}.squeeze_()", "{a}.clamp_(0, 2)", "{a}.addcmul_({a}, {b})"]


@st.composite
def programs(draw):
    """A few leaves, then views, results and writes on whatever is there, a backward pass, and perhaps a write after it."""
    lines, names = [], []
    for i in range(draw(st.integers(1, 2))):
        shape = draw(st.sampled_from(SHAPES))
        grad = draw(st.booleans())
        count = 1
        for n in shape.split(","):
            count *= int(n)
        lines.append(f"a{i} = torch.arange({count}, dtype=torch.float64).reshape({shape}).remainder(5).requires_grad_({grad})")
        names.append(f"a{i}")
    for i in range(draw(st.integers(1, 6))):
        a, b = draw(st.sampled_from(names)), draw(st.sampled_from(names))
        kind = draw(st.sampled_from(["view", "view", "point", "point", "write", "nograd"]))
        if kind == "view":
            lines.append(f"v{i} = {a}{draw(st.sampled_from(VIEWS))}")
            names.append(f"v{i}")
        elif kind == "point":
            lines.append(f"v{i} = {draw(st.sampled_from(POINTWISE)).format(a=a, b=b)}")
            names.append(f"v{i}")
        elif kind == "write":
            lines.append(draw(st.sampled_from(WRITES)).format(a=a, b=b))
        else:
            lines.append(f"with torch.no_grad(): {draw(st.sampled_from(WRITES)).format(a=a, b=b)}")
    if draw(st.booleans()):
        lines.append(f"{draw(st.sampled_from(names))}.sum().backward()")
    return lines


def difference(program, oracle):
    """None, or where the two outcomes part."""
    theirs, mine = oracle.run(program), json.loads(json.dumps(run(reftorch, program)))
    if theirs["failed"] is not None or mine["failed"] is not None:
        keys = ("failed", "type")
        return None if all(theirs.get(k) == mine.get(k) for k in keys) else (theirs, mine)
    for name, value in theirs["values"].items():
        if value != mine["values"].get(name):
            return name, value, mine["values"].get(name)
    return None


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(program=programs())
def test_same_outcome_as_the_oracle(program, oracle):
    found = difference(program, oracle)
    assert found is None, "\n".join(program) + f"\n{found}"
