"""LeNet learns made-up digits: strokes with noise, read by two worker processes."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.utils.data import DataLoader, Dataset

CLASSES = ["bar", "dash", "cross", "slash", "frame"]


class Strokes(Dataset):
    """28 x 28 drawings of five kinds, each drawn anew from its own index."""

    def __init__(self, size, seed):
        self.size, self.seed = size, seed

    def __len__(self):
        return self.size

    def __getitem__(self, index):
        rng = torch.Generator().manual_seed(self.seed * 100003 + index)
        label = int(torch.randint(len(CLASSES), (1,), generator=rng))
        image = torch.zeros(1, 28, 28)
        row, column = torch.randint(6, 22, (2,), generator=rng).tolist()
        kind = CLASSES[label]
        if kind in ("bar", "cross"):
            image[0, 4:24, column - 1 : column + 2] = 1
        if kind in ("dash", "cross"):
            image[0, row - 1 : row + 2, 4:24] = 1
        if kind == "slash":
            for step in range(20):
                image[0, 4 + step, 22 - step : 25 - step] = 1
        if kind == "frame":
            image[0, 4:24, 4:24] = 1
            image[0, 7:21, 7:21] = 0
        noise = torch.rand(image.shape, generator=rng)
        return (image * 0.8 + noise * 0.5 - 0.5) / 0.5, label


class LeNet(nn.Module):
    def __init__(self):
        super(LeNet, self).__init__()
        self.conv1 = nn.Conv2d(1, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, len(CLASSES))

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), (2, 2))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        x = F.relu(self.fc2(x))
        return F.log_softmax(self.fc3(x), dim=1)


def train(net, loader, optimizer, epoch):
    net.train()
    for batch, (images, labels) in enumerate(loader):
        optimizer.zero_grad(set_to_none=True)
        loss = F.nll_loss(net(images), labels)
        loss.backward()
        optimizer.step()
        if batch % 3 == 0:
            print("Train epoch: {} [{}/{}]\tLoss: {:.6f}".format(epoch, batch * len(images), len(loader.dataset), loss.item()))


def test(net, loader):
    net.eval()
    loss, right = 0, 0
    with torch.no_grad():
        for images, labels in loader:
            output = net(images)
            loss += F.nll_loss(output, labels, reduction="sum").item()
            right += output.argmax(dim=1, keepdim=True).eq(labels.view_as(output.argmax(dim=1, keepdim=True))).sum().item()
    size = len(loader.dataset)
    print(f"Test: average loss {loss / size:.4f}, accuracy {right}/{size} ({100.0 * right / size:.0f}%)")


torch.manual_seed(1)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
train_loader = DataLoader(Strokes(240, seed=1), batch_size=20, shuffle=True, num_workers=2)
test_loader = DataLoader(Strokes(80, seed=2), batch_size=40, num_workers=1)
net = LeNet().to(device)
print(net)
optimizer = Adam(net.parameters(), lr=2e-3)
scheduler = CosineAnnealingLR(optimizer, T_max=4)

for epoch in range(1, 3):
    train(net, train_loader, optimizer, epoch)
    test(net, test_loader)
    scheduler.step()
torch.save((net.state_dict(), optimizer.state_dict(), scheduler.state_dict()), "lenet.pth")

net = LeNet().to(device)
optimizer = Adam(net.parameters())
scheduler = CosineAnnealingLR(optimizer, T_max=4)
for part, state in zip((net, optimizer, scheduler), torch.load("lenet.pth", map_location=device)):
    part.load_state_dict(state)
print("resumed with", scheduler.get_last_lr())
for epoch in range(3, 5):
    train(net, train_loader, optimizer, epoch)
    test(net, test_loader)
    scheduler.step()

confusion = torch.zeros(5, 5, dtype=torch.long)
for images, labels in test_loader:
    for truth, guess in zip(labels, net(images).argmax(1)):
        confusion[truth, guess] += 1
print(confusion)
print({name: f"{n:.2f}" for name, n in zip(CLASSES, (confusion.diag() / confusion.sum(1)).tolist())})
print(net.conv1.weight[0])
