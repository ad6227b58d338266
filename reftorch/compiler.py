"""torch.compile and torch.compiler: the code runs as it is."""
from functools import partial


def compile(model=None, *, fullgraph=False, dynamic=None, backend=None, mode=None, options=None, name=None, disable=False, recompile_limit=None,
            isolate_recompiles=False, shapes_spec=None):
    """The function or module itself; a decorator when called with options alone."""
    return partial(compile, fullgraph=fullgraph, dynamic=dynamic, backend=backend, mode=mode, options=options, disable=disable) if model is None else model


def disable(fn=None, recursive=True, *, reason=None):
    """The function itself; a decorator when called with options alone."""
    return disable if fn is None else fn


def allow_in_graph(fn):
    """The function itself."""
    return fn


def is_compiling():
    """Never."""
    return False


is_dynamo_compiling = is_exporting = is_compiling


def reset():
    """Nothing is kept."""


def cudagraph_mark_step_begin():
    """Nothing is recorded."""


def list_backends(exclude_tags=("debug", "experimental")):
    """None there."""
    return []
