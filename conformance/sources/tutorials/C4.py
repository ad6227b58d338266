"""AlexNet for grey images of 224 x 224 and ten classes."""

import torch
from torch import nn


class AlexNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 96, 11, 4),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(96, 256, 5, 1, 2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(256, 384, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(384, 384, 3, 1, 1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, 1, 1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(256 * 5 * 5, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(0.5),
            nn.Linear(4096, classes),
        )

    def forward(self, image):
        return self.classifier(self.features(image).view(image.shape[0], -1))


torch.manual_seed(34)
net = AlexNet()
print(net)
print(sum(param.numel() for param in net.parameters()))
image = torch.randn(1, 1, 224, 224)
shapes = []
activation = image
for layer in net.features:
    activation = layer(activation)
    shapes.append((type(layer).__name__, tuple(activation.shape)))
print(shapes)
scores = net(image)
print(scores)
net.eval()
with torch.no_grad():
    calm = net(image)
print(calm)
print(torch.equal(calm, net(image)))
net.train()
loss = nn.functional.cross_entropy(net(image), torch.tensor([3]))
print(loss)
loss.backward()
print(net.features[0].bias.grad[:8])
print(net.classifier[6].bias.grad)
