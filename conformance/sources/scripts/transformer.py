"""Which of two letters is more frequent? A transformer encoder in training mode, with dropout, fed by two shuffling workers."""

import math

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR
from torch.utils.data import DataLoader, Dataset

LONGEST, WORDS = 12, 10


class Counting(Dataset):
    """Rows of tokens 1..9, padded with 0; the label says whether 1, 2 or neither occurs more often."""

    def __init__(self, n: int, seed: int):
        generator = torch.Generator().manual_seed(seed)
        self.tokens = torch.randint(1, WORDS, (n, LONGEST), generator=generator)
        self.lengths = torch.randint(5, LONGEST + 1, (n,), generator=generator)
        self.tokens[torch.arange(LONGEST) >= self.lengths[:, None]] = 0
        ones, twos = ((self.tokens == token).sum(1) for token in (1, 2))
        self.labels = torch.where(ones > twos, 1, torch.where(twos > ones, 2, 0))

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, i: int) -> dict:
        keep = torch.rand(LONGEST) > 0.02  # now and then a token is lost: drawn in the worker
        return {"tokens": self.tokens[i] * keep, "label": self.labels[i], "length": int(self.lengths[i])}


class PositionalEncoding(nn.Module):
    def __init__(self, d_model: int, dropout: float = 0.1, max_len: int = 64):
        super().__init__()
        self.dropout = nn.Dropout(p=dropout)
        position = torch.arange(max_len).unsqueeze(1)
        div_term = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10000.0) / d_model))
        pe = torch.zeros(1, max_len, d_model)
        pe[0, :, 0::2] = torch.sin(position * div_term)
        pe[0, :, 1::2] = torch.cos(position * div_term)
        self.register_buffer("pe", pe)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(x + self.pe[:, : x.size(1)])


class Classifier(nn.Module):
    def __init__(self, d_model: int = 32, heads: int = 4, layers: int = 2):
        super().__init__()
        self.scale = math.sqrt(d_model)
        self.embed = nn.Embedding(WORDS, d_model, padding_idx=0)
        self.position = PositionalEncoding(d_model)
        layer = nn.TransformerEncoderLayer(d_model, heads, dim_feedforward=64, dropout=0.1, activation="gelu", batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=layers, enable_nested_tensor=False)
        self.head = nn.Sequential(nn.LayerNorm(d_model), nn.Linear(d_model, 3))

    def forward(self, tokens: Tensor) -> Tensor:
        padding = tokens == 0
        x = self.encoder(self.position(self.embed(tokens) * self.scale), src_key_padding_mask=padding)
        x = x.masked_fill(padding.unsqueeze(-1), 0.0)
        return self.head(x.sum(1) / (~padding).sum(1, keepdim=True))


def build():
    model = Classifier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, betas=(0.9, 0.98), weight_decay=0.01)
    warm = LinearLR(optimizer, start_factor=0.1, total_iters=8)
    cool = CosineAnnealingLR(optimizer, T_max=40)
    return model, optimizer, SequentialLR(optimizer, [warm, cool], milestones=[8])


def train(model, optimizer, scheduler, loader, criterion, epochs):
    history = []
    for epoch in epochs:
        model.train()
        for step, batch in enumerate(loader):
            loss = criterion(model(batch["tokens"]), batch["label"])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
            history.append(loss.item())
            if step % 4 == 0:
                print(f"epoch {epoch} step {step} lengths {batch['length'][:4].tolist()} loss {loss.item():.4f}")
        print(f"epoch {epoch} mean {sum(history[-len(loader):]) / len(loader):.5f} lr {scheduler.get_last_lr()[0]:.6f}")
    return history


def evaluate(model, loader):
    model.eval()
    scores = torch.cat([model(batch["tokens"]).detach() for batch in loader])
    labels = torch.cat([batch["label"] for batch in loader])
    print(f"accuracy {(scores.argmax(1) == labels).double().mean():.4f}, loss {nn.functional.cross_entropy(scores, labels):.5f}")
    return scores


def main():
    torch.manual_seed(5)
    train_loader = DataLoader(Counting(160, seed=1), batch_size=16, shuffle=True, num_workers=2)
    test_loader = DataLoader(Counting(60, seed=2), batch_size=30, num_workers=2, persistent_workers=True)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    model, optimizer, scheduler = build()
    print(model)
    history = train(model, optimizer, scheduler, train_loader, criterion, range(2))
    evaluate(model, test_loader)
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, "transformer.pt")

    model, optimizer, scheduler = build()
    state = torch.load("transformer.pt")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])
    history += train(model, optimizer, scheduler, train_loader, criterion, range(2, 5))
    scores = evaluate(model, test_loader)
    print(scores[:4])
    print(model.encoder.layers[0].self_attn.in_proj_bias[:8])
    return model, history


if __name__ == "__main__":
    model, history = main()
