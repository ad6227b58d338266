"""An LSTM that tags words: sentences of several lengths, padded and packed."""

import random

import torch
import torch.nn as nn
import torch.optim as optim
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

WORDS = {
    "DET": "the a every some".split(),
    "ADJ": "small green quiet heavy old".split(),
    "NOUN": "boat cat river stone garden song".split(),
    "VERB": "sees carries finds sings moves".split(),
    "ADV": "slowly often here".split(),
}
TAGS = ["<pad>", *WORDS]


def sentence(rng):
    def phrase():
        return ["DET", *(["ADJ"] * rng.randint(0, 2)), "NOUN"]

    tags = phrase() + ["VERB"] + (phrase() if rng.random() < 0.7 else []) + (["ADV"] if rng.random() < 0.4 else [])
    return [rng.choice(WORDS[tag]) for tag in tags], tags


def collate(batch):
    """Longest sentence first, as packing wants it."""
    batch = sorted(batch, key=lambda item: len(item[0]), reverse=True)
    lengths = torch.tensor([len(words) for words, _ in batch])
    words = pad_sequence([torch.tensor([vocabulary[w] for w in words]) for words, _ in batch], batch_first=True)
    tags = pad_sequence([torch.tensor([TAGS.index(t) for t in tags]) for _, tags in batch], batch_first=True)
    return words, tags, lengths


class Tagger(nn.Module):
    def __init__(self, vocabulary_size, tagset_size, embedding_dim=16, hidden_dim=24):
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary_size, embedding_dim, padding_idx=0)
        self.lstm = nn.LSTM(embedding_dim, hidden_dim, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2)
        self.hidden2tag = nn.Linear(2 * hidden_dim, tagset_size)

    def forward(self, words, lengths):
        packed = pack_padded_sequence(self.embeddings(words), lengths, batch_first=True)
        output, (h_n, c_n) = self.lstm(packed)
        output, _ = pad_packed_sequence(output, batch_first=True)
        return self.hidden2tag(output)


torch.manual_seed(10)
rng = random.Random(10)
corpus = [sentence(rng) for _ in range(90)]
vocabulary = {word: number for number, word in enumerate(sorted({w for words, _ in corpus for w in words}), start=1)}
print(len(corpus), "sentences,", len(vocabulary), "words; the first:", " ".join(corpus[0][0]))

train_data = DataLoader(corpus[:72], batch_size=12, shuffle=True, collate_fn=collate)
valid_data = DataLoader(corpus[72:], batch_size=9, collate_fn=collate)
model = Tagger(len(vocabulary) + 1, len(TAGS))
print(model)
loss_function = nn.CrossEntropyLoss(ignore_index=0)
optimizer = optim.AdamW(model.parameters(), lr=0.02, weight_decay=0.01)
scheduler = optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=lambda epoch: 0.8**epoch)


def evaluate():
    model.eval()
    total, right, count = 0.0, 0, 0
    with torch.no_grad():
        for words, tags, lengths in valid_data:
            scores = model(words, lengths)
            total += loss_function(scores.flatten(0, 1), tags.flatten()).item()
            mask = tags != 0
            right += (scores.argmax(-1) == tags)[mask].sum().item()
            count += mask.sum().item()
    return total / len(valid_data), right / count


def train(epochs):
    for epoch in epochs:
        model.train()
        losses = []
        for words, tags, lengths in train_data:
            model.zero_grad()
            scores = model(words, lengths)
            loss = loss_function(scores.view(-1, len(TAGS)), tags.view(-1))
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        scheduler.step()
        loss, accuracy = evaluate()
        print(f"epoch {epoch}: train {sum(losses) / len(losses):.5f}, valid {loss:.5f}, accuracy {accuracy:.2%}")


train(range(3))
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, "tagger.tar")
model = Tagger(len(vocabulary) + 1, len(TAGS))
print("before loading:", evaluate())
optimizer = optim.AdamW(model.parameters())
scheduler = optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=lambda epoch: 0.8**epoch)
saved = torch.load("tagger.tar")
for key, part in {"model": model, "optimizer": optimizer, "scheduler": scheduler}.items():
    part.load_state_dict(saved[key])
train(range(3, 6))

words, tags, lengths = next(iter(valid_data))
guess = model(words, lengths).argmax(-1)
names = {number: word for word, number in vocabulary.items()}
for row in range(2):
    pairs = [f"{names[w]}/{TAGS[t]}" for w, t in zip(words[row].tolist(), guess[row].tolist()) if w]
    print(" ".join(pairs))
print(model.embeddings.weight[:2])
print(dict(list(model.lstm.named_parameters())[:1]))
