"""A long short-term memory over three steps, with its first state given."""

import torch
from torch import nn

torch.manual_seed(1000)
sequence = torch.randn(2, 3, 4)
lstm = nn.LSTM(4, 3, 1)
h0 = torch.randn(1, 3, 3)
c0 = torch.randn(1, 3, 3)
output, (hn, cn) = lstm(sequence, (h0, c0))
print(lstm)
print(output)
print(hn)
print(cn)
print(torch.equal(output[-1], hn[0]))
output.sum().backward()
for name, param in lstm.named_parameters():
    print(name, tuple(param.shape), param.grad.abs().sum())
