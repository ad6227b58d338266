"""Different learning rates for different parts of a net."""

import torch
from torch import nn, optim


class TwoParts(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.classifier = nn.Sequential(nn.Linear(18, 8), nn.ReLU(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 3))

    def forward(self, image):
        return self.classifier(self.features(image).flatten(1))


torch.manual_seed(62)
net = TwoParts()
by_part = optim.SGD([{"params": net.features.parameters()}, {"params": net.classifier.parameters(), "lr": 1e-2}], lr=1e-5)
print(by_part)
print([len(group["params"]) for group in by_part.param_groups])

special = nn.ModuleList([net.classifier[0], net.classifier[4]])
special_ids = list(map(id, special.parameters()))
others = filter(lambda param: id(param) not in special_ids, net.parameters())
by_layer = optim.SGD([{"params": others}, {"params": special.parameters(), "lr": 0.01}], lr=0.001, momentum=0.9)
print(by_layer)
print([[tuple(param.shape) for param in group["params"]] for group in by_layer.param_groups])

before = {name: param.detach().clone() for name, param in net.named_parameters()}
loss = net(torch.rand(4, 1, 8, 8)).square().sum()
print(loss)
loss.backward()
by_layer.step()
for name, param in net.named_parameters():
    print(name, (param - before[name]).abs().max())
