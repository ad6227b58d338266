"""The smallest layer: what goes in, what it holds, what comes out."""

import torch

torch.manual_seed(111)
layer = torch.nn.Linear(3, 2)
point = torch.rand(1, 3)
print("Input:")
print(point)
print("Weights and biases:")
for param in layer.parameters():
    print(param)
answer = layer(point)
print("Output:")
print(answer)
print(torch.allclose(answer, point @ layer.weight.t() + layer.bias))
