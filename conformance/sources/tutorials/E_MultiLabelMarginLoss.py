"""Several right classes an example: each should beat every wrong one by a margin."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(61)
prediction = torch.tensor([[0.9, 0.2, 0.4, 0.8]], requires_grad=True)
target = torch.tensor([[3, 0, -1, 1]])
print(nn.MultiLabelMarginLoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.MultiLabelMarginLoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.multilabel_margin_loss(prediction, target, reduction=reduction)))
print(nn.MultiLabelMarginLoss()(torch.randn(2, 4), torch.tensor([[1, -1, 0, 0], [0, 2, 3, -1]])))
