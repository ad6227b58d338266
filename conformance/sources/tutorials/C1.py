"""LeNet for images of 32 x 32: shown, run forward and pulled back."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, 10)

    def forward(self, image):
        image = F.max_pool2d(F.relu(self.conv1(image)), (2, 2))
        image = F.max_pool2d(F.relu(self.conv2(image)), 2)
        flat = image.view(-1, self.num_flat_features(image))
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(flat)))))

    def num_flat_features(self, image):
        count = 1
        for size in image.size()[1:]:
            count *= size
        return count


torch.manual_seed(31)
net = LeNet()
print(net)
params = list(net.parameters())
print(len(params), params[0].size())
image = torch.randn(1, 1, 32, 32)
scores = net(image)
print(scores)
net.zero_grad()
scores.backward(torch.randn(1, 10))
print(net.conv1.bias.grad)
print(net.conv1.weight.grad[0])
print(net.fc3.bias.grad)
print(net.fc1.weight.grad.abs().sum())
loss = F.mse_loss(net(image), torch.arange(1.0, 11.0).view(1, -1))
print(loss)
net.zero_grad()
print(net.conv1.bias.grad)
loss.backward()
print(net.conv1.bias.grad)
