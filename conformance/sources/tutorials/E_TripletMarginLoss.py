"""An anchor should be nearer to its like than to a stranger."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(64)
anchor = torch.randn(4, 6, requires_grad=True)
positive = torch.randn(4, 6, requires_grad=True)
negative = torch.randn(4, 6, requires_grad=True)
print(nn.TripletMarginLoss(margin=1.0, p=2))
for reduction in ("mean", "sum", "none"):
    anchor.grad = positive.grad = negative.grad = None
    loss = nn.TripletMarginLoss(margin=1.0, p=2, reduction=reduction)(anchor, positive, negative)
    print(reduction, loss)
    loss.sum().backward()
    print(anchor.grad, positive.grad, negative.grad)
    print(torch.equal(loss, F.triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, reduction=reduction)))
print(nn.TripletMarginLoss(swap=True, margin=0.5, p=1)(anchor, positive, negative))
