"""Walking over parameters, and one sample where a batch is expected."""

import torch
from torch import nn

torch.manual_seed(112)
net = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(6 * 14 * 14, 10))
for name, param in net.named_parameters():
    print(name, param.size(), param.requires_grad)
params = list(net.parameters())
print(len(list(net.parameters())))
print(params[0].size(), params[0].numel(), sum(param.numel() for param in params))

single = torch.randn(1, 32, 32)
batch = single.unsqueeze(0)
print(single.size(), batch.size())
answer = net(batch)
print(answer.size())
print(answer)
print([name for name, _ in net.named_children()], [type(child).__name__ for child in net.children()])
print(sum(1 for _ in net.modules()), dict(net.named_buffers()))
