"""A fully connected layer written by hand."""

import torch
from torch import nn
from torch.nn import functional as F


class HandMadeLinear(nn.Module):
    def __init__(self, in_units, units):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_units, units))
        self.bias = nn.Parameter(torch.randn(units))

    def forward(self, X):
        linear = torch.matmul(X, self.weight.data) + self.bias.data
        return F.relu(linear)


torch.manual_seed(9)
dense = HandMadeLinear(5, 3)
print(dense.weight)
print(dense.bias)
batch = torch.rand(2, 5)
answer = dense(batch)
print(answer, answer.requires_grad)
net = nn.Sequential(HandMadeLinear(64, 8), HandMadeLinear(8, 1))
print(net(torch.rand(2, 64)))
print(net)
