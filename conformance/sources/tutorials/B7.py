"""Filling parameters: by hand, through apply, and with every function of nn.init."""

import torch
from torch import nn

torch.manual_seed(7)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


def small_normal(layer):
    if type(layer) is nn.Linear:
        nn.init.normal_(layer.weight, mean=0, std=0.01)
        nn.init.zeros_(layer.bias)


def constant(layer):
    if isinstance(layer, nn.Linear):
        nn.init.constant_(layer.weight, 1)
        nn.init.zeros_(layer.bias)


def hand_made(layer):
    if isinstance(layer, nn.Linear):
        nn.init.uniform_(layer.weight, -10, 10)
        layer.weight.data *= layer.weight.data.abs() >= 5


print(net.apply(small_normal) is net)
print(net[0].weight.data[0], net[0].bias.data[0])
net.apply(constant)
print(net[0].weight.data[0], net[0].bias.data[0])
net[0].apply(lambda layer: nn.init.xavier_uniform_(layer.weight))
print(net[0].weight.data[0])
net.apply(hand_made)
print(net[0].weight[:2])
net[0].weight.data[:] *= 2
net[0].weight.data[0, 0] = -3
print(net[0].weight.data[0])

matrix = torch.zeros(3, 5)
print(nn.init.uniform_(matrix))
print(nn.init.uniform_(matrix, a=-2.0, b=3.0))
print(nn.init.normal_(matrix))
print(nn.init.trunc_normal_(matrix, mean=0.0, std=1.0, a=-1.0, b=1.0))
print(nn.init.constant_(matrix, 0.3))
print(nn.init.ones_(matrix))
print(nn.init.zeros_(matrix))
print(nn.init.eye_(matrix))
print(nn.init.xavier_uniform_(matrix, gain=nn.init.calculate_gain("relu")))
print(nn.init.xavier_normal_(matrix))
print(nn.init.kaiming_uniform_(matrix, mode="fan_in", nonlinearity="relu"))
print(nn.init.kaiming_normal_(matrix, mode="fan_out", nonlinearity="leaky_relu", a=0.1))
print(nn.init.sparse_(matrix, sparsity=0.4))
orthogonal = nn.init.orthogonal_(torch.zeros(3, 3))
print(torch.allclose(orthogonal @ orthogonal.t(), torch.eye(3), atol=1e-6))
print(nn.init.dirac_(torch.zeros(2, 2, 3)))
for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "selu"):
    print(name, nn.init.calculate_gain(name))
print(nn.init.calculate_gain("leaky_relu", 0.2))
