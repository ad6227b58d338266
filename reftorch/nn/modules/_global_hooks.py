"""Hooks that every module runs."""
from ...utils.hooks import HookDict, RemovableHandle

_global_hooks = {name: HookDict() for name in ("forward_pre", "forward", "backward_pre", "backward", "parameter", "buffer", "module")}
_global_options = {"always": {}, "full_backward": None}
_global_calls = HookDict()               # ids of those that run when a module is called: one question instead of four


def _add(hooks, hook, prepend=False, **flags):
    """Register a hook and its flags (dicts of ids); gives the handle."""
    handle = RemovableHandle(hooks, extra_dict=[d for d, on in flags.values()])
    hooks[handle.id] = hook
    for d, on in flags.values():
        if on:
            d[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def register_module_forward_pre_hook(hook):
    """`hook(module, args)` before every module's forward."""
    return _add(_global_hooks["forward_pre"], hook, call=(_global_calls, True))


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """`hook(module, args, output)` after every module's forward."""
    handle = _add(_global_hooks["forward"], hook, call=(_global_calls, True))
    if with_kwargs:
        _global_options.setdefault("with_kwargs", {})[handle.id] = True
    if always_call:
        _global_options["always"][handle.id] = True
    return handle


def register_module_full_backward_pre_hook(hook):
    """`hook(module, grad_output)` before every module's backward."""
    return _add(_global_hooks["backward_pre"], hook, call=(_global_calls, True))


def register_module_full_backward_hook(hook):
    """`hook(module, grad_input, grad_output)` after every module's backward."""
    if _global_options["full_backward"] is False:
        raise RuntimeError("Cannot use both regular backward hooks and full backward hooks as a global Module hook. Please use only one of them.")
    _global_options["full_backward"] = True
    return _add(_global_hooks["backward"], hook, call=(_global_calls, True))


def register_module_backward_hook(hook):
    """The former kind of global backward hook."""
    if _global_options["full_backward"] is True:
        raise RuntimeError("Cannot use both regular backward hooks and full backward hooks as a global Module hook. Please use only one of them.")
    _global_options["full_backward"] = False
    return _add(_global_hooks["backward"], hook, call=(_global_calls, True))


def register_module_parameter_registration_hook(hook):
    """`hook(module, name, param)` may replace each parameter as it is registered."""
    return _add(_global_hooks["parameter"], hook)


def register_module_buffer_registration_hook(hook):
    """`hook(module, name, buffer)` may replace each buffer as it is registered."""
    return _add(_global_hooks["buffer"], hook)


def register_module_module_registration_hook(hook):
    """`hook(module, name, submodule)` may replace each submodule as it is registered."""
    return _add(_global_hooks["module"], hook)


def _call_registration(kind, module, name, value):
    for hook in _global_hooks[kind].values():
        got = hook(module, name, value)
        if got is not None:
            value = got
    return value
