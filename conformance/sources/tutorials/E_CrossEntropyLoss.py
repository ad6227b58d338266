"""Cross entropy of scores: softmax and negative log likelihood in one."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(52)
prediction = torch.randn(3, 5, requires_grad=True)
target = torch.zeros(3, dtype=torch.long).random_(5)
print(nn.CrossEntropyLoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.CrossEntropyLoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.cross_entropy(prediction, target, reduction=reduction)))
print(F.cross_entropy(prediction, torch.tensor([1, -100, 4])))
print(nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0]), label_smoothing=0.1)(prediction, target))
print(nn.CrossEntropyLoss(ignore_index=2)(prediction, torch.tensor([2, 0, 2])))
shares = torch.randn(3, 5).softmax(dim=1)
loss = F.cross_entropy(prediction, shares)
print(loss)
prediction.grad = None
loss.backward()
print(prediction.grad)
print(F.cross_entropy(torch.randn(2, 3, 4, 4), torch.zeros(2, 4, 4, dtype=torch.long)))
