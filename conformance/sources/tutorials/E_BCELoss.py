"""Binary cross entropy of probabilities, which a sigmoid makes."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(51)
raw = torch.randn(2, 3, requires_grad=True)
prediction = torch.sigmoid(raw.detach()).requires_grad_()
target = torch.zeros(2, 3).random_(2)
print(nn.BCELoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.BCELoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.binary_cross_entropy(prediction, target, reduction=reduction)))
loss = nn.BCELoss()(nn.Sigmoid()(raw), target)
print(loss)
loss.backward()
print(raw.grad)
weighted = nn.BCELoss(weight=torch.tensor([1.0, 2.0, 3.0]))(prediction, target)
print(weighted)
print(F.binary_cross_entropy(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 1.0])))
