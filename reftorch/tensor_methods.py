"""The methods of Tensor that are no ops: conversions to Python and NumPy, autograd's handles, copying and pickling."""
import numpy as np

from . import printing
from .core import T, Tensor, _core
from .core._core import MEMORY_FORMATS, from_array, set_type_attribute

_PRESERVE = MEMORY_FORMATS["preserve_format"]


def _method(fn):
    if fn.__name__ in _core.SPECIAL:
        _core._special[fn.__name__] = fn          # a slot of the compiled type, not an attribute
    else:
        set_type_attribute(Tensor, fn.__name__, fn)
    return fn


def _property(fn):
    set_type_attribute(Tensor, fn.__name__, property(fn))


# ---- text
@_method
def __repr__(self, *, tensor_contents=None):
    return printing.tensor_repr(self, tensor_contents=tensor_contents)


@_method
def __format__(self, format_spec):
    if self.dim() == 0 and type(self) is Tensor:
        return self.item().__format__(format_spec)
    return object.__format__(self, format_spec)


# ---- by name alone: `2 - x` goes by the compiled type
@_method
def __rsub__(self, other):
    try:
        return T.rsub(self, other)
    except TypeError:
        return NotImplemented


# ---- to Python
@_method
def item(self):
    """The value of a one-element tensor as a Python number; RuntimeError when there are more."""
    return _core.tensor_item(self)


@_method
def tolist(self):
    """Nested lists of Python numbers; a number for a 0-dim tensor."""
    a = self._array
    if self.dtype.numpy.kind == "V" or self.dtype.name == "bfloat16" or self.dtype.name.startswith("float8"):
        a = a.astype(np.float32)
    return a.tolist()


@_method
def __bool__(self):
    if self.numel() != 1:
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous" if self.numel() else
                           "Boolean value of Tensor with no values is ambiguous")
    return bool(self._array.item())


def _only_item(self):
    if self.numel() != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return self.item()


def _real_item(self, c_type):
    """`item()` for Python's constructors, a complex one as its real part when it has no other."""
    value = _only_item(self)
    if not isinstance(value, complex):
        return value
    if value.imag != 0:
        raise RuntimeError(f"value cannot be converted to type {c_type} without overflow")
    return value.real


@_method
def __float__(self):
    return float(_real_item(self, "double"))


@_method
def __int__(self):
    return int(_real_item(self, "int64_t"))


@_method
def __complex__(self):
    return complex(_only_item(self))


@_method
def __long__(self):
    return int(self)


@_method
def __nonzero__(self):
    return bool(self)


@_method
def const_data_ptr(self):
    """`data_ptr`, for reading."""
    return self.data_ptr()


@_method
def __index__(self):
    if self.numel() != 1 or self.dtype.is_floating_point or self.dtype.is_complex:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(self._array.item())


@_method
def __iter__(self):
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


@_method
def __contains__(self, element):
    if isinstance(element, (Tensor, int, float, complex)):
        return bool((element == self).any().item())
    raise RuntimeError(f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}.")


@_method
def __reversed__(self):
    return self if self.dim() == 0 else self.flip(0)


# ---- NumPy and DLPack
@_method
def numpy(self, *, force=False):
    """The elements as a NumPy array that shares memory; RuntimeError when gradients would be lost, unless `force`."""
    if force:
        return self.detach()._array
    if self.requires_grad:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    if self.dtype.name == "bfloat16" or self.dtype.name.startswith("float8"):
        raise TypeError(f"Got unsupported ScalarType {self.dtype.type_name}")
    return self._array


@_method
def __array__(self, dtype=None, copy=None):
    a = self.numpy()
    if dtype is None:
        return a.copy() if copy else a
    return a.astype(dtype, copy=bool(copy))


@_method
def __array_wrap__(self, array, context=None, return_scalar=False):
    if array.dtype == bool:
        array = array.astype("uint8")
    return from_array(array)


