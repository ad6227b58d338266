"""A variational autoencoder of small pictures: reparameterised draws, a loss of two parts, pictures made from noise."""

import torch
import torch.utils.data
from torch import nn, optim
from torch.nn import functional as F


def blobs(count, seed):
    """12 x 12 pictures of one soft blob each."""
    generator = torch.Generator().manual_seed(seed)
    centre = torch.rand(count, 2, 1, 1, generator=generator) * 8 + 2
    width = torch.rand(count, 1, 1, generator=generator) * 2 + 1
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(12.0), indexing="ij")
    return torch.exp(-((y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2) / (2 * width**2)).unsqueeze(1)


class VAE(nn.Module):
    def __init__(self, latent=4):
        super().__init__()
        self.encode_body = nn.Sequential(nn.Flatten(), nn.Linear(144, 64, bias=False), nn.BatchNorm1d(64), nn.LeakyReLU(0.1))
        self.mu = nn.Linear(64, latent)
        self.log_var = nn.Linear(64, latent)
        self.decode_body = nn.Sequential(
            nn.Linear(latent, 8 * 3 * 3),
            nn.Unflatten(1, (8, 3, 3)),
            nn.ConvTranspose2d(8, 4, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(4, 1, kernel_size=4, stride=2, padding=1),
        )

    def encode(self, x):
        h = self.encode_body(x)
        return self.mu(h), self.log_var(h)

    def reparameterize(self, mu, log_var):
        std = torch.exp(0.5 * log_var)
        eps = torch.randn_like(std)
        return mu + eps * std

    def decode(self, z):
        return torch.sigmoid(self.decode_body(z))

    def forward(self, x):
        mu, log_var = self.encode(x)
        return self.decode(self.reparameterize(mu, log_var)), mu, log_var


def loss_function(recon, x, mu, log_var):
    bce = F.binary_cross_entropy(recon, x, reduction="sum")
    kld = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
    return bce, kld


torch.manual_seed(77)
dataset = torch.utils.data.TensorDataset(blobs(256, seed=1))
train_loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True, num_workers=2, worker_init_fn=lambda worker: None)
test_images = blobs(32, seed=2)
model = VAE()
print(model)
optimizer = optim.Adam(model.parameters(), lr=5e-3)
scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[4, 8], gamma=0.5)


def train(epoch):
    model.train()
    sums = torch.zeros(2)
    for (batch,) in train_loader:
        optimizer.zero_grad()
        recon, mu, log_var = model(batch)
        bce, kld = loss_function(recon, batch, mu, log_var)
        (bce + kld).backward()
        optimizer.step()
        sums += torch.stack([bce, kld]).detach()
    scheduler.step()
    bce, kld = (sums / len(train_loader.dataset)).tolist()
    print(f"====> Epoch: {epoch} reconstruction {bce:.4f} divergence {kld:.4f} sum {bce + kld:.4f}")


def test():
    model.eval()
    with torch.no_grad():
        recon, mu, log_var = model(test_images)
        loss = sum(loss_function(recon, test_images, mu, log_var)) / len(test_images)
    print(f"====> Test: {loss.item():.4f}")
    return mu


for epoch in range(1, 6):
    train(epoch)
mu = test()
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, "vae.pt")
model = VAE()
optimizer = optim.Adam(model.parameters())
scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[4, 8], gamma=0.5)
loaded = torch.load("vae.pt")
model.load_state_dict(loaded["model"])
optimizer.load_state_dict(loaded["optimizer"])
scheduler.load_state_dict(loaded["scheduler"])
for epoch in range(6, 11):
    train(epoch)
mu = test()
print(mu.mean(0), mu.std(0))

with torch.no_grad():
    pictures = model.decode(torch.randn(2, 4))
for picture in pictures[:, 0]:
    for row in picture[::2]:
        print("".join(" .:-=+*#%@"[int(v * 9.99)] for v in row))
print(model.encode_body[2].running_mean[:6], model.encode_body[2].num_batches_tracked)
print(F.mse_loss(model(test_images)[0], test_images))
