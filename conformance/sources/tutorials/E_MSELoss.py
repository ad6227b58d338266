"""The mean squared error."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(54)
prediction = torch.randn(2, 4, requires_grad=True)
target = torch.randn(2, 4)
print(nn.MSELoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.MSELoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.mse_loss(prediction, target, reduction=reduction)))
print(F.mse_loss(prediction, target[0]))
print(nn.MSELoss()(torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])))
