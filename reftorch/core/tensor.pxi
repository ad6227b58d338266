# Size, Storage and Tensor.

class Size(tuple):
    """The shape of a tensor: a tuple that prints as `torch.Size([2, 3])`."""
    __slots__ = ()

    def __new__(cls, iterable=()):
        items = tuple(iterable)
        for i, v in enumerate(items):
            if not isinstance(v, int):
                if isinstance(v, Tensor) or hasattr(v, "__index__"):
                    items = tuple(v.__index__() for v in items)
                    break
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(v).__name__}')")
        return tuple.__new__(cls, items)

    def __repr__(self):
        return f"torch.Size([{', '.join(map(str, self))}])"

    def numel(self):
        """Number of elements of a tensor of this shape."""
        n = 1
        for v in self:
            n *= v
        return n

    def __getitem__(self, item):
        got = tuple.__getitem__(self, item)
        return Size(got) if isinstance(item, slice) else got

    def __add__(self, other):
        return Size(tuple.__add__(self, other)) if isinstance(other, tuple) else NotImplemented

    def __radd__(self, other):
        return Size(tuple.__add__(other, self)) if isinstance(other, tuple) else NotImplemented

    def __mul__(self, other):
        return Size(tuple.__mul__(self, other))

    __rmul__ = __mul__

    def __reduce__(self):
        return Size, (tuple(self),)


Size.__module__ = "reftorch"


@cython.final
@cython.freelist(64)
cdef class Storage:
    """A buffer's identity and version: shared by every tensor that aliases the buffer."""
    cdef readonly cnp.ndarray base            # keeps the memory
    cdef char *data
    cdef readonly Py_ssize_t nbytes
    cdef public long version
    cdef object __weakref__

    @property
    def address(self):
        return <size_t>self.data


