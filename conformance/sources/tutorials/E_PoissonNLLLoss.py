"""The negative log likelihood of counts under a Poisson distribution."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(57)
prediction = torch.randn(5, 2, requires_grad=True)
target = torch.tensor([[0.0, 3.0], [1.0, 1.0], [2.0, 0.0], [5.0, 4.0], [1.0, 7.0]])
print(nn.PoissonNLLLoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.PoissonNLLLoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.poisson_nll_loss(prediction, target, reduction=reduction)))
print(nn.PoissonNLLLoss(log_input=True, full=True)(prediction, target))
print(nn.PoissonNLLLoss(log_input=False)(prediction.exp(), target))
