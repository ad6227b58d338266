"""A first gradient: the sum of a matrix of ones."""

import torch

weights = torch.ones(2, 2, requires_grad=True)
print(weights)

later = torch.ones(2, 2)
later.requires_grad = True
print(later.requires_grad, later.is_leaf, later.grad)

total = later.sum()
print(total)
print(type(total.grad_fn).__name__, total.requires_grad, total.is_leaf)
print(str(total.grad_fn).split(" at ")[0])

total.backward()
print(later.grad)
weights.sum().backward()
print(weights.grad.equal(later.grad))