@cython.freelist(256)
cdef class Tensor:
    """A dense array with a dtype, views, versions and gradients."""
    cdef PyObject *attributes        # the dict of what users set, or NULL; opcall.h knows this place and the next two
    cdef cnp.ndarray _a
    cdef Storage _st                 # None: nothing aliases the buffer and it was never written to
    cdef Node _fn
    cdef Tensor _base_               # the tensor whose memory this one views
    cdef object _grad
    cdef dict _x                     # rare: hooks, tangents, names, `retain`, accumulate node
    cdef int code, out_nr
    cdef int creation                # how a view came to be: see VIEW_*
    cdef int place                   # of a leaf: that of its visit in a backward pass
    cdef long fn_version             # version at which `_fn` of a view was made
    cdef bint rg, inference
    cdef object __weakref__

    def __init__(self, *args, **kwargs):
        cdef Tensor made
        if self._a is None:                  # the legacy constructor: torch.Tensor(2, 3)
            made = _legacy_tensor(*args, **kwargs)
            self._a, self.code = made._a, made.code

    # ---- what it is
    @property
    def shape(self):
        return size_of(self)

    def size(self, dim=None):
        """size(dim=None) -> torch.Size or int

        Shape as `torch.Size`, or the length of one dim."""
        if dim is None:
            return self.shape
        cdef Py_ssize_t nd = cnp.PyArray_NDIM(self._a), d
        if not isinstance(dim, int):
            raise TypeError(f"size(): argument 'dim' (position 1) must be int, not {type(dim).__name__}")
        d = existing_dim(dim, nd)
        return cnp.PyArray_DIMS(self._a)[d]

    def stride(self, dim=None):
        """stride(dim) -> tuple or int

        Steps in memory, in elements, along every dim or one."""
        cdef Py_ssize_t nd = cnp.PyArray_NDIM(self._a), i, item = ITEMSIZE[self.code]
        if dim is None:
            return strides_of(self)
        if not isinstance(dim, int):
            raise TypeError(f"stride(): argument 'dim' (position 1) must be int, not {type(dim).__name__}")
        return element_stride(self._a, existing_dim(dim, nd), item)

    def dim(self):
        """Number of dimensions."""
        return cnp.PyArray_NDIM(self._a)

    def ndimension(self):
        """Number of dimensions."""
        return cnp.PyArray_NDIM(self._a)

    @property
    def ndim(self):
        return cnp.PyArray_NDIM(self._a)

    def numel(self):
        """Number of elements."""
        return cnp.PyArray_SIZE(self._a)

    def nelement(self):
        """Number of elements."""
        return cnp.PyArray_SIZE(self._a)

    def element_size(self):
        """Bytes an element."""
        return ITEMSIZE[self.code]

    @property
    def itemsize(self):
        return ITEMSIZE[self.code]

    @property
    def nbytes(self):
        return cnp.PyArray_SIZE(self._a) * ITEMSIZE[self.code]

    @property
    def dtype(self):
        return <object>DTYPE[self.code]

    @property
    def device(self):
        return CPU

    @property
    def layout(self):
        return _strided

    def is_floating_point(self):
        """Whether the dtype is a real floating-point one."""
        return KIND[self.code] == KIND_FLOAT

    def is_complex(self):
        """Whether the dtype is complex."""
        return KIND[self.code] == KIND_COMPLEX

    def data_ptr(self):
        """Address of the first element."""
        return <size_t>cnp.PyArray_DATA(self._a) if cnp.PyArray_SIZE(self._a) else 0

    def storage_offset(self):
        """Position of the first element in the storage, in elements."""
        if self._st is None and cnp.PyArray_BASE(self._a) == NULL:
            return 0
        return (cnp.PyArray_BYTES(self._a) - storage_of(self).data) // ITEMSIZE[self.code]

    def is_set_to(self, Tensor tensor not None):
        """is_set_to(tensor) -> bool

        Whether both view the same memory in the same way."""
        return (cnp.PyArray_DATA(self._a) == cnp.PyArray_DATA(tensor._a) and self.shape == tensor.shape
                and self.stride() == tensor.stride())

    @property
    def _array(self):
        """The NumPy array that holds the elements (shares memory)."""
        return self._a

    @property
    def _storage(self):
        return storage_of(self)

    @property
    def _version(self):
        if self.inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return version_of(self)

    # ---- autograd
    @property
    def requires_grad(self):
        return requires_grad(self)

    @requires_grad.setter
    def requires_grad(self, value):
        if not isinstance(value, bool):
            raise RuntimeError("requires_grad must be a bool")
        if not requires_grad(self) and value and self.inference and not tls_inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        if grad_fn_of(self) is not None:
            if not value:
                raise RuntimeError("you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a "
                                   "subgraph that doesn't require differentiation use var_no_grad = var.detach().")
            return
        if value and KIND[self.code] < KIND_FLOAT:
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        self.rg = value

    def requires_grad_(self, requires_grad=True):
        """requires_grad_(requires_grad=True) -> Tensor

        Set `requires_grad` in place; returns self."""
        self.requires_grad = bool(requires_grad)
        return self

    @property
    def is_leaf(self):
        return grad_fn_of(self) is None

    @property
    def grad_fn(self):
        return grad_fn_of(self)

    @property
    def output_nr(self):
        return self.out_nr

    @property
    def _is_inference(self):
        return self.inference

    @property
    def _base(self):
        return self._base_

    def _is_view(self):
        return self._base_ is not None

    @property
    def _grad_raw(self):
        """`.grad` without the warning about non-leaf tensors."""
        return self._grad

    @_grad_raw.setter
    def _grad_raw(self, value):
        self._grad = value

    @property
    def grad(self):
        if self._grad is None and self._fn is not None and not self.retains_grad:
            import warnings
            warnings.warn("The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated "
                          "during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use "
                          ".retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf "
                          "Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more informations.", UserWarning, stacklevel=2)
        return self._grad

    @grad.setter
    def grad(self, value):
        cdef Tensor g
        if value is None:
            self._grad = None
            return
        if not isinstance(value, Tensor):
            raise TypeError(f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}")
        g = <Tensor>value
        if g is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if g.code != self.code:
            raise RuntimeError("attempting to assign a gradient with dtype '" + (<object>DTYPE[g.code]).type_name.lower()
                               + "' to a tensor with grad_dtype '" + (<object>DTYPE[self.code]).type_name + "'. The gradient must match the "
                               "tensor's grad_dtype (defaults to the tensor's dtype). You can set the tensor's grad_dtype attribute with a "
                               "specific dtype, or None to allow any dtype. Set grad_dtype with caution. Diverging the dtypes of a tensor and "
                               "its gradient may break downstream systems that assume they match.")
        if not same_shape(g._a, self._a):
            raise RuntimeError(f"assigned grad has data of a different size")
        self._grad = value

    @grad.deleter
    def grad(self):
        self._grad = None

    @property
    def data(self):
        """The same memory without history; writing to it does not count as a change."""
        cdef Tensor r = share(self)
        r._st = same_memory(storage_of(self), 0)
        return r

    @data.setter
    def data(self, Tensor value not None):
        if KIND[value.code] < KIND_FLOAT and requires_grad(self):
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        cdef long version = version_of(self)
        self._a, self.code = value._a, value.code
        self._st = same_memory(storage_of(value), version)

    @property
    def retains_grad(self):
        return self._x is not None and self._x.get("retain", False)

    @property
    def _extra(self):
        """Rare attributes: hooks, tangents."""
        if self._x is None:
            self._x = {}
        return self._x

    def _bump(self):
        """Count a write that did not come through an op."""
        bump(self)

    # ---- Python's protocols, written in tensor_methods.py
    def __repr__(self): return _special["__repr__"](self)
    def __bool__(self): return _special["__bool__"](self)
    def __int__(self): return _special["__int__"](self)
    def __float__(self): return _special["__float__"](self)
    def __index__(self): return _special["__index__"](self)
    def __iter__(self): return _special["__iter__"](self)
    def __contains__(self, element): return _special["__contains__"](self, element)

    def __hash__(self):
        return <size_t><PyObject *>self >> 4

    # ---- operators: one call of the op that install() put into the slot
    def __add__(a, b): return operate(SLOT_ADD, a, b)
    def __sub__(a, b): return operate(SLOT_SUB, a, b)
    def __mul__(a, b): return operate(SLOT_MUL, a, b)
    def __truediv__(a, b): return operate(SLOT_DIV, a, b)
    def __floordiv__(a, b): return operate(SLOT_FLOORDIV, a, b)
    def __mod__(a, b): return operate(SLOT_MOD, a, b)
    def __pow__(a, b, c): return operate(SLOT_POW, a, b)
    def __matmul__(a, b): return operate(SLOT_MATMUL, a, b)
    def __and__(a, b): return operate(SLOT_AND, a, b)
    def __or__(a, b): return operate(SLOT_OR, a, b)
    def __xor__(a, b): return operate(SLOT_XOR, a, b)
    def __lshift__(a, b): return operate(SLOT_LSHIFT, a, b)
    def __rshift__(a, b): return operate(SLOT_RSHIFT, a, b)
    def __neg__(a): return operate1(SLOT_NEG, a)
    def __pos__(a): return operate1(SLOT_POS, a)
    def __abs__(a): return operate1(SLOT_ABS, a)
    def __invert__(a): return operate1(SLOT_INVERT, a)
    def __iadd__(self, b): return operate_inplace(SLOT_ADD, self, b)
    def __isub__(self, b): return operate_inplace(SLOT_SUB, self, b)
    def __imul__(self, b): return operate_inplace(SLOT_MUL, self, b)
    def __itruediv__(self, b): return operate_inplace(SLOT_DIV, self, b)
    def __ifloordiv__(self, b): return operate_inplace(SLOT_FLOORDIV, self, b)
    def __imod__(self, b): return operate_inplace(SLOT_MOD, self, b)
    def __ipow__(self, b, c): return operate_inplace(SLOT_POW, self, b)
    def __iand__(self, b): return operate_inplace(SLOT_AND, self, b)
    def __ior__(self, b): return operate_inplace(SLOT_OR, self, b)
    def __ixor__(self, b): return operate_inplace(SLOT_XOR, self, b)
    def __ilshift__(self, b): return operate_inplace(SLOT_LSHIFT, self, b)
    def __irshift__(self, b): return operate_inplace(SLOT_RSHIFT, self, b)

    def __richcmp__(a, b, int which):
        return operate(SLOT_LT + which, a, b)

    def __len__(self):
        if cnp.PyArray_NDIM(self._a) == 0:
            raise TypeError("len() of a 0-d tensor")
        return cnp.PyArray_DIMS(self._a)[0]

    def __getitem__(self, key):
        if (type(self) is not Tensor or function_modes) and tls_no_dispatch < 2 and any_override([self], None, False):
            return torch_function_handler(Tensor.__getitem__, (self, key), {})
        cdef Tensor r = quick_item(self, key)
        return _getitem(self, key) if r is None else r

    def __setitem__(self, key, value):
        if (type(self) is not Tensor or type(value) is not Tensor or function_modes) and tls_no_dispatch < 2 and any_override([self, value], None, False):
            torch_function_handler(Tensor.__setitem__, (self, key, value), {})
            return
        _setitem(self, key, value)

    def __delitem__(self, key):
        raise TypeError("Tensor does not support deleting items")


