# The raw surface of the core for the Python layers: modes, arrays behind tensors, and what they install here.

# ------------------------------------------------------------------ modes
def is_grad_enabled():
    """Whether operations are recorded (per thread)."""
    return not tls_no_grad


def _set_grad_enabled(mode):
    tls_no_grad_write(0 if mode else 1)


def is_inference_mode_enabled():
    """Whether inference mode is on (per thread)."""
    return bool(tls_inference)


def _set_inference(mode):
    tls_inference_write(1 if mode else 0)
    tls_no_grad_write(1 if mode else tls_no_grad)


def dispatch_level(level=None):
    """0: __torch_function__ of all; 1: of objects that are no tensors; 2: of none. Sets when given; returns the former."""
    before = tls_no_dispatch
    if level is not None:
        tls_no_dispatch_write(level)
    return before


def set_function_modes(int depth):
    """Tell the dispatcher how many TorchFunctionModes are active."""
    global function_modes
    function_modes = depth


def set_forward_hook(hook):
    """`hook(overload, values, inplace)` sees every op but composites while a dual level is open; None to stop.

    It gives None, or a function that is called with the results to give them tangents.
    """
    global forward_hook
    forward_hook = hook


def in_forward_mode():
    """Whether ops pass tangents on."""
    return forward_hook is not None


# ------------------------------------------------------------------ the raw surface for Python layers
def make_subclass(cls, Tensor data not None, requires_grad=False):
    """A tensor of class `cls` on the data of `data`."""
    cdef Tensor t = <Tensor>Tensor.__new__(cls)
    t._a, t.code, t._st = data._a, data.code, storage_of(data)
    if requires_grad:
        check_can_require(t)
    t.rg = requires_grad
    return t


def as_subclass(Tensor t not None, cls):
    """`t.as_subclass(cls)`: the same data and history as an instance of a subclass of Tensor."""
    if not (isinstance(cls, type) and issubclass(cls, Tensor)):
        raise TypeError(f"cls must be a type (got {type(cls).__name__})" if not isinstance(cls, type) else
                        f"Creating a new Tensor subclass {cls.__name__} but the raw Tensor object is already associated to a python object of type Tensor")
    cdef Tensor v = <Tensor>T.alias(t)
    cdef Tensor r = <Tensor>Tensor.__new__(cls)
    r._a, r.code, r._st, r._fn, r.out_nr, r._base_ = v._a, v.code, v._st, v._fn, v.out_nr, v._base_
    r.creation, r.fn_version, r.inference = v.creation, v.fn_version, v.inference
    return r


def alias(Tensor t not None):
    """Same memory and version, no history: `t.detach()`."""
    return share(t)


def view_as_array(Tensor t not None, cnp.ndarray a not None):
    """A view of `t` through another array on its memory; None while tangents would be lost by it."""
    if forward_hook is not None:
        return None
    return make_view(t, a, VIEW_DEFAULT)


def set_array(Tensor t not None, cnp.ndarray a not None):
    """Let `t` show another array on the same memory (the in-place shape ops)."""
    t._a = a
    t.code = code_of(a)


def adopt(Tensor t not None, Tensor source not None):
    """`t.set_(source)`: take over memory, shape and type; writes are counted on from those to `t`."""
    cdef Storage before = storage_of(t)
    t._a, t.code, t._st = source._a, source.code, same_memory(storage_of(source), before.version)
    before.version += 1                      # for what else is on the memory given up


def replace_memory(Tensor t not None, cnp.ndarray a not None):
    """New memory for `t` (resize_): aliases keep the old."""
    cdef Storage before = storage_of(t)
    t._a, t.code, t._st = a, code_of(a), None
    t._st = storage_of(t)
    t._st.version = before.version
    before.version += 1


def view_of_storage(Tensor t not None, shape, strides, offset):
    """A tensor of its own on the storage of `t` (no autograd view)."""
    cdef Tensor r = wrap(strided_view(t, shape, strides, offset), t.code)
    r._st = storage_of(t)
    return r


def forget_history(Tensor t not None):
    """Make `t` a leaf that needs no gradient."""
    t._fn, t.rg, t.out_nr, t._base_ = None, False, 0, None


def new_hook_dict():
    """An ordered dict for hooks."""
    return _hook_dict()


def new_hook_handle(hooks, hook):
    """Put `hook` into `hooks`; gives the handle that removes it."""
    return _hook_handle(hooks, hook)


def strided_view(Tensor t not None, shape, strides, offset=None):
    """An array on the storage of `t` with given shape, strides and offset in elements; RuntimeError when it would reach outside."""
    cdef Storage st = storage_of(t)
    cdef Py_ssize_t item = ITEMSIZE[t.code]
    cdef object need                     # a Python number: hostile sizes must not wrap around
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef int i, nd = len(shape)
    cdef cnp.ndarray a
    if len(strides) != nd:
        raise RuntimeError("mismatch in length of strides and shape")
    if offset is None:
        offset = t.storage_offset()
    need = offset + 1
    for i in range(nd):
        if shape[i] < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {shape[i]}: {list(shape)}")
        if strides[i] < 0:
            raise RuntimeError(f"as_strided: Negative strides are not supported at the moment, got strides: {list(strides)}")
        need = 0 if shape[i] == 0 or need == 0 else need + (shape[i] - 1) * strides[i]
    if offset < 0:
        raise RuntimeError(f"Tensor: invalid storage offset {offset}")
    if need * item >= 2**63:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(shape)} and strides={list(strides)}")
    if need * item > st.nbytes:
        raise RuntimeError(f"setStorage: sizes {list(shape)}, strides {list(strides)}, storage offset {offset}, and itemsize {item} requiring a "
                           f"storage size of {need * item} are out of bounds for storage of size {st.nbytes}")
    for i in range(nd):
        dims[i] = shape[i]
        steps[i] = strides[i] * item if need and shape[i] > 1 else min(strides[i] * item, 2**62)
    a = PyArray_FromMemory(cnp.PyArray_DESCR(t._a), nd, dims, steps, st.data + <Py_ssize_t>offset * item)
    cnp.set_array_base(a, st.base)
    return a


def tensor_item(Tensor t not None):
    """`t.item()`."""
    if cnp.PyArray_SIZE(t._a) != 1:
        raise RuntimeError(f"a Tensor with {cnp.PyArray_SIZE(t._a)} elements cannot be converted to Scalar")
    return item_of(t)


def set_num_threads(n):
    """set_num_threads(int)

    Threads that one operation may use."""
    if not isinstance(n, int):
        raise RuntimeError(f"set_num_threads expects an int, but got {type(n).__name__}")
    if n <= 0:
        raise RuntimeError("set_num_threads expects a positive integer")
    runtime.set_threads(n)


def get_num_threads():
    """Threads that one operation may use."""
    return runtime.threads()


def install(**given):
    """Fill in what the core gets from the layers above: names of injected callables."""
    global _hook_dict, _hook_handle, _legacy_tensor, _getitem, _setitem, generator_type, disabled_torch_function, torch_function_handler
    for name, value in given.items():
        if name == "hook_dict":
            _hook_dict = value
        elif name == "hook_handle":
            _hook_handle = value
        elif name == "legacy_tensor":
            _legacy_tensor = value
        elif name == "getitem":
            _getitem = value
        elif name == "setitem":
            _setitem = value
        elif name == "generator_type":
            generator_type = value
        elif name == "disabled_torch_function":
            disabled_torch_function = value
        elif name == "torch_function_handler":
            torch_function_handler = value
        else:
            raise TypeError(f"install() got an unknown name {name!r}")
