"""A narrow AlexNet on coloured patches: dropout, a plateau scheduler, the best weights kept."""

import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Patches(Dataset):
    """3 x 67 x 67 noise with a bright square whose colour is the label."""

    def __init__(self, count, seed):
        generator = torch.Generator().manual_seed(seed)
        self.images = torch.randn(count, 3, 67, 67, generator=generator) * 0.2
        self.labels = torch.randint(0, 4, (count,), generator=generator)
        for image, label in zip(self.images, self.labels.tolist()):
            top, left = torch.randint(0, 40, (2,), generator=generator).tolist()
            if label < 3:
                image[label, top : top + 24, left : left + 24] += 1.5
            else:
                image[:, top : top + 24, left : left + 24] += 1.0

    def __getitem__(self, index):
        return self.images[index], self.labels[index]

    def __len__(self):
        return len(self.labels)


class AlexNet(nn.Module):
    def __init__(self, num_classes=4, width=8):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, width, kernel_size=11, stride=4),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(width, 2 * width, kernel_size=5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
            nn.Conv2d(2 * width, 3 * width, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(3 * width, 3 * width, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(3 * width, 2 * width, kernel_size=3, padding=1),
            nn.ReLU(inplace=True),
        )
        self.avgpool = nn.AdaptiveAvgPool2d((2, 2))
        self.classifier = nn.Sequential(
            nn.Dropout(p=0.5),
            nn.Linear(2 * width * 4, 64),
            nn.ReLU(inplace=True),
            nn.Dropout(p=0.5),
            nn.Linear(64, num_classes),
        )
        self.apply(self.initialise)

    @staticmethod
    def initialise(module):
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight, a=1.0)
            nn.init.zeros_(module.bias)

    def forward(self, x):
        x = self.avgpool(self.features(x))
        return self.classifier(x.view(x.size(0), -1))


torch.manual_seed(99)
loaders = {
    "train": DataLoader(Patches(112, seed=5), batch_size=16, shuffle=True, drop_last=True),
    "valid": DataLoader(Patches(32, seed=6), batch_size=16),
}
model = AlexNet()
print(model)
for name, parameter in model.named_parameters():
    print(f"{name:25s} {str(tuple(parameter.shape)):18s} std {parameter.std():.4f}")
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=0)


def run_epoch(phase):
    model.train(phase == "train")
    running_loss, running_hits, seen = 0.0, 0, 0
    for images, labels in loaders[phase]:
        with torch.set_grad_enabled(phase == "train"):
            outputs = model(images)
            loss = loss_fn(outputs, labels)
        if phase == "train":
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()
        _, predictions = torch.max(outputs, 1)
        running_loss += loss.item() * images.size(0)
        running_hits += torch.sum(predictions == labels.data)
        seen += images.size(0)
    return running_loss / seen, running_hits.double() / seen


best, best_weights = float("inf"), None
for epoch in range(6):
    print(f"Epoch {epoch}/5, lr {optimizer.param_groups[0]['lr']:.4f}")
    for phase in ("train", "valid"):
        epoch_loss, epoch_acc = run_epoch(phase)
        print(f"{phase} loss: {epoch_loss:.4f} acc: {epoch_acc:.4f}")
    scheduler.step(epoch_loss)
    if epoch_loss < best:
        best, best_weights = epoch_loss, copy.deepcopy(model.state_dict())
        torch.save(best_weights, "alexnet_best.pt")
    if epoch == 2:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, "alexnet_last.pt")
        state = torch.load("alexnet_last.pt", weights_only=True)
        model = AlexNet()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9, nesterov=True)
        scheduler.optimizer = optimizer
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])

model.load_state_dict(torch.load("alexnet_best.pt"))
print(f"best validation loss: {best:.4f}, again: {run_epoch('valid')[0]:.4f}")
images, labels = next(iter(loaders["valid"]))
model.eval()
top = model(images[:4]).topk(2)
print(top.values)
print(top.indices, labels[:4])
