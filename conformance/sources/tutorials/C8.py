"""Batch normalisation: what it does while training, what it remembers, and what it does afterwards."""

import torch
from torch import nn

torch.manual_seed(38)
layer = nn.BatchNorm1d(4)
activations = torch.rand(1, 4, 4) * 20 + 5
print(activations)
print(activations.mean())
normal = layer(activations)
print(normal)
print(normal.mean().abs().item() < 1e-6)
print(layer.running_mean, layer.running_var, layer.num_batches_tracked)
for step in range(3):
    layer(activations + step)
print(layer.state_dict())
normal.square().sum().backward()
print(layer.weight.grad, layer.bias.grad.abs().max().item() < 1e-4)
layer.eval()
print(layer(activations))
print(layer(activations).grad_fn.name())

momentum = nn.BatchNorm2d(2, momentum=0.5, eps=1e-3)
picture = torch.rand(2, 2, 3, 3)
print(momentum(picture))
print(momentum.running_var)
plain = nn.BatchNorm1d(3, affine=False, track_running_stats=False)
print(plain(torch.rand(5, 3)), list(plain.parameters()), plain.running_mean)
average = nn.BatchNorm1d(3, momentum=None)
for step in range(3):
    average(torch.rand(5, 3) + step)
print(average.running_mean, average)
