"""Asking for a graphics card, with none in the machine."""

import torch
from torch import nn

device = torch.device("cuda:1" if torch.cuda.is_available() else "cpu")
print(device, device.type, device.index, repr(device))
net = nn.Linear(3, 2).to(device)
batch = torch.ones(1, 3).to(device)
print(batch.device, net.weight.device, batch.is_cuda, next(net.parameters()).device == batch.device)
print(torch.ones(2, device=device), torch.zeros(2, device="cpu").device)
print(torch.cuda.is_available(), torch.cuda.device_count())
print(torch.device("cuda:1"), torch.device("cuda", 0).index, torch.device("cpu") == torch.device("cpu:0"))
for ask in (lambda: batch.cuda(), lambda: net.cuda(), lambda: batch.to("cuda"), lambda: torch.ones(2, device="cuda:0")):
    try:
        ask()
    except (AssertionError, RuntimeError) as refusal:
        print(type(refusal).__name__, str(refusal).splitlines()[0])
print(batch.cpu() is batch, net.cpu() is net, batch.to(torch.float64).dtype)
