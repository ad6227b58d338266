"""torch.utils.data: datasets, samplers and the loader that puts them together."""
from ..._lazy import lazy as _lazy
from ._utils.collate import default_collate, default_convert
from ._utils.worker import get_worker_info
from .dataloader import DataLoader, _DatasetKind
from .dataset import ChainDataset, ConcatDataset, Dataset, IterableDataset, StackDataset, Subset, TensorDataset, random_split
from .distributed import DistributedSampler
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler, WeightedRandomSampler

_PIPES = {"IterDataPipe": ".datapipes.datapipe", "MapDataPipe": ".datapipes.datapipe", "DataChunk": ".datapipes.datapipe",
          "functional_datapipe": ".datapipes._decorator", "non_deterministic": ".datapipes._decorator",
          "guaranteed_datapipes_determinism": ".datapipes._decorator"}

__all__ = [
    "BatchSampler", "ChainDataset", "ConcatDataset", "DataLoader", "Dataset", "DistributedSampler", "IterableDataset", "RandomSampler", "Sampler",
    "SequentialSampler", "StackDataset", "Subset", "SubsetRandomSampler", "TensorDataset", "WeightedRandomSampler", "_DatasetKind",
    "default_collate", "default_convert", "get_worker_info", "random_split", *_PIPES,
]  # fmt: skip

__getattr__, __dir__ = _lazy(__name__, ("datapipes", "graph", "graph_settings"), _PIPES)
