"""A tagger for parts of speech: words to vectors, a memory over the sentence, a score for each tag."""

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

torch.manual_seed(45)
corpus = [
    ("a cat sees the small bird".split(), ["DET", "NOUN", "VERB", "DET", "ADJ", "NOUN"]),
    ("the bird sings".split(), ["DET", "NOUN", "VERB"]),
    ("small cats run".split(), ["ADJ", "NOUN", "VERB"]),
]
word_ids = {}
for words, _ in corpus:
    for word in words:
        word_ids.setdefault(word, len(word_ids))
tag_ids = {"DET": 0, "NOUN": 1, "VERB": 2, "ADJ": 3}
print(word_ids)


def encode(items, ids):
    return torch.tensor([ids[item] for item in items], dtype=torch.long)


class Tagger(nn.Module):
    def __init__(self, embedding_size, hidden_size, vocabulary, tags):
        super().__init__()
        self.embeddings = nn.Embedding(vocabulary, embedding_size)
        self.memory = nn.LSTM(embedding_size, hidden_size)
        self.to_tags = nn.Linear(hidden_size, tags)

    def forward(self, sentence):
        vectors = self.embeddings(sentence)
        states, _ = self.memory(vectors.view(len(sentence), 1, -1))
        return F.log_softmax(self.to_tags(states.view(len(sentence), -1)), dim=1)


tagger = Tagger(6, 6, len(word_ids), len(tag_ids))
print(tagger)
criterion = nn.NLLLoss()
optimizer = optim.SGD(tagger.parameters(), lr=0.1)
with torch.no_grad():
    print(tagger(encode(corpus[0][0], word_ids)))
for epoch in range(60):
    total = 0.0
    for words, tags in corpus:
        tagger.zero_grad()
        loss = criterion(tagger(encode(words, word_ids)), encode(tags, tag_ids))
        loss.backward()
        optimizer.step()
        total += loss.item()
    if epoch % 15 == 0:
        print(f"epoch {epoch}: loss {total / len(corpus):.4f}")
with torch.no_grad():
    scores = tagger(encode(corpus[0][0], word_ids))
    print(scores)
    print(scores.argmax(dim=1))
