"""The angle between pairs that should, or should not, be alike."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(67)
first = torch.tensor([[0.3, 0.5, 0.7], [0.3, 0.5, 0.7]], requires_grad=True)
second = torch.tensor([[0.1, 0.3, 0.5], [0.1, 0.3, 0.5]], requires_grad=True)
target = torch.tensor([1.0, -1.0])
print(nn.CosineEmbeddingLoss())
for reduction in ("mean", "sum", "none"):
    first.grad = second.grad = None
    loss = nn.CosineEmbeddingLoss(reduction=reduction)(first, second, target)
    print(reduction, loss)
    loss.sum().backward()
    print(first.grad, second.grad)
    print(torch.equal(loss, F.cosine_embedding_loss(first, second, target, reduction=reduction)))
print(nn.CosineEmbeddingLoss(margin=0.5)(first, second, target))
