"""Modules whose parameters get their shape from the first input."""
from ..parameter import UninitializedParameter, is_lazy
from ._state import persistent


class LazyModuleMixin:
    """Mixed into a module class to make its lazy form; the first call makes it an instance of `cls_to_become`."""

    cls_to_become = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._initialize_hook = self.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for name, value in persistent(self).items():
            destination[prefix + name] = value if is_lazy(value) or keep_vars else value.detach()

    def _lazy_load_hook(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        """Loading a checkpoint gives shapes to what has none yet."""
        for name, value in [*self._parameters.items(), *self._buffers.items()]:
            key = prefix + name
            if key in state_dict and value is not None and is_lazy(value) and not is_lazy(state_dict[key]):
                value.materialize(state_dict[key].shape)

    def initialize_parameters(self, *args, **kwargs):
        """Give the parameters their shapes, from the first input; to be overridden."""
        raise NotImplementedError(f"initialize_parameters is not implemented for {type(self).__name__}")

    def has_uninitialized_params(self):
        """Whether some parameter or buffer has no shape yet."""
        return any(v is not None and is_lazy(v) for v in [*self._parameters.values(), *self._buffers.values()])

    def _infer_parameters(self, module, args, kwargs=None):
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook
        del module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become


class _Sized(LazyModuleMixin):
    """The lazy form of a class in which all shapes follow from one attribute, `_sized_by`, which is 0 until the first input is seen."""

    _sized_by = None

    def _make_lazy(self, names, device, dtype):
        for name in names:
            setattr(self, name, UninitializedParameter(device=device, dtype=dtype))

    def _materialize(self, **shapes):
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is not None:
                if not isinstance(value, UninitializedParameter):
                    raise AssertionError(f"self.{name} must be an UninitializedParameter")
                value.materialize(shape)

    def reset_parameters(self):
        """As in the class it becomes, once the shapes are known."""
        if getattr(self, self._sized_by) != 0 and not self.has_uninitialized_params():
            super().reset_parameters()
