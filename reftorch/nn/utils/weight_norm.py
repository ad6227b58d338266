"""Weight normalization by a hook: w = g v / |v|; source: Salimans and Kingma 2016. Superseded by parametrizations.weight_norm."""
import warnings

import reftorch as torch

from ..parameter import Parameter, UninitializedParameter


class WeightNorm:
    """The hook that computes the weight from its length `name_g` and direction `name_v` before each forward."""

    def __init__(self, name, dim):
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module):
        """The weight as it is now."""
        length, direction = (getattr(module, part) for part in self._parts())
        return torch._weight_norm(direction, length, self.dim)

    def _parts(self):
        return f"{self.name}_g", f"{self.name}_v"

    @staticmethod
    def apply(module, name, dim):
        """Replace the parameter by its two parts; gives the hook."""
        warnings.warn("`torch.nn.utils.weight_norm` is deprecated in favor of `torch.nn.utils.parametrizations.weight_norm`.", FutureWarning,
                      stacklevel=3)
        if name in (hook.name for hook in module._forward_pre_hooks.values() if isinstance(hook, WeightNorm)):
            raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
        weight = getattr(module, name)
        if isinstance(weight, UninitializedParameter):
            raise ValueError("The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to run the dummy forward before applying "
                             "weight normalization")
        hook = WeightNorm(name, dim)
        del module._parameters[name]
        for part, value in zip(hook._parts(), (torch.norm_except_dim(weight, 2, hook.dim), weight), strict=True):
            module.register_parameter(part, Parameter(value.data))
        hook(module, None)
        module.register_forward_pre_hook(hook)
        return hook

    def remove(self, module):
        """Put the weight back as a parameter."""
        weight = self.compute_weight(module)
        delattr(module, self.name)
        for part in self._parts():
            del module._parameters[part]
        setattr(module, self.name, Parameter(weight.data))

    def __call__(self, module, inputs):
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module, name="weight", dim=0):
    """Compute the parameter `name` from a length for each slice along `dim` (None: one length) and a direction."""
    WeightNorm.apply(module, name, dim)
    return module


def remove_weight_norm(module, name="weight"):
    """Undo weight_norm; the weight stays as it is."""
    hooks = module._forward_pre_hooks
    key = next((k for k, hook in hooks.items() if isinstance(hook, WeightNorm) and hook.name == name), None)
    if key is not None:
        hooks.pop(key).remove(module)
        return module
    raise ValueError(f"weight_norm of '{name}' not found in {module}")