set_type_attribute(Tensor, "__array_priority__", 1000)


@_method
def __dlpack__(self, *, stream=-1, max_version=None, dl_device=None, copy=None):
    if self.requires_grad:
        raise BufferError("Can't export tensors that require gradient, use tensor.detach()")
    return self._array.__dlpack__(**({} if max_version is None else {"max_version": max_version}))


@_method
def __dlpack_device__(self):
    return self._array.__dlpack_device__()


# ---- autograd
@_method
def detach(self):
    """The same memory, without history."""
    return _core.alias(self)


@_method
def detach_(self):
    """Forget the history, in place."""
    if self._is_view():
        raise RuntimeError("Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and "
                           "gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on "
                           "these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as "
                           "a solution.")
    _core.forget_history(self)
    return self


@_method
def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Differentiate with respect to the graph's leaves, adding to their `.grad`."""
    if not retain_graph and not create_graph and inputs is None and _core.backward_plain(self, gradient):
        return
    from .autograd import backward as run
    run(self, gradient, retain_graph, create_graph, inputs=inputs)


@_method
def register_hook(self, hook):
    """Call `hook(grad)` when the gradient of this tensor is known; it may return another gradient."""
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    return _core.add_tensor_hook(self, hook)


@_method
def register_post_accumulate_grad_hook(self, hook):
    """Call `hook(tensor)` after a leaf's `.grad` was added to."""
    if not self.requires_grad:
        raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
    if self.grad_fn is not None:
        raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    hooks = self._extra.setdefault("post_accumulate", _core.new_hook_dict())
    return _core.new_hook_handle(hooks, hook)


@_method
def retain_grad(self):
    """Keep the gradient of a tensor that is no leaf."""
    if not self.requires_grad:
        raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    _core.retain_grad(self)


@_method
def is_inference(self):
    """Whether the tensor was made in inference mode."""
    return self._is_inference


@_method
def as_subclass(self, cls):
    """The same data and history as an instance of `cls`, a subclass of Tensor."""
    before = _core.dispatch_level(2)
    try:
        return _core.as_subclass(self, cls)
    finally:
        _core.dispatch_level(before)


set_type_attribute(Tensor, "_make_subclass", staticmethod(_core.make_subclass))


# ---- where it lives
@_method
def cpu(self, memory_format=_PRESERVE):
    """The tensor itself: every tensor is on the CPU."""
    return self


@_method
def cuda(self, device=None, non_blocking=False, memory_format=_PRESERVE):
    """Refuses, as a CPU build of PyTorch does."""
    raise AssertionError("Torch not compiled with CUDA enabled")


@_method
def xpu(self, device=None, non_blocking=False, memory_format=_PRESERVE):
    """Refuses, as a CPU build of PyTorch does."""
    raise AssertionError("Torch not compiled with XPU enabled")


@_method
def ipu(self, device=None, non_blocking=False, memory_format=_PRESERVE):
    """Refuses, as a CPU build of PyTorch does."""
    raise RuntimeError("PyTorch is not linked with support for ipu devices")


@_method
def module_load(self, other, assign=False):
    """What `load_state_dict` puts in the place of the tensor: `other`, or the tensor itself with its values."""
    return other.detach() if assign else self.copy_(other).detach()


@_method
def get_device(self):
    """-1 on the CPU."""
    return -1


for _flag in ("is_cuda", "is_sparse", "is_sparse_csr", "is_quantized", "is_meta", "is_mkldnn", "is_nested", "is_mps", "is_xpu", "is_xla", "is_ipu",
              "is_hpu", "is_mtia", "is_maia", "is_vulkan"):
    set_type_attribute(Tensor, _flag, property(lambda self: False))
set_type_attribute(Tensor, "is_cpu", property(lambda self: True))
set_type_attribute(Tensor, "_is_param", False)


@_method
def is_pinned(self, device=None):
    """Never: pinned memory serves accelerators."""
    return False


