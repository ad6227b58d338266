"""The smooth error scaled by its threshold."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(56)
prediction = torch.tensor([[0.1, 0.5, 2.0], [-3.0, 1.0, -0.2]], requires_grad=True)
target = torch.zeros(2, 3)
print(nn.HuberLoss(delta=0.7))
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.HuberLoss(delta=0.7, reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.huber_loss(prediction, target, delta=0.7, reduction=reduction)))
print(nn.HuberLoss()(prediction, target), nn.SmoothL1Loss()(prediction, target))
