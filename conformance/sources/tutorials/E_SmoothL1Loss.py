"""Squared where the error is small, absolute where it is large."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(55)
prediction = torch.tensor([[0.1, 0.5, 2.0], [-3.0, 1.0, -0.2]], requires_grad=True)
target = torch.zeros(2, 3)
print(nn.SmoothL1Loss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.SmoothL1Loss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.smooth_l1_loss(prediction, target, reduction=reduction)))
for beta in (0.0, 0.5, 2.0):
    print(beta, nn.SmoothL1Loss(beta=beta)(prediction, target))
