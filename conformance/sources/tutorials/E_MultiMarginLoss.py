"""One right class an example, which should win by a margin."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(63)
prediction = torch.tensor([[0.3, 0.7], [0.5, 0.5]], requires_grad=True)
target = torch.tensor([0, 1])
print(nn.MultiMarginLoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.MultiMarginLoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.multi_margin_loss(prediction, target, reduction=reduction)))
print(nn.MultiMarginLoss(p=2, margin=0.5, weight=torch.tensor([1.0, 3.0]))(prediction, target))
