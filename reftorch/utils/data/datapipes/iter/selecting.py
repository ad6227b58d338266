"""Datapipes that leave items out."""
from .._decorator import functional_datapipe
from ..datapipe import IterDataPipe
from ..utils.common import check_input_columns, pick, warn_if_unpicklable


@functional_datapipe("filter")
class FilterIterDataPipe(IterDataPipe):
    """The items for which `filter_fn` (of their parts `input_col`) is true."""

    def __init__(self, datapipe, filter_fn, input_col=None):
        warn_if_unpicklable(filter_fn)
        self.datapipe, self.filter_fn, self.input_col = datapipe, filter_fn, input_col
        check_input_columns(filter_fn, input_col)

    def __iter__(self):
        for data in self.datapipe:
            keep = self.filter_fn(*([data] if self.input_col is None else pick(data, self.input_col)))
            if not isinstance(keep, bool):
                raise ValueError("Boolean output is required for `filter_fn` of FilterIterDataPipe, got", type(keep))
            if keep:
                yield data
