"""An embedding is a table; looking up is choosing rows."""

import torch
from torch import nn

table = nn.Embedding(4, 5)
try:
    table.weight.data = torch.arange(0, 20).view(4, 5)
except RuntimeError as refusal:
    print(refusal)
table.weight.data = torch.arange(0, 20).view(4, 5).float()
rows = torch.arange(3, 0, -1).long()
print(table, rows)
print(table(rows))

torch.manual_seed(44)
words = nn.Embedding(6, 3, padding_idx=0)
print(words.weight)
sentence = torch.tensor([[1, 2, 5, 0], [4, 3, 0, 0]])
vectors = words(sentence)
print(vectors)
vectors.sum().backward()
print(words.weight.grad)
capped = nn.Embedding.from_pretrained(torch.arange(12.0).view(4, 3), max_norm=2.0)
print(capped(torch.tensor([3, 1])), capped.weight)
bag = nn.EmbeddingBag(6, 3, mode="mean")
print(bag(torch.tensor([1, 2, 4, 5, 4]), torch.tensor([0, 3])))
