"""A data set of one's own, and the batches a loader makes of it."""

import torch
from torch.utils.data import DataLoader, Dataset, RandomSampler, Subset, TensorDataset, random_split


class Numbers(Dataset):
    def __init__(self, count):
        self.features = torch.arange(count * 2, dtype=torch.float32).view(count, 2)
        self.labels = torch.arange(count) % 3

    def __getitem__(self, index):
        return self.features[index], self.labels[index]

    def __len__(self):
        return len(self.labels)


numbers = Numbers(10)
print(len(numbers), numbers[3])
for features, labels in DataLoader(numbers, batch_size=4):
    print(features, labels)

torch.manual_seed(71)
shuffled = DataLoader(dataset=numbers, batch_size=3, shuffle=True, drop_last=True)
orders = []
for epoch in range(2):
    orders.append([labels.tolist() for _, labels in shuffled])
    print(epoch, [features[:, 0].tolist() for features, _ in shuffled])
print(orders, len(shuffled))

own = torch.Generator().manual_seed(5)
seeded = DataLoader(numbers, batch_size=5, shuffle=True, generator=own)
print([features[:, 0].tolist() for features, _ in seeded])

workers = DataLoader(numbers, batch_size=4, num_workers=2)
print([labels.tolist() for _, labels in workers])
torch.manual_seed(72)
print([labels.tolist() for _, labels in DataLoader(numbers, batch_size=4, num_workers=2, shuffle=True)])

torch.manual_seed(73)
train, test = random_split(numbers, [7, 3])
print(train.indices, test.indices)
print(list(RandomSampler(range(5))), list(RandomSampler(range(3), replacement=True, num_samples=6)))
print(Subset(numbers, [1, 8])[1])
pairs = TensorDataset(torch.arange(4), torch.ones(4, 2))
print([[part.shape for part in batch] for batch in DataLoader(pairs, batch_size=3)])
records = [{"x": 1.5, "name": "a"}, {"x": 2.5, "name": "b"}]
print(next(iter(DataLoader(records, batch_size=2))))
print(list(DataLoader(range(5), batch_size=2, collate_fn=sum)))
