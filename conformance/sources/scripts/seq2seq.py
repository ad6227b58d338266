"""Numbers read aloud backwards: GRU encoder and decoder with additive attention and teacher forcing."""

import random

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

PAD, BOS, EOS = 0, 1, 2
SYMBOLS = ["_", "<", ">", *"abcde"]
MAX_LENGTH = 5


class Reversals(Dataset):
    def __init__(self, size, seed):
        rng = random.Random(seed)
        self.rows = [[rng.randrange(3, len(SYMBOLS)) for _ in range(rng.randint(2, MAX_LENGTH))] for _ in range(size)]

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, i):
        source = torch.full((MAX_LENGTH,), PAD, dtype=torch.int64)
        target = torch.full((MAX_LENGTH + 1,), PAD, dtype=torch.int64)
        row = self.rows[i]
        source[: len(row)] = torch.tensor(row)
        target[: len(row) + 1] = torch.tensor([*row[::-1], EOS])
        return source, target


class Encoder(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, hidden)
        self.gru = nn.GRU(hidden, hidden, batch_first=True)
        self.dropout = nn.Dropout(0.1)

    def forward(self, source):
        return self.gru(self.dropout(self.embedding(source)))


class Attention(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.query = nn.Linear(hidden, hidden)
        self.key = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, 1)

    def forward(self, query, keys, mask):
        scores = self.score(torch.tanh(self.query(query) + self.key(keys))).squeeze(2).unsqueeze(1)
        weights = F.softmax(scores.masked_fill(mask.unsqueeze(1), float("-inf")), dim=-1)
        return torch.bmm(weights, keys), weights


class Decoder(nn.Module):
    def __init__(self, vocab, hidden):
        super().__init__()
        self.embedding = nn.Embedding(vocab, hidden)
        self.attention = Attention(hidden)
        self.gru = nn.GRUCell(2 * hidden, hidden)
        self.out = nn.Linear(hidden, vocab)
        self.dropout = nn.Dropout(0.1)

    def forward(self, keys, state, mask, target=None):
        token = torch.full((keys.size(0),), BOS, dtype=torch.long)
        outputs, maps = [], []
        for step in range(MAX_LENGTH + 1):
            context, weights = self.attention(state.unsqueeze(1), keys, mask)
            inputs = torch.cat((self.dropout(self.embedding(token)), context.squeeze(1)), dim=1)
            state = self.gru(inputs, state)
            outputs.append(self.out(state))
            maps.append(weights)
            token = target[:, step] if target is not None else outputs[-1].argmax(1)
        return F.log_softmax(torch.stack(outputs, 1), dim=-1), torch.cat(maps, 1)


def forward(source, target=None):
    keys, state = encoder(source)
    return decoder(keys, state.squeeze(0), source == PAD, target)


def train(epochs):
    encoder.train(), decoder.train()
    for epoch in epochs:
        total = 0
        for source, target in train_loader:
            forced = target if random.random() < 0.7 else None
            output, _ = forward(source, forced)
            loss = criterion(output.reshape(-1, output.size(-1)), target.reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            total += loss.item()
        print("(%d) %.4f  lr %.6f" % (epoch, total / len(train_loader), scheduler.get_last_lr()[0]))


random.seed(3)
torch.manual_seed(3)
train_loader = DataLoader(Reversals(160, seed=11), batch_size=20, shuffle=True, generator=torch.Generator().manual_seed(17))
test_loader = DataLoader(Reversals(16, seed=12), batch_size=16)
encoder, decoder = Encoder(len(SYMBOLS), 32), Decoder(len(SYMBOLS), 32)
print(encoder, decoder, sep="\n")
both = nn.ModuleList([encoder, decoder])
criterion = nn.NLLLoss(ignore_index=PAD)
optimizer = torch.optim.Adam(both.parameters(), lr=0.001)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.03, epochs=10, steps_per_epoch=len(train_loader))
train(range(1, 6))

torch.save({"both": both.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, "seq2seq.ckpt")
encoder, decoder = Encoder(len(SYMBOLS), 32), Decoder(len(SYMBOLS), 32)
both = nn.ModuleList([encoder, decoder])
optimizer = torch.optim.Adam(both.parameters(), lr=0.001)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.03, epochs=10, steps_per_epoch=len(train_loader))
checkpoint = torch.load("seq2seq.ckpt")
print(sorted(checkpoint), len(checkpoint["both"]))
both.load_state_dict(checkpoint["both"])
optimizer.load_state_dict(checkpoint["optimizer"])
scheduler.load_state_dict(checkpoint["scheduler"])
train(range(6, 11))

both.eval()
with torch.no_grad():
    for source, target in test_loader:
        output, weights = forward(source)
        loss = criterion(output.view(-1, len(SYMBOLS)), target.view(-1))
        guess = output.argmax(-1)
        right = ((guess == target) | (target == PAD)).all(dim=1)
print(f"test loss {loss:.4f}, whole words right {right.float().mean():.3f}")
for i in range(3):
    print("".join(SYMBOLS[t] for t in source[i]), "->", "".join(SYMBOLS[t] for t in guess[i]))
print(weights[0, :3])
