"""Module: the base of all layers. Holds parameters, buffers and other modules; runs `forward` between hooks."""
import functools
import warnings

import reftorch as torch

from ...core import Tensor
from ...core._core import module_base
from ...utils.hooks import BackwardHook, HookDict
from ..parameter import Buffer, Parameter
from ._global_hooks import (  # noqa: F401  (the register functions are public here)
    _add,
    _call_registration,
    _global_calls,
    _global_hooks,
    _global_options,
    register_module_backward_hook,
    register_module_buffer_registration_hook,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from ._state import StateDict, _IncompatibleKeys  # noqa: F401


def _addindent(text, spaces):
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * spaces + line for line in rest)])


_HOOK_DICTS = ("_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
               "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_state_dict_hooks", "_state_dict_pre_hooks", "_load_state_dict_pre_hooks",
               "_load_state_dict_post_hooks")


def _parse_to(*args, device=None, dtype=None, non_blocking=False, copy=False, memory_format=None):
    """The arguments of `to`: (device, dtype, non_blocking, memory_format) from any of its call forms."""
    if args and isinstance(args[0], Tensor):
        device, dtype = args[0].device, args[0].dtype
        args = args[1:]
    elif args and isinstance(args[0], torch.dtype):
        dtype = args[0]
        args = args[1:]
    elif args:
        device = args[0]
        args = args[1:]
        if args and (args[0] is None or isinstance(args[0], torch.dtype)):
            dtype = args[0]
            args = args[1:]
    if args:
        non_blocking = args[0]
    device = None if device is None else torch.device(device)
    if device is not None and device.type == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled")
    return device, dtype, non_blocking, memory_format


Called = module_base(_global_calls)          # calls run `forward`, or `_call_with_hooks` where there are any


