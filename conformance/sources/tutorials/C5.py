"""How padding and stride decide the size of what a convolution gives."""

import torch
from torch import nn


def through(layer, image):
    """Run a layer on one plane without batch and channel."""
    plane = layer(image.view((1, 1) + image.shape))
    return plane.view(plane.shape[2:])


torch.manual_seed(35)
image = torch.rand(size=(8, 8))
same = nn.Conv2d(in_channels=1, out_channels=1, kernel_size=3, padding=1)
result = through(same, image)
print(result.shape)
print(result)
for options in (
    {"kernel_size": (5, 3), "padding": (2, 1)},
    {"kernel_size": 3, "padding": 1, "stride": 2},
    {"kernel_size": (3, 5), "padding": (0, 1), "stride": (3, 4)},
    {"kernel_size": 3, "dilation": 2},
    {"kernel_size": 2, "padding": "same"},
    {"kernel_size": 3, "padding": 2, "padding_mode": "reflect"},
    {"kernel_size": 3, "bias": False, "padding": "valid"},
):
    layer = nn.Conv2d(1, 1, **options)
    print(layer)
    print(through(layer, image).shape)
    print(through(layer, image))
result.sum().backward()
print(same.weight.grad)
