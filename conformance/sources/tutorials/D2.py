"""The same memory as a cell that is stepped by hand."""

import torch
from torch import nn

torch.manual_seed(1000)
sequence = torch.randn(2, 3, 4)
cell = nn.LSTMCell(4, 3)
state = torch.randn(3, 3)
memory = torch.randn(3, 3)
outputs = []
for step in sequence:
    state, memory = cell(step, (state, memory))
    outputs.append(state)
stacked = torch.stack(outputs, dim=0)
print(cell)
print(stacked)
print(memory)
stacked.mean().backward()
print(cell.weight_ih.grad)
print(cell.bias_hh.grad)
