"""LeNet in two halves, for colour images."""

import torch
from torch import nn


class Halves(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2, 2)
        )
        self.classifier = nn.Sequential(nn.Linear(16 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))

    def forward(self, image):
        features = self.features(image)
        return self.classifier(features.view(features.size()[0], -1))


torch.manual_seed(33)
net = Halves()
print(net)
image = torch.randn(1, 3, 32, 32, requires_grad=True)
output = net(image)
print(output)
net.zero_grad()
output.backward(output)
print(net.features[0].bias.grad)
print(net.classifier[4].weight.grad[0, :6])
print(image.grad.shape, image.grad.abs().max())
print(net.features[3], net.classifier[0].in_features)
