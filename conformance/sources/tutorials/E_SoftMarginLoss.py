"""A logistic loss for labels of one and minus one."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(62)
prediction = torch.tensor([[0.3, 0.7], [0.5, 0.5]], requires_grad=True)
target = torch.tensor([[-1.0, 1.0], [1.0, -1.0]])
print(nn.SoftMarginLoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.SoftMarginLoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.soft_margin_loss(prediction, target, reduction=reduction)))