class Module(StateDict, Called):
    """Base class of neural network modules.

    Assigning a Parameter, Buffer or Module as an attribute registers it; calling the module runs `forward` and the hooks.
    """

    dump_patches = False
    _version = 1
    call_super_init = False
    _compiled_call_impl = None

    def __init__(self, *args, **kwargs):
        if self.call_super_init is False and kwargs:
            raise TypeError(f"{type(self).__name__}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
        if self.call_super_init is False and args:
            raise TypeError(f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given")
        put = functools.partial(object.__setattr__, self)        # past our own __setattr__
        put("training", True)
        put("_parameters", {})
        put("_buffers", {})
        put("_non_persistent_buffers_set", set())
        for name in _HOOK_DICTS:
            put(name, HookDict())
        put("_is_full_backward_hook", None)
        put("_modules", {})
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def forward(self, *input):
        """What the module computes; to be overridden."""
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    # ---- registration
    def _check_new(self, kind, name, held):
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."' + (f", got: {name}" if kind == "module" else ""))
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in held:
            raise KeyError(f"attribute '{name}' already exists")

    def register_buffer(self, name, tensor, persistent=True):
        """Hold a tensor that is no parameter; kept out of the state_dict when not persistent."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_new("buffer", name, self._buffers)
        if tensor is not None and not (isinstance(tensor, Tensor) or hasattr(tensor, "__torch_function__")):
            raise TypeError(f"cannot assign '{torch.typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)")
        self._buffers[name] = _call_registration("buffer", self, name, tensor)
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def register_parameter(self, name, param):
        """Hold a Parameter (or None, a place for one)."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_new("parameter", name, self._parameters)
        if param is None:
            self._parameters[name] = None
            return
        if not isinstance(param, Parameter):
            raise TypeError(f"cannot assign '{torch.typename(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)")
        if param.grad_fn:
            raise ValueError(f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To express '{name}' "
                             "as a function of another Tensor, compute the value in the forward() method.")
        self._parameters[name] = _call_registration("parameter", self, name, param)

    def add_module(self, name, module):
        """Hold a submodule."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{torch.typename(module)} is not a Module subclass")
        self._check_new("module", name, self._modules)
        self._modules[name] = _call_registration("module", self, name, module)

    def register_module(self, name, module):
        """Another name of add_module."""
        self.add_module(name, module)

    # ---- lookup
    def get_submodule(self, target):
        """The submodule at the dotted path `target`."""
        mod = self
        for item in target.split(".") if target else ():
            if not hasattr(mod, item):
                raise AttributeError(f"{mod._get_name()} has no attribute `{item}`")
            mod = getattr(mod, item)
            if not isinstance(mod, Module):
                raise AttributeError(f"`{item}` is not an nn.Module")
        return mod

    def set_submodule(self, target, module, strict=False):
        """Replace the submodule at the dotted path `target`."""
        if target == "":
            raise ValueError("Cannot set the submodule without a target name!")
        if not isinstance(module, Module):
            raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
        *path, name = target.split(".")
        parent = self.get_submodule(".".join(path))
        if strict and not hasattr(parent, name):
            raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
        if hasattr(parent, name) and not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
        setattr(parent, name, module)

    def _get_leaf(self, target, kind, test):
        path, _, name = target.rpartition(".")
        mod = self.get_submodule(path)
        if not hasattr(mod, name):
            raise AttributeError(f"{mod._get_name()} has no attribute `{name}`")
        found = getattr(mod, name)
        if not test(mod, name, found):
            raise AttributeError(f"`{name}` is not {kind}")
        return found

    def get_parameter(self, target):
        """The parameter at the dotted path `target`."""
        return self._get_leaf(target, "an nn.Parameter", lambda m, n, x: isinstance(x, Parameter))

    def get_buffer(self, target):
        """The buffer at the dotted path `target`."""
        return self._get_leaf(target, "a buffer", lambda m, n, x: n in m._buffers)

    # ---- conversion
    def _apply(self, fn, recurse=True):
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            with torch.no_grad():
                changed = fn(param)
            # the object stays: optimizers hold it
            param.data = changed
            if param._grad_raw is not None:
                with torch.no_grad():
                    grad = fn(param._grad_raw)
                param._grad_raw = grad.requires_grad_(param._grad_raw.requires_grad)
        for key, buf in self._buffers.items():
            if buf is not None:
                self._buffers[key] = fn(buf)
        return self

    def apply(self, fn):
        """Call `fn` on every submodule, children first, and on self."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def cuda(self, device=None):
        """Refuses: this is a CPU build."""
        return self._apply(lambda t: t.cuda(device))

    def xpu(self, device=None):
        """Refuses: this is a CPU build."""
        raise AssertionError("Torch not compiled with XPU enabled")

    def ipu(self, device=None):
        """Refuses: this is a CPU build."""
        return self._apply(lambda t: t.ipu(device))

    def cpu(self):
        """Move to the CPU, where everything is."""
        return self._apply(lambda t: t.cpu())

    def type(self, dst_type):
        """Convert all parameters and buffers."""
        return self._apply(lambda t: t.type(dst_type))

    def _cast(self, dtype):
        return self._apply(lambda t: t.to(dtype) if t.is_floating_point() else t)

    def float(self):
        """Floating-point parameters and buffers to float32."""
        return self._cast(torch.float32)

    def double(self):
        """Floating-point parameters and buffers to float64."""
        return self._cast(torch.float64)

    def half(self):
        """Floating-point parameters and buffers to float16."""
        return self._cast(torch.float16)

    def bfloat16(self):
        """Floating-point parameters and buffers to bfloat16."""
        return self._cast(torch.bfloat16)

    def to_empty(self, *, device, recurse=True):
        """Give parameters and buffers new, uninitialised memory."""
        return self._apply(lambda t: torch.empty_like(t, device=device), recurse=recurse)

    def to(self, *args, **kwargs):
        """Convert dtype (floats and complex only), device or memory format, in place."""
        device, dtype, non_blocking, memory_format = _parse_to(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}")
        if dtype is not None and dtype.is_complex:
            warnings.warn("Complex modules are a new feature under active development whose design may change, and some modules might not work as "
                          "expected when using complex tensors as parameters or buffers. Please file an issue at "
                          "https://github.com/pytorch/pytorch/issues/new?template=bug-report.yml if a complex module does not work as expected.",
                          stacklevel=2)

        def convert(t):
            wanted = dtype if t.is_floating_point() or t.is_complex() else None
            if memory_format is not None and t.dim() in (4, 5):
                return t.to(device, wanted, non_blocking, memory_format=memory_format)
            return t.to(device, wanted, non_blocking)
        return self._apply(convert)

    def share_memory(self):
        """Accepted; see Tensor.share_memory_."""
        return self._apply(lambda t: t.share_memory_())

    def compile(self, *args, **kwargs):
        """Accepted: modules run as they are."""

    # ---- hooks
    def register_full_backward_pre_hook(self, hook, prepend=False):
        """`hook(module, grad_output)` before the gradients with respect to the module's outputs are used."""
        return _add(self._backward_pre_hooks, hook, prepend)

    def register_backward_hook(self, hook):
        """The former kind of backward hook: sees the last node of the forward alone."""
        if self._is_full_backward_hook is True:
            raise RuntimeError("Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of them.")
        self._is_full_backward_hook = False
        return _add(self._backward_hooks, hook)

    def register_full_backward_hook(self, hook, prepend=False):
        """`hook(module, grad_input, grad_output)` each time the gradients with respect to the module's inputs are known."""
        if self._is_full_backward_hook is False:
            raise RuntimeError("Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of them.")
        self._is_full_backward_hook = True
        return _add(self._backward_hooks, hook, prepend)

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """`hook(module, args[, kwargs])` before forward; may return other arguments."""
        return _add(self._forward_pre_hooks, hook, prepend, kw=(self._forward_pre_hooks_with_kwargs, with_kwargs))

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """`hook(module, args[, kwargs], output)` after forward; may return another output."""
        return _add(self._forward_hooks, hook, prepend, kw=(self._forward_hooks_with_kwargs, with_kwargs),
                    always=(self._forward_hooks_always_called, always_call))

    _call_impl = _wrapped_call_impl = Called.__call__

    def _call_with_hooks(self, args, kwargs):
        called = set()
        result = None
        try:
            args, kwargs = self._run_pre_hooks(args, kwargs)
            backward, old_style = self._backward_hook_lists()
            wrapper = None
            pre = [*_global_hooks["backward_pre"].values(), *self._backward_pre_hooks.values()]
            if backward or pre:
                wrapper = BackwardHook(self, backward, pre)
                args = wrapper.setup_input_hook(args)
            result = self.forward(*args, **kwargs)
            for key, hook in [*_global_hooks["forward"].items(), *self._forward_hooks.items()]:
                called.add(key)
                result = self._run_forward_hook(key, hook, args, kwargs, result)
            if wrapper:
                if not isinstance(result, (Tensor, tuple)):
                    warnings.warn("For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received "
                                  f"{type(result)}", stacklevel=2)
                result = wrapper.setup_output_hook(result)
            if old_style:
                var = result
                while not isinstance(var, Tensor):
                    var = next(v for v in var.values() if isinstance(v, Tensor)) if isinstance(var, dict) else var[0]
                if var.grad_fn is not None:
                    for hook in old_style:
                        var.grad_fn.register_hook(functools.partial(hook, self))
            return result
        except Exception:
            for key, hook in [*_global_hooks["forward"].items(), *self._forward_hooks.items()]:
                if key not in called and (key in self._forward_hooks_always_called or key in _global_options["always"]):
                    try:
                        got = self._run_forward_hook(key, hook, args, kwargs, result)
                        result = got if got is not None else result
                    except Exception as e:
                        warnings.warn("module forward hook with ``always_call=True`` raised an exception that was silenced as another error was raised "
                                      f"in forward: {e}", stacklevel=2)
            raise

    def _run_pre_hooks(self, args, kwargs):
        for key, hook in [*_global_hooks["forward_pre"].items(), *self._forward_pre_hooks.items()]:
            if key in self._forward_pre_hooks_with_kwargs:
                got = hook(self, args, kwargs)
                if got is not None:
                    if not (isinstance(got, tuple) and len(got) == 2):
                        raise RuntimeError(f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {got}.")
                    args, kwargs = got
            else:
                got = hook(self, args)
                if got is not None:
                    args = got if isinstance(got, tuple) else (got,)
        return args, kwargs

    def _run_forward_hook(self, key, hook, args, kwargs, result):
        with_kwargs = key in self._forward_hooks_with_kwargs or key in _global_options.get("with_kwargs", {})
        got = hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
        return result if got is None else got

    def _backward_hook_lists(self):
        full, old = [], []
        (full if _global_options["full_backward"] else old).extend(_global_hooks["backward"].values())
        (full if self._is_full_backward_hook else old).extend(self._backward_hooks.values())
        return full, old

    # ---- attributes
    def __setstate__(self, state):
        self.__dict__.update(state)
        for name in _HOOK_DICTS:
            self.__dict__.setdefault(name, HookDict())
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        self.__dict__.setdefault("_is_full_backward_hook", None)

    def __getattr__(self, name):
        for kind in ("_parameters", "_buffers", "_modules"):
            held = self.__dict__.get(kind)
            if held is not None and name in held:
                return held[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def _forget(self, name, *kinds):
        for kind in kinds:
            held = self.__dict__.get(kind)
            if held is not None:
                held.discard(name) if isinstance(held, set) else held.pop(name, None)

    def __setattr__(self, name, value):
        held = self.__dict__
        params, modules, buffers = held.get("_parameters"), held.get("_modules"), held.get("_buffers")
        if isinstance(value, Parameter):
            if params is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self.__dict__.pop(name, None)
            self._forget(name, "_buffers", "_modules", "_non_persistent_buffers_set")
            self.register_parameter(name, value)
        elif params is not None and name in params:
            if value is not None:
                raise TypeError(f"cannot assign '{torch.typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self.__dict__.pop(name, None)
            self._forget(name, "_parameters", "_buffers", "_non_persistent_buffers_set")
            modules[name] = _call_registration("module", self, name, value)
        elif modules is not None and name in modules:
            if value is not None:
                raise TypeError(f"cannot assign '{torch.typename(value)}' as child module '{name}' (torch.nn.Module or None expected)")
            modules[name] = _call_registration("module", self, name, value)
        elif buffers is not None and (isinstance(value, Buffer) or name in buffers):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(f"cannot assign '{torch.typename(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)")
            if isinstance(value, Buffer) or name not in buffers:
                self.__dict__.pop(name, None)
                self._forget(name, "_parameters", "_modules")
                self.register_buffer(name, value, getattr(value, "persistent", True))
            else:
                buffers[name] = _call_registration("buffer", self, name, value)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name):
        for kind in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(kind, ()):
                del self.__dict__[kind][name]
                if kind == "_buffers":
                    self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    # ---- walking
    def _named_members(self, get_members, prefix="", recurse=True, remove_duplicate=True):
        seen = set()
        for path, module in self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else [(prefix, self)]:
            for name, value in get_members(module):
                if value is None or value in seen:
                    continue
                if remove_duplicate:
                    seen.add(value)
                yield path + ("." if path else "") + name, value

    def parameters(self, recurse=True):
        """All parameters, each once."""
        for _, param in self.named_parameters(recurse=recurse):
            yield param

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """(dotted name, parameter) pairs."""
        yield from self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """All buffers, each once."""
        for _, buf in self.named_buffers(recurse=recurse):
            yield buf

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """(dotted name, buffer) pairs."""
        yield from self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def children(self):
        """Direct submodules, each once."""
        for _, module in self.named_children():
            yield module

    def named_children(self):
        """(name, direct submodule) pairs."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def modules(self, remove_duplicate=True):
        """This module and all below, each once."""
        for _, module in self.named_modules(remove_duplicate=remove_duplicate):
            yield module

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """(dotted name, module) pairs of this module and all below."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, prefix + ("." if prefix else "") + name, remove_duplicate)

    # ---- modes
    def train(self, mode=True):
        """Set training mode here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """Set evaluation mode here and below."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Set `requires_grad` of all parameters."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Drop (or zero) the gradients of all parameters."""
        for p in self.parameters():
            if p.grad is not None:
                if set_to_none:
                    p.grad = None
                else:
                    p.grad.detach_() if p.grad.grad_fn is not None else p.grad.requires_grad_(False)
                    p.grad.zero_()

    # ---- text
    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """What stands in the parentheses of `repr`; overridden by layers."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({key}): {_addindent(repr(module), 2)}" for key, module in self._modules.items()]
        if not children and len(lines) <= 1:
            return f"{self._get_name()}({extra})"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"

    def __dir__(self):
        names = [*dir(type(self)), *self.__dict__, *self._parameters, *self._modules, *self._buffers]
        return sorted(n for n in names if not n[0].isdigit())

    def _replicate_for_data_parallel(self):
        raise NotImplementedError("reftorch runs on one CPU: there is nothing to replicate to")
