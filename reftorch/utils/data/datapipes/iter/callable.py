"""Datapipes that apply a function to each item."""
from ..._utils.collate import default_collate
from .._decorator import functional_datapipe
from ..datapipe import IterDataPipe
from ..utils.common import check_input_columns, pick, warn_if_unpicklable


@functional_datapipe("map")
class MapperIterDataPipe(IterDataPipe):
    """fn(item); with `input_col`, fn of those parts of the item, its result put at `output_col` (-1 appends)."""

    def __init__(self, datapipe, fn, input_col=None, output_col=None):
        warn_if_unpicklable(fn)
        self.datapipe, self.fn, self.input_col = datapipe, fn, input_col
        listed = isinstance(output_col, (list, tuple))
        if output_col is not None and input_col is None:
            raise ValueError("`output_col` must be None when `input_col` is None.")
        if listed and len(output_col) > 1:
            raise ValueError("`output_col` must be a single-element list or tuple")
        self.output_col = output_col[0] if listed else output_col
        check_input_columns(fn, input_col)

    def _apply_fn(self, data):
        if self.input_col is None:
            return self.fn(data)
        result = self.fn(*pick(data, self.input_col))
        columns = list(self.input_col) if isinstance(self.input_col, (list, tuple)) else [self.input_col]
        target, was_tuple = (list(data), True) if isinstance(data, tuple) else (data.copy(), False)
        if self.output_col is None:          # the first of the columns takes the result, the others go
            target[columns[0]] = result
            for column in sorted(columns[1:], reverse=True):
                del target[column]
        elif self.output_col == -1 and isinstance(target, list):
            target.append(result)
        else:
            target[self.output_col] = result
        return tuple(target) if was_tuple else target

    def __iter__(self):
        for data in self.datapipe:
            yield self._apply_fn(data)

    def __len__(self):
        if not hasattr(type(self.datapipe), "__len__"):
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        return len(self.datapipe)


@functional_datapipe("collate")
class CollatorIterDataPipe(MapperIterDataPipe):
    """Batches as tensors: `collate_fn(batch)`, or `default_collate`."""

    def __init__(self, datapipe, conversion=default_collate, collate_fn=None):
        super().__init__(datapipe, fn=collate_fn or conversion)
