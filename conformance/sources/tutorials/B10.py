"""Parameters on disk: saved, loaded into a clone, and a file that PyTorch itself has written."""

import io
import os

import torch
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(20, 256)
        self.output = nn.Linear(256, 10)

    def forward(self, rows):
        return self.output(F.relu(self.hidden(rows)))


torch.manual_seed(10)
line = torch.arange(4)
torch.save(line, "line.pt")
print(torch.load("line.pt"))
torch.save([line, torch.zeros(4)], "pair.pt")
first, second = torch.load("pair.pt")
print(first, second)
torch.save({"x": line, "step": 3, "name": "pair"}, "named.pt")
print(torch.load("named.pt"))

net = Net()
rows = torch.randn(2, 20)
before = net(rows)
torch.save(net.state_dict(), "mlp.params")
print(os.path.exists("mlp.params"))

clone = Net()
print(torch.equal(clone(rows), before))
report = clone.load_state_dict(torch.load("mlp.params"))
print(report)
clone.eval()
print(torch.equal(clone(rows), before))

foreign = Net()
print(foreign.load_state_dict(torch.load(io.BytesIO(checkpoint))))  # noqa: F821  (bytes of a file by PyTorch)
print(foreign.hidden.weight)
print(foreign(rows))
print(list(torch.load(io.BytesIO(checkpoint), weights_only=True)))  # noqa: F821
