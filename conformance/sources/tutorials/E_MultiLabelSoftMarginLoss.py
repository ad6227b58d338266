"""A logistic loss averaged over classes."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(70)
prediction = torch.randn(3, 4, requires_grad=True)
target = torch.tensor([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0]])
print(nn.MultiLabelSoftMarginLoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.MultiLabelSoftMarginLoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.multilabel_soft_margin_loss(prediction, target, reduction=reduction)))
print(nn.MultiLabelSoftMarginLoss(weight=torch.tensor([1.0, 2.0, 0.5, 1.0]))(prediction, target))
