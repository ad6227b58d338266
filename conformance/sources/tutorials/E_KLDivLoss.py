"""How far one distribution is from another; the loss wants the first as logarithms."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(59)
prediction = torch.tensor([[0.5, 0.3, 0.2], [0.2, 0.3, 0.5]], requires_grad=True)
target = torch.tensor([[0.9, 0.05, 0.05], [0.1, 0.7, 0.2]])
print(nn.KLDivLoss())
for reduction in ("batchmean", "mean", "sum", "none"):
    prediction.grad = None
    loss = nn.KLDivLoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.kl_div(prediction, target, reduction=reduction)))
print(F.kl_div(F.log_softmax(prediction, dim=1), target, reduction="batchmean"))
print(nn.KLDivLoss(reduction="batchmean", log_target=True)(prediction, target.log()))
