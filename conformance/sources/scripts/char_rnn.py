"""A character model: stateful GRU over windows of a text, gradients clipped, then it writes by itself."""

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

torch.manual_seed(321)
LINES = [
    "the rain comes down on the roof of the barn",
    "and the wheel of the mill turns round again",
    "a light in the window, a boat by the shore",
    "and the wind that was here is the wind at the door",
]
text = "\n".join(line for turn in range(4) for line in (LINES[turn:] + LINES[:turn])) + "\n"
chars = sorted(set(text))
index = {c: i for i, c in enumerate(chars)}
print(f"{len(text)} characters, {len(chars)} different: {''.join(chars)!r}")


class Windows(Dataset):
    """Windows that follow each other in as many lanes as a batch is wide, so the state can be carried on."""

    def __init__(self, encoded, lanes, length):
        steps = (len(encoded) - 1) // lanes
        self.x = encoded[: lanes * steps].view(lanes, steps)
        self.y = encoded[1 : lanes * steps + 1].view(lanes, steps)
        self.length, self.lanes = length, lanes

    def __len__(self):
        return self.x.size(1) // self.length * self.lanes

    def __getitem__(self, item):
        window, lane = divmod(item, self.lanes)
        part = slice(window * self.length, (window + 1) * self.length)
        return self.x[lane, part], self.y[lane, part]


class CharRNN(nn.Module):
    def __init__(self, size, hidden=48):
        super().__init__()
        self.hidden = hidden
        self.embed = nn.Embedding(size, 16)
        self.rnn = nn.GRU(16, hidden, num_layers=2, batch_first=True)
        self.norm = nn.LayerNorm(hidden)
        self.decode = nn.Linear(hidden, size)

    def forward(self, x, state=None):
        out, state = self.rnn(self.embed(x), state)
        return self.decode(self.norm(out)), state

    def init_state(self, batch):
        return torch.zeros(self.rnn.num_layers, batch, self.hidden)


def write(model, start, length, temperature=0.7):
    model.eval()
    state, out = None, [index[c] for c in start]
    x = torch.tensor([out])
    with torch.inference_mode():
        for _ in range(length):
            logits, state = model(x, state)
            probabilities = torch.softmax(logits[0, -1] / temperature, dim=0)
            x = torch.multinomial(probabilities, 1).view(1, 1)
            out.append(x.item())
    return "".join(chars[i] for i in out)


encoded = torch.tensor([index[c] for c in text])
loader = DataLoader(Windows(encoded, lanes=8, length=20), batch_size=8, num_workers=2)
model = CharRNN(len(chars))
print(model)
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.RMSprop(model.parameters(), lr=0.004)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
first = 0


def fit(epochs):
    for epoch in epochs:
        model.train()
        state, total = model.init_state(8), 0.0
        for x, y in loader:
            state = state.detach()
            logits, state = model(x, state)
            loss = criterion(logits.transpose(1, 2), y)
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            total += loss.detach()
        scheduler.step()
        mean = total / len(loader)
        print(f"epoch {epoch} | loss {mean:.4f} | perplexity {torch.exp(mean):.3f} | norm {norm:.3f}")


fit(range(6))
torch.save(model, "char_rnn_whole.pt")
torch.save({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict(), "rng": torch.get_rng_state()}, "char_rnn_rest.pt")
print(repr(write(model, "the ", 40)))

model = torch.load("char_rnn_whole.pt", weights_only=False)
rest = torch.load("char_rnn_rest.pt")
torch.set_rng_state(rest["rng"])
print(repr(write(model, "the ", 40)))
optimizer = torch.optim.RMSprop(model.parameters())
optimizer.load_state_dict(rest["optimizer"])
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
scheduler.load_state_dict(rest["scheduler"])
fit(range(6, 12))
print(repr(write(model, "and ", 60, temperature=0.3)))
print(model.rnn.weight_ih_l0.shape, model.rnn.bias_hh_l1[:6])
