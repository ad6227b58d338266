"""A tiny classifier, and what printing a module, a layer and its parameters shows."""

import torch
from torch import nn


class TinyClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(100, 200)
        self.activation = nn.ReLU()
        self.second = nn.Linear(200, 10)
        self.probabilities = nn.Softmax()

    def forward(self, features):
        return self.probabilities(self.second(self.activation(self.first(features))))


torch.manual_seed(12)
tiny = TinyClassifier()
print("The whole model:")
print(tiny)
print("One layer:")
print(tiny.second)
print("All parameters:")
for param in tiny.parameters():
    print(param)
print("One layer's parameters:")
for param in tiny.second.parameters():
    print(param)
chances = tiny(torch.rand(3, 100))
print(chances.sum(dim=1))
print(chances)
