"""Settings for all datapipes of a graph: shuffling, seeds, shares of workers."""
import inspect

from .datapipes.iter.sharding import SHARDING_PRIORITIES
from .graph import traverse_dps
from .sampler import draw_seed

__all__ = ["apply_random_seed", "apply_sharding", "apply_shuffle_seed", "apply_shuffle_settings", "get_all_graph_pipes"]


def get_all_graph_pipes(graph):
    """The datapipes of a graph, each once."""
    found = {}

    def collect(level):
        for number, (pipe, sources) in level.items():
            if number not in found:
                found[number] = pipe
                collect(sources)
    collect(graph)
    return list(found.values())


def _has(pipe, *names):
    return all(inspect.ismethod(getattr(pipe, name, None)) for name in names)


def apply_sharding(datapipe, num_of_instances, instance_id, sharding_group=SHARDING_PRIORITIES.DEFAULT):
    """Give each sharding filter of the graph its share; RuntimeError when two lie on one path."""
    def walk(graph, above):
        for pipe, sources in graph.values():
            here = _has(pipe, "apply_sharding")
            if here and above is not None:
                raise RuntimeError("Sharding twice on a single pipeline is likely unintended and will cause data loss. "
                                   f"Sharding already applied to {above} while trying to apply to {pipe}")
            if here:
                pipe.apply_sharding(num_of_instances, instance_id, sharding_group=sharding_group)
            walk(sources, pipe if here else above)
    walk(traverse_dps(datapipe), None)
    return datapipe


def apply_shuffle_settings(datapipe, shuffle=None):
    """Switch all shufflers of the graph; one is added at its end when there is none to switch on."""
    if shuffle is None:
        return datapipe
    shufflers = [pipe for pipe in get_all_graph_pipes(traverse_dps(datapipe)) if _has(pipe, "set_shuffle", "set_seed")]
    if not shufflers and shuffle:
        import warnings
        warnings.warn("`shuffle=True` was set, but the datapipe does not contain a `Shuffler`. Adding one at the end. Be aware that the default buffer "
                      "size might not be sufficient for your task.", stacklevel=2)
        datapipe = datapipe.shuffle()
        shufflers = [datapipe]
    for pipe in shufflers:
        pipe.set_shuffle(shuffle)
    return datapipe


def apply_shuffle_seed(datapipe, rng):
    """Deprecated: `apply_random_seed`."""
    return apply_random_seed(datapipe, rng)


def apply_random_seed(datapipe, rng):
    """Give each random datapipe of the graph a seed drawn from `rng`."""
    for pipe in get_all_graph_pipes(traverse_dps(datapipe)):
        if _has(pipe, "set_seed"):
            pipe.set_seed(draw_seed(rng))
    return datapipe