SPECIAL = frozenset(("__repr__", "__bool__", "__int__", "__float__", "__index__", "__iter__", "__contains__"))
_special = {}                # __repr__ and its like, filled by tensor_methods.py
cdef object _legacy_tensor = None, _getitem = None, _setitem = None, _strided = LAYOUTS["strided"]


# ------------------------------------------------------------------ helpers on tensors
cdef inline Py_ssize_t element_stride(cnp.ndarray a, Py_ssize_t i, Py_ssize_t item):
    """NumPy gives new empty arrays strides of 0 alone; torch counts them from the right, a length of 0 as 1."""
    cdef Py_ssize_t step = 1, j
    if cnp.PyArray_SIZE(a) == 0:
        for j in range(cnp.PyArray_NDIM(a)):
            if cnp.PyArray_STRIDES(a)[j]:
                break
        else:
            for j in range(i + 1, cnp.PyArray_NDIM(a)):
                step *= max(cnp.PyArray_DIMS(a)[j], 1)
            return step
    return cnp.PyArray_STRIDES(a)[i] // item


cdef object size_of(Tensor t):
    """The shape, a Size."""
    cdef int i, nd = cnp.PyArray_NDIM(t._a)
    cdef object made = tuple_alloc(<PyTypeObject *>Size, nd), n
    for i in range(nd):
        n = cnp.PyArray_DIMS(t._a)[i]
        Py_INCREF(n)
        PyTuple_SET_ITEM(made, i, n)
    return made


