"""Modules as functions of their parameters."""
from collections import Counter
from collections.abc import Sequence

from ..core import T
from ..nn.utils.stateless import _functional_call


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
    return _functional_call(module, tensors, args, kwargs, tie_weights=tie_weights, strict=strict)


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