@_method
def pin_memory(self, device=None):
    """Needs an accelerator, which a CPU build has not."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


@_method
def share_memory_(self):
    """Accepted; tensors are shared with workers by fork."""
    return self


@_method
def is_shared(self):
    """Whether the storage is in shared memory."""
    return False


# ---- ops whose face as a method is another
@_method
def polygamma(self, n):
    """The n-th derivative of digamma."""
    return T.polygamma(n, self)


@_method
def __div__(self, other):
    return T.div(self, other)


@_method
def __idiv__(self, other):
    return self.div_(other)


@_method
def __rdiv__(self, other):
    return self.reciprocal() * other


# ---- parts of complex numbers
set_type_attribute(Tensor, "real", property(lambda self: T.real(self), lambda self, value: T.real(self).copy_(value)))
set_type_attribute(Tensor, "imag", property(lambda self: T.imag(self), lambda self, value: T.imag(self).copy_(value)))


# ---- copying and pickling
@_method
def __deepcopy__(self, memo):
    if not self.is_leaf:
        raise RuntimeError("Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you were "
                           "attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
                           "https://github.com/pytorch/pytorch/pull/103001")
    import copy
    if id(self) in memo:
        return memo[id(self)]
    key = ("storage", self._storage)
    base = memo.get(key)
    if base is None:
        flat = from_array(np.array(_flat_storage(self), copy=True))
        base = memo[key] = flat
    made = _core.view_of_storage(base, self.shape, self.stride(), self.storage_offset())
    if type(self) is not Tensor:
        made = _core.make_subclass(type(self), made)
    made.requires_grad = self.requires_grad
    if self._grad_raw is not None:
        made.grad = copy.deepcopy(self._grad_raw, memo)
    made.__dict__.update(copy.deepcopy(self.__dict__, memo))
    memo[id(self)] = made
    return made


def _flat_storage(t):
    """The whole storage of `t` as a flat array of its dtype."""
    return _core.strided_view(t, (t._storage.nbytes // t.itemsize,), (1,), 0)


def _rebuild(cls, flat, shape, stride, offset, requires_grad, state):
    t = _core.view_of_storage(from_array(flat), shape, stride, offset)
    if cls is not Tensor:
        t = _core.make_subclass(cls, t)
    t.requires_grad = requires_grad
    t.__dict__.update(state)
    return t


@_method
def __reduce_ex__(self, proto):
    if not self.is_leaf:
        raise RuntimeError("Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support crossing process "
                           "boundaries.  If you just want to transfer the data, call detach() on the tensor before serializing (e.g., putting it "
                           "on the queue).")
    return _rebuild, (type(self), _flat_storage(self), tuple(self.shape), self.stride(), self.storage_offset(), self.requires_grad,
                      dict(self.__dict__))


@_method
def __setstate__(self, state):
    """Take over what files of PyTorch 0.1 hold: (storage, offset, size, stride), or (data, version, hooks, requires_grad, volatile)."""
    if not self.is_leaf:
        raise RuntimeError("__setstate__ can be only called on leaf Tensors")
    if len(state) == 4:
        self.set_(*state)
        return
    if len(state) == 5:
        self.data = state[0]
        state = state[3], state[4], state[2]
    self.requires_grad, _, _ = state         # torch: hooks are not kept in files



# ---- linear algebra with a Python face
@_method
def norm(self, p="fro", dim=None, keepdim=False, dtype=None):
    """The p-norm of all elements or over dims: `torch.norm`."""
    return T.norm(self, p, dim, keepdim, dtype=dtype)


@_method
def lu(self, pivot=True, get_infos=False):
    """LU with row swaps: `torch.lu`."""
    lu, pivots, infos = T._lu_with_info(self, pivot=pivot)
    return (lu, pivots, infos) if get_infos else (lu, pivots)


printing.bind(Tensor, type(None), _core.get_default_dtype)          # nn.parameter adds Parameter
