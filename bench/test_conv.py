"""Convolutions of AlexNet, ResNet, LeNet and of one small image; forward, and forward with all three gradients."""
import math

import pytest

#: batch, channels, size, filters, kernel, stride, padding, groups
SHAPES = {
    "alexnet_11x11": (16, 3, 224, 64, 11, 4, 2, 1), "alexnet_5x5": (16, 64, 27, 192, 5, 1, 2, 1), "alexnet_3x3": (16, 192, 13, 384, 3, 1, 1, 1),
    "resnet_56": (8, 64, 56, 64, 3, 1, 1, 1), "resnet_28": (8, 128, 28, 128, 3, 1, 1, 1), "resnet_14": (8, 256, 14, 256, 3, 1, 1, 1),
    "resnet_7": (8, 512, 7, 512, 3, 1, 1, 1), "resnet_1x1": (8, 64, 56, 256, 1, 1, 0, 1), "lenet_1": (64, 1, 32, 6, 5, 1, 0, 1),
    "lenet_2": (64, 6, 14, 16, 5, 1, 0, 1), "one_image": (1, 3, 32, 6, 5, 1, 0, 1), "depthwise": (8, 64, 56, 64, 3, 1, 1, 64),
}


@pytest.mark.parametrize("way", ["forward", "backward"])
@pytest.mark.parametrize("shape", SHAPES)
def test_conv2d(paired, shape, way):
    batch, channels, size, filters, kernel, stride, padding, groups = SHAPES[shape]

    def make(t):
        t.manual_seed(0)
        x = t.randn(batch, channels, size, size)
        w = t.randn(filters, channels // groups, kernel, kernel) / math.sqrt(channels // groups * kernel * kernel)
        b = t.randn(filters)

        def forward():
            return t.nn.functional.conv2d(x, w, b, stride, padding, 1, groups)
        if way == "forward":
            return forward
        grad = t.randn(*forward().shape)
        for leaf in (x, w, b):
            leaf.requires_grad_()
        return lambda: t.autograd.grad(forward(), (x, w, b), grad)
    paired(make)
