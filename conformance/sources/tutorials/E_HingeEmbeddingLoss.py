"""Small for likes, at least a margin for unlikes."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(66)
prediction = torch.tensor([[1.0, 0.8, 0.5]], requires_grad=True)
target = torch.tensor([[1, 1, -1]])
print(nn.HingeEmbeddingLoss())
for reduction in ("mean", "sum", "none"):
    prediction.grad = None
    loss = nn.HingeEmbeddingLoss(reduction=reduction)(prediction, target)
    print(reduction, loss)
    loss.sum().backward()
    print(prediction.grad)
    print(torch.equal(loss, F.hinge_embedding_loss(prediction, target, reduction=reduction)))
print(nn.HingeEmbeddingLoss(margin=0.2)(prediction, target))
