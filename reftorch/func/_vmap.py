"""vmap: a function of single examples, applied to a batch.

The function runs once an example, on views of the batch, and its results are stacked: correct for any function, at the cost of a loop.
So Python control flow on the values of an example is possible here, which PyTorch refuses.
"""
from functools import partial, wraps

from ..core import T, Tensor
from ..random import default_generator
from ..utils._pytree import _broadcast_to_and_flatten, tree_flatten, tree_leaves, tree_unflatten


def _name(func):
    if hasattr(func, "__name__"):
        return func.__name__
    return f"functools.partial({_name(func.func)}, ...)" if isinstance(func, partial) else repr(func)


def _check_out_dims(out_dims, func):
    for d in [out_dims] if isinstance(out_dims, int) else tree_leaves(out_dims):
        if not (d is None or isinstance(d, int)):
            raise ValueError(f"vmap({_name(func)}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python collection of ints representing "
                             "where in the outputs the vmapped dimension should appear.")


def _read_inputs(in_dims, args, func):
    """(batch size, the dim of every leaf or None, leaves, structure)."""
    who = f"vmap({_name(func)}, in_dims={in_dims}, ...)(<inputs>): "
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(f"{who}expected `in_dims` to be int or a (potentially nested) tuple matching the structure of inputs, got: {type(in_dims)}.")
    if not args:
        raise ValueError(f"vmap({_name(func)})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you are trying to vmap over a function with "
                         "no inputs. The latter is unsupported.")
    leaves, spec = tree_flatten(args)
    dims = _broadcast_to_and_flatten(in_dims, spec)
    if dims is None:
        raise ValueError(f"{who}in_dims is not compatible with the structure of `inputs`. in_dims has structure {tree_flatten(in_dims)[1]} but inputs "
                         f"has structure {spec}.")
    for i, (x, d) in enumerate(zip(leaves, dims, strict=False)):
        if d is None:
            continue
        if not isinstance(d, int):
            raise ValueError(f"{who}Got in_dim={d} for an input but in_dim must be either an integer dimension or None.")
        if not isinstance(x, Tensor):
            raise ValueError(f"{who}Got in_dim={d} for an input but the input is of type {type(x)}. We cannot vmap over non-Tensor arguments, please use "
                             "None as the respective in_dim")
        if not -x.dim() <= d < x.dim():
            raise ValueError(f"{who}Got in_dim={d} for some input, but that input is a Tensor of dimensionality {x.dim()} so expected in_dim to satisfy "
                             f"-{x.dim()} <= in_dim < {x.dim()}.")
        dims[i] = d % x.dim()
    sizes = [x.size(d) for x, d in zip(leaves, dims, strict=False) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if any(s != sizes[0] for s in sizes):
        raise ValueError("vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
                         f"{sizes} for the mapped dimension")
    return sizes[0], dims, leaves, spec


def _result_dims(out_dims, result, spec, func):
    """The dim at which every leaf of the result is stacked."""
    if isinstance(result, Tensor):
        dims = [out_dims] if out_dims is None or isinstance(out_dims, int) else list(out_dims) if isinstance(out_dims, tuple) and len(out_dims) == 1 else None
    else:
        dims = _broadcast_to_and_flatten(out_dims, spec)
    if dims is None:
        raise ValueError(f"vmap({_name(func)}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with the structure of `outputs`. out_dims "
                         f"has structure {tree_flatten(out_dims)[1]} but outputs has structure {spec}.")
    return dims


def _join(values, dim, empty, func):
    """One leaf of the result from those of the examples."""
    first = values[0]
    if dim is None:
        if isinstance(first, Tensor) and any(v is not first and not T.equal(v, first) for v in values):
            raise ValueError(f"vmap({_name(func)}, ...): `{_name(func)}` can not return a BatchedTensor when out_dim is None")
        return first
    if not isinstance(first, Tensor):
        raise ValueError(f"vmap({_name(func)}, ...): `{_name(func)}` must only return Tensors, got type {type(first)}. Did you mean to set out_dims= to "
                         "None for output?")
    stacked = T.stack(values)
    stacked = stacked[:0] if empty else stacked
    return stacked.movedim(0, dim) if dim else stacked


class _Randomness:
    """What examples may do with the random stream: nothing, all the same, or go on."""

    def __init__(self, mode):
        self.mode = mode
        self.before = None if mode == "different" else default_generator.get_state()

    def next_example(self):
        if self.mode == "same":
            default_generator.set_state(self.before)

    def check(self):
        """After the first example: refuse a function that is random when that was not allowed."""
        if self.mode == "error" and not T.equal(default_generator.get_state(), self.before):
            default_generator.set_state(self.before)
            raise RuntimeError("vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness "
                               "flags on vmap or perform the randomness operation out of vmap")


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """The function that applies `func` to every example of a batch.

    Inputs are taken apart along `in_dims` (None: passed whole) and results stacked along `out_dims`; both may be pytrees.  `chunk_size`
    is accepted: examples always run one by one.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or 'same'. Got {randomness}")
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @wraps(func)
    def wrapped(*args, **kwargs):
        _check_out_dims(out_dims, func)
        size, dims, leaves, spec = _read_inputs(in_dims, args, func)
        if not size:                     # the function runs on zeros, to learn the shapes of its results
            leaves = [x if d is None else x.new_zeros([n or 1 if i == d else n for i, n in enumerate(x.shape)]) for x, d in zip(leaves, dims, strict=False)]
        stream = _Randomness(randomness)
        found = []
        for i in range(size or 1):
            stream.next_example()
            example = [x if d is None else x.select(d, i) for x, d in zip(leaves, dims, strict=False)]
            found.append(func(*tree_unflatten(example, spec), **kwargs))
            if not i:
                stream.check()
        flat, out_spec = tree_flatten(found[0])
        out = _result_dims(out_dims, found[0], out_spec, func)
        columns = zip(*[tree_leaves(r) for r in found], strict=False) if flat else ()
        return tree_unflatten([_join(c, d, not size, func) for c, d in zip(columns, out, strict=False)], out_spec)
    return wrapped
