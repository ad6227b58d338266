"""Tensors that modules know: parameters, buffers, and their lazy forms."""
from collections import OrderedDict

import reftorch as torch

from .. import printing
from ..core import Tensor, _core
from ..overrides import _disabled_torch_function_impl


class _MarkedMeta(type(Tensor)):
    """isinstance(x, Parameter) also holds for tensors of another class that bear its mark; Buffer likewise."""

    def __instancecheck__(self, instance):
        mark = self.__dict__.get("_mark")
        if mark is not None and isinstance(instance, Tensor) and getattr(instance, mark, False):
            return True
        return super().__instancecheck__(instance)


def _copied(copy):
    """`__deepcopy__` from a function that copies, which is called once however often a tensor occurs."""
    def __deepcopy__(self, memo):
        known = id(self)
        if known not in memo:
            memo[known] = copy(self)
        return memo[known]
    return __deepcopy__


class Parameter(Tensor, metaclass=_MarkedMeta):
    """A tensor that a Module lists among its parameters when it is assigned as an attribute.

    data: Tensor of any shape and dtype (an empty one when None); requires_grad: True by default, RuntimeError for integers.
    """

    _mark = "_is_param"

    def __new__(cls, data=None, requires_grad=True):
        data = torch.empty(0) if data is None else data
        kind = type(data)
        if kind is Tensor or kind is Parameter:
            return _core.make_subclass(cls, data.detach(), requires_grad)
        marked = data.detach().requires_grad_(requires_grad)
        if type(marked) is not kind:
            raise RuntimeError(f"Creating a Parameter from an instance of type {kind.__name__} requires that detach() returns an instance of "
                               f"the same type, but return type {type(marked).__name__} was found instead. To use the type as a Parameter, please "
                               "correct the detach() semantics defined by its __torch_dispatch__() implementation.")
        marked._is_param = True
        return marked

    __deepcopy__ = _copied(lambda self: type(self)(self.data.clone(memory_format=torch.preserve_format), self.requires_grad))

    def __repr__(self):
        return printing.parameter_repr(self)

    def __reduce_ex__(self, protocol):
        return _rebuild_parameter, (self.data, self.requires_grad, OrderedDict(), dict(self.__dict__))

    __torch_function__ = _disabled_torch_function_impl


def _rebuild_parameter(data, requires_grad, backward_hooks, state=None):
    param = Parameter(data, requires_grad)
    if state:
        param.__dict__.update(state)
    return param


printing.bind(Tensor, Parameter, _core.get_default_dtype)


class Buffer(Tensor, metaclass=_MarkedMeta):
    """A tensor that a Module lists among its buffers when it is assigned as an attribute."""

    _mark = "_is_buffer"

    def __new__(cls, data=None, *, persistent=True):
        data = torch.empty(0) if data is None else data
        marked = data.detach().requires_grad_(data.requires_grad)
        marked.persistent, marked._is_buffer = persistent, True
        return marked

    __torch_function__ = _disabled_torch_function_impl


class UninitializedTensorMixin:
    """A parameter or buffer whose shape is not known yet."""

    _allowed_methods = [Tensor.__hash__, Tensor.size, Tensor.copy_, Tensor.is_complex, Tensor.is_floating_point, Tensor.half, Tensor.float,
                        Tensor.double, Tensor.char, Tensor.short, Tensor.int, Tensor.long, Tensor.cuda, Tensor.cpu, Tensor.to]

    def materialize(self, shape, device=None, dtype=None):
        """Become an ordinary parameter or buffer of that shape, uninitialised, in place."""
        self.data = torch.empty(shape, device=device, dtype=self.data.dtype if dtype is None else dtype)
        self.__class__ = self.cls_to_become

    @property
    def shape(self):
        raise RuntimeError("Can't access the shape of an uninitialized parameter or buffer. This error usually happens in `load_state_dict` when trying "
                           "to load an uninitialized parameter into an initialized one. Call `forward` to initialize the parameters before accessing "
                           "their attributes.")

    def share_memory_(self):
        raise RuntimeError("Can't share memory on an uninitialized parameter or buffer. Call `forward` to initialize the parameters before calling "
                           "`module.share_memory()`.")

    def __repr__(self):
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, protocol):
        return type(self), (self.requires_grad,)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        reads = getattr(func, "__name__", "") == "__get__"           # of a property
        if reads or func in cls._allowed_methods:
            return _disabled_torch_function_impl(func, types, args, kwargs)
        raise ValueError(f"Attempted to use an uninitialized parameter in {func}. This error happens when you are using a `LazyModule` or explicitly "
                         f"manipulating `torch.nn.parameter.{cls.__name__}` objects. When using LazyModules Call `forward` with a dummy batch to "
                         "initialize the parameters before calling torch functions")


def is_lazy(param):
    """Whether a parameter or buffer still waits for its shape."""
    return isinstance(param, UninitializedTensorMixin)


class UninitializedParameter(UninitializedTensorMixin, Parameter):
    """A parameter without a shape."""

    cls_to_become = Parameter

    def __new__(cls, requires_grad=True, device=None, dtype=None):
        return _core.make_subclass(cls, torch.empty(0, device=device, dtype=dtype), requires_grad)

    __deepcopy__ = _copied(lambda self: type(self)(self.requires_grad, self.data.device, self.data.dtype))


class UninitializedBuffer(UninitializedTensorMixin, Tensor):
    """A buffer without a shape."""

    cls_to_become = Buffer         # Tensor itself cannot be assigned to __class__

    def __new__(cls, requires_grad=False, device=None, dtype=None, persistent=True):
        made = _core.make_subclass(cls, torch.empty(0, device=device, dtype=dtype), requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made
