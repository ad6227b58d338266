"""Three spirals told apart by a multilayer perceptron; training stops half way and goes on from the checkpoint."""

import math

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset, random_split

torch.manual_seed(2024)


def spirals(arms=3, points=120):
    turn = torch.linspace(0.2, 1.0, points)
    rows, labels = [], []
    for arm in range(arms):
        angle = turn * 2 * math.pi + arm * 2 * math.pi / arms + 0.1 * torch.randn(points)
        rows.append(torch.stack([turn * angle.cos(), turn * angle.sin()], dim=1))
        labels.append(torch.full((points,), arm))
    return TensorDataset(torch.cat(rows), torch.cat(labels))


class MLP(nn.Module):
    def __init__(self, hidden=32, classes=3):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(2, hidden),
            nn.Tanh(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, classes),
        )

    def forward(self, x):
        return self.layers(x)


def train_epoch(model, loader, criterion, optimizer):
    model.train()
    total = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(targets)
    return total / len(loader.dataset)


@torch.no_grad()
def accuracy(model, loader):
    model.eval()
    hits = sum((model(inputs).argmax(dim=1) == targets).sum().item() for inputs, targets in loader)
    return hits / len(loader.dataset)


train_set, test_set = random_split(spirals(), [300, 60], generator=torch.Generator().manual_seed(7))
train_loader = DataLoader(train_set, batch_size=25, shuffle=True)
test_loader = DataLoader(test_set, batch_size=60)

model = MLP()
print(model)
print("parameters:", sum(p.numel() for p in model.parameters()))
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
print("untrained:", accuracy(model, test_loader))

for epoch in range(1, 11):
    loss = train_epoch(model, train_loader, criterion, optimizer)
    print(f"epoch {epoch:2d}  loss {loss:.6f}  accuracy {accuracy(model, test_loader):.4f}  lr {scheduler.get_last_lr()[0]:g}")
    scheduler.step()

torch.save(
    {"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()},
    "mlp.pt",
)

# another program would begin here
resumed = MLP()
optimizer = optim.SGD(resumed.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=5, gamma=0.5)
checkpoint = torch.load("mlp.pt")
print(resumed.load_state_dict(checkpoint["model"]))
optimizer.load_state_dict(checkpoint["optimizer"])
scheduler.load_state_dict(checkpoint["scheduler"])
print("same answers:", torch.equal(model(test_set[0][0]), resumed(test_set[0][0])))

for epoch in range(checkpoint["epoch"] + 1, checkpoint["epoch"] + 11):
    loss = train_epoch(resumed, train_loader, criterion, optimizer)
    print(f"epoch {epoch:2d}  loss {loss:.6f}  accuracy {accuracy(resumed, test_loader):.4f}  lr {scheduler.get_last_lr()[0]:g}")
    scheduler.step()

with torch.no_grad():
    probabilities = resumed(test_set[:5][0]).softmax(dim=1)
print(probabilities)
print(probabilities.max(dim=1))
print(resumed.layers[4].bias)
print(optimizer)
