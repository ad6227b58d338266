"""Sigmoid and binary cross entropy in one, safe for large scores."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(69)
prediction = torch.tensor([[0.5, -1.5, 40.0], [2.0, 0.0, -60.0]], requires_grad=True)
target = torch.tensor([[1.0, 0.0, 1.0], [0.0, 1.0, 0.3]])
print(nn.BCEWithLogitsLoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.BCEWithLogitsLoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.binary_cross_entropy_with_logits(prediction, target, reduction=reduction)))
print(nn.BCEWithLogitsLoss(weight=torch.tensor([1.0, 0.5, 2.0]))(prediction, target))
print(nn.BCEWithLogitsLoss(pos_weight=torch.tensor([3.0, 1.0, 1.0]))(prediction, target))
