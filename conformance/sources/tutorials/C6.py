"""Pooling by hand: two loops over windows."""

import torch
from torch import nn


def pool(plane, size, mode="max"):
    height, width = size
    out = torch.zeros((plane.shape[0] - height + 1, plane.shape[1] - width + 1))
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            window = plane[row : row + height, column : column + width]
            if mode == "max":
                out[row, column] = window.max()
            elif mode == "average":
                out[row, column] = window.mean()
    return out


plane = torch.tensor([[0, 1, 2], [3, 4, 5], [6, 7, 8]], dtype=torch.float)
print(pool(plane, (2, 2)))
print(pool(plane, (2, 2), "average"))
print(torch.equal(pool(plane, (2, 2)), nn.MaxPool2d(2, stride=1)(plane.view(1, 1, 3, 3))[0, 0]))
print(torch.equal(pool(plane, (2, 2), "average"), nn.AvgPool2d(2, stride=1)(plane.view(1, 1, 3, 3))[0, 0]))
print(pool(torch.arange(20.0).reshape(4, 5), (3, 2)))

plane.requires_grad_(True)
pool(plane, (2, 2)).sum().backward()
print(plane.grad)
