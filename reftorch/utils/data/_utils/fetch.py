"""Getting the samples of a batch and putting them together."""
import itertools


class _BaseDatasetFetcher:
    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        self.dataset, self.auto_collation, self.collate_fn, self.drop_last = dataset, auto_collation, collate_fn, drop_last


class _IterableDatasetFetcher(_BaseDatasetFetcher):
    """Takes as many samples from the iterator as there are indices; StopIteration at its end."""

    def __init__(self, dataset, auto_collation, collate_fn, drop_last):
        super().__init__(dataset, auto_collation, collate_fn, drop_last)
        self.dataset_iter, self.ended = iter(dataset), False

    def fetch(self, possibly_batched_index):
        """The next batch, or the next sample when there is no batching."""
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.dataset_iter))
        want = len(possibly_batched_index)
        data = list(itertools.islice(self.dataset_iter, want))
        self.ended = len(data) < want
        if not data or (self.drop_last and self.ended):
            raise StopIteration
        return self.collate_fn(data)


class _MapDatasetFetcher(_BaseDatasetFetcher):
    """Asks the dataset for the samples at the indices."""

    def fetch(self, possibly_batched_index):
        """The batch of those indices, or the sample of that index when there is no batching."""
        index = possibly_batched_index
        if not self.auto_collation:
            return self.collate_fn(self.dataset[index])
        together = getattr(self.dataset, "__getitems__", None)
        data = together(index) if callable(together) else [self.dataset[i] for i in index]
        return self.collate_fn(data)
