"""Which of two should rank higher."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(60)
prediction = torch.tensor([0.3, -0.2, 1.0], requires_grad=True)
other = torch.tensor([0.1, 0.4, 1.0], requires_grad=True)
order = torch.tensor([1.0, 1.0, -1.0])
print(nn.MarginRankingLoss(margin=0.1))
for reduction in ("mean", "sum", "none"):
    prediction.grad = other.grad = None
    loss = nn.MarginRankingLoss(margin=0.1, reduction=reduction)(prediction, other, order)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad, other.grad)
    print(torch.equal(loss, F.margin_ranking_loss(prediction, other, order, margin=0.1, reduction=reduction)))
