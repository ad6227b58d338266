"""A chain of matrix products over a list of parameters."""

import torch
from torch import nn


class Chain(nn.Module):
    def __init__(self):
        super().__init__()
        self.links = nn.ParameterList([nn.Parameter(torch.randn(4, 4)) for _ in range(3)])
        self.links.append(nn.Parameter(torch.randn(4, 1)))

    def forward(self, rows):
        for link in self.links:
            rows = torch.mm(rows, link)
        return rows


torch.manual_seed(4)
chain = Chain()
print(chain)
rows = torch.ones(1, 4)
result = chain(rows)
print(result)
print(len(chain.links), [tuple(link.shape) for link in chain.parameters()])
print([name for name, _ in chain.named_parameters()])
result.sum().backward()
print(chain.links[3].grad)
chain.links.extend([nn.Parameter(torch.zeros(1, 2))])
print(chain(rows))
