"""Dropout draws a new mask for every call."""

import torch
from torch import nn

torch.manual_seed(39)
activations = torch.rand(1, 4, 4)
dropout = nn.Dropout(p=0.4)
first = dropout(activations)
second = dropout(activations)
print(first)
print(second)
print(torch.equal(first, second))
print((first == 0).sum(), (second == 0).sum())
kept = first != 0
print(torch.allclose(first[kept], activations[kept] / 0.6))
dropout.eval()
print(torch.equal(dropout(activations), activations))
torch.manual_seed(39)
again = torch.rand(1, 4, 4)
print(torch.equal(nn.Dropout(p=0.4)(again), first))
for other in (nn.Dropout1d(0.5), nn.Dropout2d(0.5), nn.Dropout3d(0.5), nn.AlphaDropout(0.3), nn.FeatureAlphaDropout(0.5)):
    print(other)
    shape = {"Dropout1d": (2, 3, 2), "Dropout3d": (2, 3, 2, 2, 1)}.get(type(other).__name__, (2, 3, 2, 1))
    print(other(torch.ones(shape)))
big = nn.functional.dropout(torch.ones(100, 100), 0.25)
print(big.mean(), (big == 0).float().mean())
