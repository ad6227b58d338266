"""Minus the logarithm that the right class got."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(68)
prediction = F.log_softmax(torch.randn(3, 5), dim=1).requires_grad_()
target = torch.tensor([1, 0, 4])
print(nn.NLLLoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.NLLLoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.nll_loss(prediction, target, reduction=reduction)))
print(nn.NLLLoss(weight=torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0]))(prediction, target))
print(nn.NLLLoss(ignore_index=0)(prediction, target))
print(F.nll_loss(F.log_softmax(torch.randn(2, 3, 4, 4), dim=1), torch.ones(2, 4, 4, dtype=torch.long)))
