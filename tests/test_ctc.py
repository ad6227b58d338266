"""Connectionist temporal classification: against its definition, and against PyTorch to the last bit."""
import itertools
import json

import numpy as np
import pytest
from programs import run

import reftorch as torch
from reftorch.nn import functional as F


def probability(log_probs, target, blank):
    """The sum over all readings [T] that give `target` once repetitions are one and blanks are gone."""
    total = 0.0
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        if [c for c, _ in itertools.groupby(path) if c != blank] == target:
            total += np.exp(sum(log_probs[t, c] for t, c in enumerate(path)))
    return total


@pytest.mark.parametrize("target", [[1], [1, 2], [1, 1], [2, 1, 2], []])
@pytest.mark.parametrize("blank", [0, 3])
def test_the_definition(target, blank):
    torch.manual_seed(len(target))
    scores = torch.randn(5, 1, 4, dtype=torch.float64)
    log_probs = scores.log_softmax(2)
    loss = F.ctc_loss(log_probs, torch.tensor([target], dtype=torch.long), [5], [len(target)], blank=blank, reduction="none")
    assert loss.item() == pytest.approx(-np.log(probability(log_probs[:, 0].numpy(), target, blank)))


def test_the_derivative():
    torch.manual_seed(1)
    scores, targets = torch.randn(6, 3, 5, dtype=torch.float64, requires_grad=True), torch.tensor([[1, 1, 2], [3, 4, 0], [2, 0, 0]])
    assert torch.autograd.gradcheck(lambda x: F.ctc_loss(x.log_softmax(2), targets, [6, 5, 4], [3, 2, 1]), (scores,))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_bit_is_pytorch_s(dtype, oracle):
    # the inputs are no logarithms of probabilities, but whole eighths: log_softmax is not what is looked at
    program = [
        "torch.manual_seed(4)",
        f"scores = torch.randint(-40, 0, (30, 5, 7)).to(torch.{dtype}).div(8).requires_grad_()",
        "targets = torch.randint(1, 7, (5, 9))",
        "loss = torch.nn.functional.ctc_loss(scores, targets, (30, 28, 30, 25, 19), (9, 4, 1, 8, 9), reduction='none')",
        "loss.backward(torch.arange(1.0, 6.0))",
        "mean = torch.nn.functional.ctc_loss(scores, targets, (30, 28, 30, 25, 3), (9, 4, 1, 8, 9), zero_infinity=True)",
    ]
    assert json.loads(json.dumps(run(torch, program))) == oracle.run(program)
