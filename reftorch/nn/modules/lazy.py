"""Modules whose parameters get their shape from the first input."""
from ..parameter import is_lazy


class LazyModuleMixin:
    """Mixed into a module class to make its lazy form; the first call makes it an instance of `cls_to_become`."""

    cls_to_become = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._load_hook = self._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = self.register_forward_pre_hook(self._infer_parameters, with_kwargs=True)

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        for held in (self._parameters.items(), ((n, b) for n, b in self._buffers.items() if n not in self._non_persistent_buffers_set)):
            for name, value in held:
                if value is not None:
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
