"""The mean absolute error."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(53)
prediction = torch.randn(2, 4, requires_grad=True)
target = torch.randn(2, 4)
print(nn.L1Loss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.L1Loss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.l1_loss(prediction, target, reduction=reduction)))
