"""Sequences whose alignment with their labels is unknown."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(71)
steps, classes, batch, longest, shortest = 50, 20, 16, 30, 10
scores = torch.randn(steps, batch, classes).log_softmax(2).detach().requires_grad_()
target = torch.randint(low=1, high=classes, size=(batch, longest), dtype=torch.long)
input_lengths = torch.full(size=(batch,), fill_value=steps, dtype=torch.long)
target_lengths = torch.randint(low=shortest, high=longest, size=(batch,), dtype=torch.long)
print(target_lengths)
print(nn.CTCLoss())
for reduction in ("mean", "sum", "none"):
    scores.grad = None
    loss = nn.CTCLoss(reduction=reduction)(scores, target, input_lengths, target_lengths)
    print(reduction, loss)
    loss.sum().backward()
    print(scores.grad)
    print(torch.equal(loss, F.ctc_loss(scores, target, input_lengths, target_lengths, reduction=reduction)))
flat = torch.cat([row[:length] for row, length in zip(target, target_lengths, strict=True)])
print(nn.CTCLoss()(scores, flat, input_lengths, target_lengths))
print(nn.CTCLoss(blank=19, zero_infinity=True)(scores, target.clamp(max=18), torch.full((batch,), 5), target_lengths))
