"""Gradients add up until somebody clears them."""

import torch

slope = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
seen = []
for step in range(3):
    (slope * slope).sum().backward()
    seen.append(slope.grad.clone())
    print(step, slope.grad)

slope.grad.data.zero_()
print(slope.grad)
slope.sum().backward()
print(slope.grad)
slope.grad = None
print(slope.grad)
(3 * slope).mean().backward()
print(slope.grad)
