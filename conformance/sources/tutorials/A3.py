"""Operations that end in an underscore change their tensor; with them a step of gradient descent is one line."""

import torch
from torch import nn

box = torch.ones(2, 3)
shifted = box.add(1)
print(box.sum().item(), shifted.sum().item())
same = box.add_(1)
print(same is box, box)
box.mul_(2).sub_(1).div_(3)
print(box)
box.t_()
print(box.shape)
box.fill_(7).zero_()
print(box)

torch.manual_seed(3)
net = nn.Linear(4, 2)
inputs, wanted = torch.randn(5, 4), torch.randn(5, 2)
rate = 0.05
for step in range(4):
    loss = ((net(inputs) - wanted) ** 2).mean()
    net.zero_grad()
    loss.backward()
    for param in net.parameters():
        param.data.sub_(param.grad.data * rate)
    print(step, loss.item())
print(net.weight)
print(net.bias)
