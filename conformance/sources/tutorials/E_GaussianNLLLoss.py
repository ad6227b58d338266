"""The negative log likelihood under a normal distribution whose variance is predicted too."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(58)
prediction = torch.randn(4, 2, requires_grad=True)
target = torch.randn(4, 2)
variance = torch.rand(4, 2, requires_grad=True)
print(nn.GaussianNLLLoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = variance.grad = None
    loss = nn.GaussianNLLLoss(reduction=reduction)(prediction, target, variance)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad, variance.grad)
    print(torch.equal(loss, F.gaussian_nll_loss(prediction, target, variance, reduction=reduction)))
print(nn.GaussianNLLLoss(full=True, eps=1e-3)(prediction, target, torch.ones(4, 1)))
