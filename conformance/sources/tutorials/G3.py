"""Training and validating LeNet on pictures of bars, epoch by epoch."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.utils.data import DataLoader, TensorDataset


class LeNet(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, image):
        image = F.max_pool2d(F.relu(self.conv1(image)), 2)
        image = F.max_pool2d(F.relu(self.conv2(image)), 2)
        image = torch.flatten(image, 1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(image)))))


def pictures(count):
    """Noise with a bar: lying, standing, falling or rising."""
    labels = torch.randint(0, 4, (count,))
    images = torch.rand(count, 1, 32, 32) * 0.3
    for image, label in zip(images, labels, strict=True):
        place = int(torch.randint(4, 28, (1,)))
        if label == 0:
            image[0, place - 1 : place + 2] += 1
        elif label == 1:
            image[0, :, place - 1 : place + 2] += 1
        elif label == 2:
            image[0] += torch.eye(32)
        else:
            image[0] += torch.eye(32).flip(0)
    return TensorDataset(images, labels)


torch.manual_seed(73)
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
sets = {"train": pictures(160), "val": pictures(40)}
loaders = {phase: DataLoader(sets[phase], batch_size=20, shuffle=phase == "train") for phase in sets}
model = LeNet(4).to(device)
criterion = nn.CrossEntropyLoss()
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
history = []
for epoch in range(6):
    for phase in ("train", "val"):
        model.train() if phase == "train" else model.eval()
        running_loss, running_hits = 0.0, 0
        for data, label in loaders[phase]:
            data, label = data.to(device), label.to(device)
            optimizer.zero_grad()
            with torch.set_grad_enabled(phase == "train"):
                output = model(data)
                loss = criterion(output, label)
                preds = torch.argmax(output, 1)
                if phase == "train":
                    loss.backward()
                    optimizer.step()
            running_loss += loss.item() * data.size(0)
            running_hits += torch.sum(preds == label.data)
        epoch_loss = running_loss / len(sets[phase])
        accuracy = running_hits.double() / len(sets[phase])
        history.append((epoch, phase, epoch_loss, accuracy.item()))
        print(f"{epoch} {phase:5} loss {epoch_loss:.4f} accuracy {accuracy:.3f}")
print(history[-2][2] < 0.25 * history[0][2])
with torch.no_grad():
    print(model(sets["val"][0][0].unsqueeze(0)))
