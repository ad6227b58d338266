"""Calling a module with other tensors in the place of its parameters and buffers."""
import contextlib
import warnings

from ...core import Tensor


def _find(module, path):
    """(the dict that holds the tensor of that dotted name, its last part); a plain attribute is held by the module's own dict."""
    *parents, name = path.split(".")
    owner = module
    for i, parent in enumerate(parents):
        if not hasattr(owner, parent):
            raise AttributeError(f"{type(owner).__name__} has no attribute `{parent}`")
        owner = getattr(owner, parent)
        if not hasattr(owner, "_parameters"):
            raise TypeError(f"submodule `{'.'.join(parents[:i + 1])}`: {owner} is not an instance of torch.nn.Module")
    if name == "":
        raise KeyError('tensor name can\'t be empty string ""')
    for held in (owner._parameters, owner._buffers):
        if name in held:
            return held, name
    current = getattr(owner, name, None)
    if current is not None and not isinstance(current, Tensor):
        raise TypeError(f"attribute `{name}`: {current} is not an instance of torch.Tensor")
    return owner.__dict__, name


def _named_tensors(module, remove_duplicate):
    yield from module.named_parameters(remove_duplicate=remove_duplicate)
    yield from module.named_buffers(remove_duplicate=remove_duplicate)


def _with_tied(module, tensors):
    """The given tensors, also under the other names of those they replace."""
    names = {}
    for name, tensor in _named_tensors(module, remove_duplicate=False):
        names.setdefault(id(tensor), []).append(name)
    full = dict(tensors)
    for tied in names.values():
        given = [name for name in tied if name in tensors]
        if len({id(tensors[name]) for name in given}) > 1:
            raise ValueError(f"functional_call got multiple values for keys {sorted(given)}, which are tied. Consider using tie_weights=False")
        if given:
            full.update(dict.fromkeys(tied, tensors[given[0]]))
    return full


def _check_names(module, tensors):
    """RuntimeError unless the names are those of all parameters and buffers."""
    wanted = {name for name, _ in _named_tensors(module, remove_duplicate=False)}
    text = "".join(f"\n\t{kind} key(s): {', '.join(map(repr, sorted(keys)))}." for kind, keys in
                   (("Unexpected", set(tensors) - wanted), ("Missing", wanted - set(tensors))) if keys)
    if text:
        raise RuntimeError(f"Error(s) in reparametrizing for {module._get_name()}:{text}")


_ABSENT = object()


@contextlib.contextmanager
def _reparametrize_module(module, tensors, *, tie_weights=False, strict=False):
    """The module with `tensors` in place; what a forward assigned to their names is put into `tensors` at the end."""
    full = _with_tied(module, tensors) if tie_weights else dict(tensors)
    if strict:
        _check_names(module, full)
    places = {path: _find(module, path) for path in full}
    for tensor in full.values():
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(f"{tensor} is not an instance of torch.Tensor")
    before = {path: held.get(name, _ABSENT) for path, (held, name) in places.items()}
    for path, (held, name) in places.items():
        held[name] = full[path]
    try:
        yield
    finally:
        after = {path: held.get(name) for path, (held, name) in places.items()}
        for path, (held, name) in reversed(places.items()):
            if before[path] is _ABSENT:
                held.pop(name, None)
            else:
                held[name] = before[path]
        tensors.update({path: after[path] for path in after if path in tensors})


def _functional_call(module, tensors, args=None, kwargs=None, *, tie_weights=True, strict=False):
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _reparametrize_module(module, tensors, tie_weights=tie_weights, strict=strict):
        return module(*args, **({} if kwargs is None else kwargs))


def functional_call(module, parameters_and_buffers, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """module(*args, **kwargs) with its parameters and buffers replaced by those given, by dotted name; now torch.func.functional_call."""
    warnings.warn("`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be removed in a future version of PyTorch. Please use "
                  "`torch.func.functional_call` instead which is a drop-in replacement.", FutureWarning, stacklevel=2)
    return _functional_call(module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict)
