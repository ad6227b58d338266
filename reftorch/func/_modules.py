"""Modules as functions of their parameters."""
from collections import Counter
from collections.abc import Sequence
from contextlib import contextmanager

from ..core import T


def _owner(module, name):
    """(the submodule that holds the tensor `name`, the last part of the name)."""
    path, _, last = name.rpartition(".")
    return module.get_submodule(path), last


_MISSING = object()


def _swap(module, name, tensor):
    """Put a tensor in the place `name`, or nothing when it is _MISSING; gives what was there."""
    owner, last = _owner(module, name)
    held = next((h for h in (owner._parameters, owner._buffers) if last in h), owner.__dict__)
    before = held.get(last, _MISSING)
    if tensor is _MISSING:
        held.pop(last, None)
    else:
        held[last] = tensor
    return before


def _tied(module):
    """The names of one tensor that is held in several places, for each such tensor."""
    groups = {}
    for kind in (module.named_parameters, module.named_buffers):
        for name, tensor in kind(remove_duplicate=False):
            groups.setdefault(id(tensor), set()).add(name)
    return [names for names in groups.values() if len(names) > 1]


def _with_tied(module, tensors):
    """`tensors` with every name of a tied tensor that is given by one of its names."""
    full = dict(tensors)
    for names in _tied(module):
        given = {n: tensors[n] for n in sorted(names) if n in tensors}
        if len({id(t) for t in given.values()}) > 1:
            raise ValueError("functional_call got multiple values for keys " + f"{sorted(given)}, which are tied. Consider using tie_weights=False")
        for n in names if given else ():
            full[n] = next(iter(given.values()))
    return full


def _check_keys(module, tensors):
    own = {n for kind in (module.named_parameters, module.named_buffers) for n, _ in kind(remove_duplicate=False)}
    unexpected, missing = [n for n in tensors if n not in own], sorted(own - set(tensors))
    found = [f"{what} key(s): {', '.join(map(repr, names))}." for what, names in (("Unexpected", unexpected), ("Missing", missing)) if names]
    if found:
        raise RuntimeError(f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(found))


@contextmanager
def _replaced(module, tensors, tie_weights, strict):
    """The module holds other tensors within; what it puts in their places while it runs is written back to `tensors`."""
    placed = _with_tied(module, tensors) if tie_weights else dict(tensors)
    if strict:
        _check_keys(module, placed)
    before = {}
    try:
        for name, tensor in placed.items():
            before[name] = _swap(module, name, tensor)
        yield
    finally:
        for name, tensor in before.items():
            now = _swap(module, name, tensor)
            if name in tensors and now is not _MISSING:
                tensors[name] = now


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """`module(*args, **kwargs)` with these tensors in the places of its own; names that are not given keep theirs (not with `strict`)."""
    tensors = parameter_and_buffer_dicts
    if not isinstance(tensors, dict):
        if not isinstance(tensors, Sequence):
            raise ValueError(f"Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but got {type(tensors)}")
        if not all(isinstance(d, dict) for d in tensors):
            raise ValueError("Expected all elements of parameter_and_buffer_dicts to be dictionaries")
        repeated = [k for k, n in Counter(k for d in tensors for k in d).items() if n > 1]
        if repeated:
            raise ValueError(f"{repeated} appeared in multiple dictionaries; behavior of functional call is ambiguous")
        tensors = {k: t for d in tensors for k, t in d.items()}
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _replaced(module, tensors, tie_weights, strict):
        return module(*args, **(kwargs or {}))


def _stack(tensors, name):
    needs = {t.requires_grad for t in tensors}
    if len(needs) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    stacked = T.stack(tensors)
    return stacked.detach().requires_grad_() if needs == {True} else stacked


def stack_module_state(models):
    """(parameters, buffers) of several modules of one class, by name, each stacked: (number of models, *shape)."""
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to have the same training/eval mode.")
    if any(type(m) is not type(models[0]) for m in models):
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    made = []
    for kind in ("named_parameters", "named_buffers"):
        states = [dict(getattr(m, kind)()) for m in models]
        made.append({name: _stack([s[name] for s in states], name) for name in states[0]})
    return tuple(made)


def replace_all_batch_norm_modules_(root):
    """Let no batch norm below `root` keep running statistics, which functions over batches cannot update; gives `root`."""
    from ..nn.modules.batchnorm import _BatchNorm
    for m in root.modules():
        if isinstance(m, _BatchNorm):
            m.running_mean = m.running_var = m.num_batches_tracked = None
            m.track_running_stats = False
    return root
