"""Looking into a Sequential: state, data and gradients of its parts."""

import torch
from torch import nn

torch.manual_seed(6)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
batch = torch.rand(size=(2, 4))
print(net(batch))
print(net[2].state_dict())
print(type(net[2].bias).__name__)
print(net[2].bias)
print(net[2].bias.data)
print(net[2].weight.data)
print(net[2].weight.grad is None)
net(batch).sum().backward()
print(net[2].weight.grad)
print(net.state_dict())
print(net.state_dict()["2.bias"].data)
print(*[(name, param.shape) for name, param in net[0].named_parameters()])
print(*[(name, param.shape) for name, param in net.named_parameters()])


def block():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4), nn.ReLU())


def blocks():
    tower = nn.Sequential()
    for index in range(3):
        tower.add_module(f"block {index}", block())
    return tower


nested = nn.Sequential(blocks(), nn.Linear(4, 1))
print(nested)
print(nested(batch))
print(nested[0][1][0].bias.data)
print(nested[-1], len(nested), nested[:1])
