"""A layer without parameters: it moves the mean to zero."""

import torch
from torch import nn


class Centred(nn.Module):
    def forward(self, values):
        return values - values.mean()


centre = Centred()
print(centre)
print(centre(torch.tensor([0, 5, 10, 15, 20], dtype=torch.float)))
print(list(centre.parameters()), len(centre.state_dict()))

torch.manual_seed(1)
deep = nn.Sequential(nn.Linear(8, 16), Centred())
answer = deep(torch.rand(4, 8))
print(answer.mean().abs().item() < 1e-6)
print(deep)
