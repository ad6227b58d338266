"""A perceptron for images of 28 x 28: its constructor passes what it does not know on to its parent."""

import torch
from torch import nn


class Perceptron(nn.Module):
    def __init__(self, hidden_size=256, **kwargs):
        super().__init__(**kwargs)
        self.hidden = nn.Linear(784, hidden_size)
        self.activation = nn.ReLU()
        self.output = nn.Linear(hidden_size, 10)

    def forward(self, images):
        return self.output(self.activation(self.hidden(images)))


torch.manual_seed(11)
net = Perceptron()
print(net)
images = torch.rand(2, 784)
print(images)
scores = net(images)
print(scores)
print(scores.shape, scores.requires_grad)
try:
    Perceptron(unknown=1)
except TypeError as refusal:
    print(type(refusal).__name__, refusal)
