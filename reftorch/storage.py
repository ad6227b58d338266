"""Storages: the memory behind tensors, as bytes (UntypedStorage) or as elements of a dtype (TypedStorage)."""
import warnings

from .core import DTYPES, T, Tensor, _core, device
from .core._core import from_array, set_type_attribute
from .ops.conversion import show, storage_array

_DEPRECATED = ("TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage class. This should only matter to "
               "you if you are using storages directly.  To access UntypedStorage directly, use tensor.untyped_storage() instead of tensor.storage()")


class UntypedStorage:
    """The bytes that one or several tensors show."""
    is_cuda = False
    is_sparse = False

    def __init__(self, *args, device=None):
        if len(args) > 1:
            raise TypeError(f"UntypedStorage() takes at most 1 positional argument but {len(args)} were given")
        data = args[0] if args else 0
        kind = DTYPES["uint8"]
        self._holder = T.empty((data,), dtype=kind) if isinstance(data, int) else T.tensor(list(data), dtype=kind)

    @classmethod
    def _of(cls, tensor):
        made = cls.__new__(cls)
        made._holder = _core.alias(tensor)
        return made

    @property
    def _bytes(self):
        return storage_array(self._holder, DTYPES["uint8"].numpy)

    device = property(lambda self: device("cpu"))

    def nbytes(self):
        """Length in bytes."""
        return self._holder._storage.nbytes

    size = __len__ = nbytes

    def element_size(self):
        """One byte an element."""
        return 1

    def data_ptr(self):
        """Address of the first byte."""
        return self._holder._storage.address if self.nbytes() else 0

    def __getitem__(self, index):
        if isinstance(index, slice):
            made = UntypedStorage()
            made._holder = from_array(self._bytes[index])
            return made
        return int(self._bytes[index])

    def __setitem__(self, index, value):
        self._bytes[index] = value

    def __iter__(self):
        return iter(self.tolist())

    def __eq__(self, other):
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr() and self.nbytes() == other.nbytes()

    def __hash__(self):
        return hash(self.data_ptr())

    def tolist(self):
        """The bytes as a list of numbers."""
        return self._bytes.tolist()

    def clone(self):
        """A copy."""
        made = UntypedStorage(self.nbytes())
        return made.copy_(self)

    def copy_(self, source, non_blocking=None):
        """Write the bytes of another storage."""
        self._bytes[...] = source._bytes
        return self

    def fill_(self, value):
        """Set every byte."""
        self._bytes[...] = value
        return self

    def resize_(self, size):
        """Another length; tensors on the storage keep their shapes."""
        if size > self.nbytes():
            flat = _core.alias(self._holder)
            show(flat, (-(-size // flat.itemsize),), (1,), 0)

    def is_shared(self):
        """Whether other processes see the memory."""
        return False

    def cpu(self):
        """The storage itself."""
        return self

    def __repr__(self):
        head = "".join(f" {v}\n" for v in self.tolist())
        return f"{head}[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"

    __str__ = __repr__


class TypedStorage:
    """A storage read as elements of a dtype (deprecated in PyTorch)."""
    is_cuda = False
    is_sparse = False
    dtype = None

    def __init__(self, *args, wrap_storage=None, dtype=None, device=None, _internal=False):
        if not _internal:
            warnings.warn(_DEPRECATED, UserWarning, stacklevel=2)
        if dtype is not None:
            self.dtype = dtype
        elif self.dtype is None:
            self.dtype = _core.get_default_dtype()
        if wrap_storage is None:
            data = args[0] if args else 0
            made = T.empty((data,), dtype=self.dtype) if isinstance(data, int) else T.tensor(list(data), dtype=self.dtype)
            wrap_storage = UntypedStorage._of(made)
        self._untyped_storage = wrap_storage

    device = property(lambda self: device("cpu"))
    _holder = property(lambda self: self._untyped_storage._holder)

    @property
    def _elements(self):
        return storage_array(self._holder, self.dtype.numpy)

    def untyped(self):
        """The same memory as bytes."""
        return self._untyped_storage

    def nbytes(self):
        """Length in bytes."""
        return self._untyped_storage.nbytes()

    def size(self):
        """Length in elements."""
        return self.nbytes() // self.dtype.itemsize

    __len__ = size

    def element_size(self):
        """Bytes an element."""
        return self.dtype.itemsize

    def data_ptr(self):
        """Address of the first element."""
        return self._untyped_storage.data_ptr()

    def __getitem__(self, index):
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return from_array(self._elements)[index].item()

    def __setitem__(self, index, value):
        from_array(self._elements)[index] = value

    def __iter__(self):
        return iter(self.tolist())

    def tolist(self):
        """The elements as Python numbers."""
        return from_array(self._elements).tolist()

    def copy_(self, source, non_blocking=None):
        """Write the elements of another storage."""
        self._elements[...] = source._elements
        return self

    def clone(self):
        """A copy."""
        return type(self)(wrap_storage=self._untyped_storage.clone(), dtype=self.dtype, _internal=True)

    def fill_(self, value):
        """Set every element."""
        self._elements[...] = value
        return self

    def is_shared(self):
        """Whether other processes see the memory."""
        return False

    def cpu(self):
        """The storage itself."""
        return self

    def __eq__(self, other):
        return isinstance(other, TypedStorage) and self.dtype is other.dtype and self._untyped_storage == other._untyped_storage

    def __hash__(self):
        return hash(self._untyped_storage)

    def __repr__(self):
        head = "".join(f" {v}\n" for v in self.tolist())
        return f"{head}[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {len(self)}]"

    __str__ = __repr__


STORAGES = {kind.type_name + "Storage": type(kind.type_name + "Storage", (TypedStorage,), {"dtype": kind, "__module__": "torch"})
            for kind in DTYPES.values() if kind.name not in ("uint16", "uint32", "uint64", "complex32") and not kind.name.startswith("float8")}
globals().update(STORAGES)


def is_storage(obj, /):
    """Whether an object is a storage."""
    return isinstance(obj, (UntypedStorage, TypedStorage))


def _untyped_storage(self):
    """The tensor's memory as bytes."""
    return UntypedStorage._of(self)


def _storage(self):
    """The tensor's memory as elements of its dtype (deprecated)."""
    warnings.warn(_DEPRECATED, UserWarning, stacklevel=2)
    return TypedStorage(wrap_storage=UntypedStorage._of(self), dtype=self.dtype, _internal=True)


def _storage_type(self):
    """The storage class of the tensor's dtype."""
    return STORAGES[self.dtype.type_name + "Storage"]


for _fn in (_untyped_storage, _storage, _storage_type):
    _fn.__name__ = _fn.__name__[1:]
    set_type_attribute(Tensor, _fn.__name__, _fn)
