"""A dictionary of parameters, of which forward picks one by name."""

import torch
from torch import nn


class Chooser(nn.Module):
    def __init__(self):
        super().__init__()
        self.routes = nn.ParameterDict({"narrow": nn.Parameter(torch.randn(4, 1)), "square": nn.Parameter(torch.randn(4, 4))})
        self.routes.update({"wide": nn.Parameter(torch.randn(4, 6))})

    def forward(self, rows, route="narrow"):
        return torch.mm(rows, self.routes[route])


torch.manual_seed(5)
chooser = Chooser()
print(chooser)
rows = torch.ones(1, 4)
print(chooser(rows))
print(chooser(rows, "square"))
print(chooser(rows, "wide"))
print(list(chooser.routes.keys()), "wide" in chooser.routes, len(chooser.routes))
try:
    chooser(rows, "missing")
except (KeyError, AttributeError) as missing:
    print(type(missing).__name__, missing)
chooser(rows, "wide").sum().backward()
print({name: param.grad is None for name, param in chooser.named_parameters()})
