"""LeNet with a 3 x 3 second convolution."""

import torch
import torch.functional
import torch.nn as nn
import torch.nn.functional as F


class LeNet3(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(1, 6, 5)
        self.second = nn.Conv2d(6, 16, 3)
        self.head = nn.Sequential(nn.Linear(16 * 6 * 6, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10))

    def forward(self, image):
        image = F.max_pool2d(F.relu(self.first(image)), (2, 2))
        image = F.max_pool2d(F.relu(self.second(image)), 2)
        return self.head(image.view(image.size(0), -1))


torch.manual_seed(32)
net = LeNet3()
print(net)
images = torch.rand(3, 1, 32, 32)
scores = net(images)
print(scores.shape)
print(scores)
scores.sum().backward()
print(net.second.weight.grad[0, 0])
print(net.first.weight.grad[2, 0])
print(torch.functional.norm(images[0]), torch.functional.einsum("bchw->bc", images))
