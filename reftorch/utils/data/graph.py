"""The graph of a datapipe: the datapipes it reads from, found among its attributes."""
import warnings

from .datapipes.datapipe import IterDataPipe, MapDataPipe

__all__ = ["traverse", "traverse_dps"]


def _sources(value, found):
    """Collect the datapipes in an attribute, through containers and the hubs of forks."""
    if isinstance(value, (IterDataPipe, MapDataPipe)):
        found.setdefault(id(value), value)
    elif isinstance(value, dict):
        for one in value.values():
            _sources(one, found)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            _sources(one, found)
    elif hasattr(value, "main_datapipe"):
        _sources(value.main_datapipe, found)


def traverse_dps(datapipe):
    """{id: (datapipe, graph of its sources)}."""
    found = {}
    for value in datapipe.__dict__.values():
        _sources(value, found)
    graph = {}
    for source in found.values():
        graph.update(traverse_dps(source))
    return {id(datapipe): (datapipe, graph)}


def traverse(datapipe, only_datapipe=None):
    """Deprecated: `traverse_dps`."""
    warnings.warn("`traverse` function and will be removed after 1.13. Please use `traverse_dps` instead.", FutureWarning, stacklevel=2)
    return traverse_dps(datapipe)
