"""Convolutions and pools in one, two and three dimensions."""

import torch
from torch import nn

grid = torch.tensor(
    [
        [1.0, 5.0, 2.0, 0.0, 3.0, 1.0],
        [4.0, 9.0, 1.0, 6.0, 2.0, 8.0],
        [0.0, 3.0, 7.0, 5.0, 4.0, 2.0],
        [2.0, 1.0, 6.0, 3.0, 9.0, 0.0],
        [8.0, 4.0, 0.0, 7.0, 1.0, 5.0],
        [3.0, 2.0, 5.0, 1.0, 6.0, 4.0],
    ]
).unsqueeze(0)
print(nn.MaxPool2d(3)(grid))
print(nn.AvgPool2d(3)(grid))
best, places = nn.MaxPool2d(3, return_indices=True)(grid)
print(best, places)
print(nn.MaxUnpool2d(3)(best, places))

torch.manual_seed(37)
signal = torch.randn(2, 3, 10, requires_grad=True)
picture = torch.randn(2, 3, 8, 7, requires_grad=True)
volume = torch.randn(1, 2, 5, 6, 4, requires_grad=True)
for layer, data in (
    (nn.Conv1d(3, 4, 3, padding=1), signal),
    (nn.Conv1d(3, 6, 4, stride=2, groups=3), signal),
    (nn.ConvTranspose1d(3, 2, 3, stride=2, output_padding=1), signal),
    (nn.MaxPool1d(3, stride=2, padding=1), signal),
    (nn.AvgPool1d(2, ceil_mode=True), signal),
    (nn.AdaptiveAvgPool1d(4), signal),
    (nn.LPPool1d(2, 3), signal),
    (nn.Conv2d(3, 2, (3, 2), stride=(2, 1)), picture),
    (nn.ConvTranspose2d(3, 2, 3), picture),
    (nn.MaxPool2d((2, 3), stride=(2, 1), dilation=(1, 2)), picture),
    (nn.AvgPool2d(3, padding=1, count_include_pad=False), picture),
    (nn.AdaptiveMaxPool2d((3, None)), picture),
    (nn.Conv3d(2, 3, 3), volume),
    (nn.Conv3d(2, 2, (1, 2, 2), stride=2, padding=(0, 1, 0)), volume),
    (nn.MaxPool3d(2), volume),
    (nn.AvgPool3d((2, 3, 2)), volume),
    (nn.AdaptiveAvgPool3d(2), volume),
):
    data.grad = None
    answer = layer(data)
    answer.square().sum().backward()
    print(layer, tuple(answer.shape), answer.flatten()[:4], data.grad.flatten()[:4])
