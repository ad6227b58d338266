"""One layer in two places: its parameters are one."""

import torch
from torch import nn

torch.manual_seed(8)
shared = nn.Linear(8, 8)
net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), shared, nn.ReLU(), shared, nn.ReLU(), nn.Linear(8, 1))
batch = torch.rand(2, 4)
print(net(batch))
print(net[2].weight.data[0] == net[4].weight.data[0])
net[2].weight.data[0, 0] = 100
print(net[4].weight.data[0, 0])
print(net[2].weight.data[0] == net[4].weight.data[0])
print(net[2] is net[4], id(net[2].weight) == id(net[4].weight))
print(len(list(net.parameters())), len(net.state_dict()))
net(batch).sum().backward()
print(net[2].weight.grad is net[4].weight.grad)
print(net[4].weight.grad)