cdef object strides_of(Tensor t):
    """The strides, in elements."""
    cdef Py_ssize_t i, item = ITEMSIZE[t.code]
    return tuple([element_stride(t._a, i, item) for i in range(cnp.PyArray_NDIM(t._a))])


cdef Py_ssize_t wrap_dim(Py_ssize_t dim, Py_ssize_t nd) except -1:
    """Negative dims count from the end; IndexError when out of range."""
    cdef Py_ssize_t n = nd if nd > 0 else 1
    if dim < -n or dim >= n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n - 1}], but got {dim})")
    return dim + n if dim < 0 else dim


cdef Py_ssize_t existing_dim(Py_ssize_t dim, Py_ssize_t ndim) except -1:
    """As `wrap_dim`, where a tensor without dimensions has none to ask for."""
    if ndim == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return wrap_dim(dim, ndim)


def normalize_dim(Py_ssize_t dim, Py_ssize_t ndim):
    """`dim` counted from the front; IndexError with torch's text when out of range (0-dim tensors count as 1-dim)."""
    return wrap_dim(dim, ndim)


cdef inline bint same_shape(cnp.ndarray a, cnp.ndarray b):
    cdef int nd = cnp.PyArray_NDIM(a)
    return nd == cnp.PyArray_NDIM(b) and PyArray_CompareLists(cnp.PyArray_DIMS(a), cnp.PyArray_DIMS(b), nd)


cdef inline Tensor wrap(cnp.ndarray a, int code):
    """A fresh tensor around an array of that code."""
    cdef Tensor t = Tensor.__new__(Tensor)
    t._a = a
    t.code = code
    t.inference = tls_inference
    return t


def from_array(a):
    """A tensor over a NumPy array, sharing its memory."""
    if not isinstance(a, np.ndarray):
        a = np.asarray(a)
    return wrap(<cnp.ndarray>a, code_of(<cnp.ndarray>a))


cdef Storage storage_of(Tensor t):
    """The storage record, made on first need: from then on aliases share it."""
    cdef Storage s = t._st
    cdef char *lo
    cdef char *hi
    cdef int i
    if s is None:
        s = t._st = Storage.__new__(Storage)
        s.base = t._a
        lo = hi = cnp.PyArray_BYTES(t._a)
        if cnp.PyArray_SIZE(t._a):
            for i in range(cnp.PyArray_NDIM(t._a)):
                hi += cnp.PyArray_STRIDES(t._a)[i] * (cnp.PyArray_DIMS(t._a)[i] - 1)
            hi += ITEMSIZE[t.code]
        s.data = lo
        s.nbytes = hi - lo
    return s


cdef Storage same_memory(Storage st, long version):
    """The buffer of `st` with writes counted apart."""
    cdef Storage r = Storage.__new__(Storage)
    r.base, r.data, r.nbytes, r.version = st.base, st.data, st.nbytes, version
    return r


cdef inline long version_of(Tensor t):
    return 0 if t._st is None else t._st.version


cdef inline int bump(Tensor t) except -1:
    cdef Storage st = storage_of(t)
    st.version += 1
    return 0


cdef inline Tensor share(Tensor t):
    """Another tensor on the same array, without history."""
    cdef Tensor r = wrap(t._a, t.code)
    r._st = storage_of(t)
    r.inference = t.inference
    return r


cdef inline Tensor share_dual(Tensor t):
    """`share`, with the tangents of forward mode."""
    cdef Tensor r = share(t)
    if t._x is not None and "tangent" in t._x:
        r._x = {"tangent": dict(t._x["tangent"])}
    return r


cdef inline bint requires_grad(Tensor t):
    if t.rg or t._fn is not None:
        return True
    return t._base_ is not None and requires_grad(t._base_) and KIND[t.code] >= KIND_FLOAT


cdef int check_can_require(Tensor t) except -1:
    """Refuse a gradient to a new tensor of integers or bools."""
    if KIND[t.code] < KIND_FLOAT:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    return 0


cdef Node grad_fn_of(Tensor t) except *:
    """The node that made `t`; for a view whose base was written to since, a fresh one that reads the base."""
    if t._base_ is not None:
        if t._fn is None and (KIND[t.code] < KIND_FLOAT or not requires_grad(t._base_)):
            return None
        if t.fn_version != version_of(t):
            if t.creation != VIEW_DEFAULT:
                raise_view_write(t, True)
            t._fn = view_node(t)
            t.out_nr = 0
            t.fn_version = version_of(t)
    return t._fn
