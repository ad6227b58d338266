"""Storages: the memory behind tensors, as bytes (UntypedStorage) or as elements of a dtype (TypedStorage)."""
import mmap
import os
import sys
import warnings

import numpy as np

from .core import DTYPES, T, Tensor, _core, device
from .core._core import from_array, set_type_attribute
from .ops.conversion import show, storage_array

_DEPRECATED = ("TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage class. This should only matter to "
               "you if you are using storages directly.  To access UntypedStorage directly, use tensor.untyped_storage() instead of tensor.storage()")

_OVERLOADS = ("TypedStorage.__init__ received an invalid combination of arguments. Expected one of:\n * (*, torch.device device, torch.dtype dtype)\n"
              " * (int size, *, torch.device device, torch.dtype dtype)\n * (Sequence data, *, torch.device device, torch.dtype dtype)\n"
              " * (*, UntypedStorage wrap_storage, torch.dtype dtype)")


class _Storage:
    """What both kinds of storages have; `_elements` is the array of what they count."""

    is_cuda = is_hpu = is_sparse = is_sparse_csr = False
    resizable = lambda self: True
    is_pinned = lambda self, device="cuda": False
    filename = None

    device = property(lambda self: device("cpu"))
    _bytes = property(lambda self: storage_array(self._holder, DTYPES["uint8"].numpy))

    def __getitem__(self, index):
        self._check(index)
        return from_array(self._elements)[index].item()

    def __setitem__(self, index, value):
        self._check(index)
        from_array(self._elements)[index] = value

    def _check(self, index):
        if not isinstance(index, slice) and not -len(self) <= index < len(self):
            raise IndexError(f"index {index} out of range for storage of size {len(self)}")

    def __iter__(self):
        return iter(self.tolist())

    def tolist(self):
        """The elements as Python numbers."""
        return from_array(self._elements).tolist()

    def copy_(self, source, non_blocking=None):
        """Write the bytes of another storage."""
        if self.nbytes() != source.nbytes():
            raise RuntimeError(f"size does not match, self was {self.nbytes()} bytes but src was {source.nbytes()} bytes")
        self._bytes[...] = source._bytes            # torch: typed storages too copy bits, whatever they are of
        return self

    def fill_(self, value):
        """Set every element."""
        from_array(self._elements).fill_(value)
        return self

    def is_shared(self):
        """Whether other processes see the memory."""
        return False

    def cpu(self):
        """The storage itself."""
        return self

    def __repr__(self):
        return "".join(f" {v}\n" for v in self.tolist()) + f"[{self._described} of size {len(self)}]"

    __str__ = __repr__


def _conversion(name, dtype):
    def convert(self):
        return TypedStorage(wrap_storage=UntypedStorage._of(from_array(self._elements).to(dtype)), dtype=dtype, _internal=True)

    convert.__name__, convert.__doc__ = name, f"The elements as a storage of {dtype}."
    return convert


for _name, _kind in {"double": "float64", "float": "float32", "half": "float16", "bfloat16": "bfloat16", "long": "int64", "int": "int32", "short": "int16",
                     "char": "int8", "byte": "uint8", "bool": "bool", "complex_float": "complex64", "complex_double": "complex128",
                     "float8_e4m3fn": "float8_e4m3fn", "float8_e5m2": "float8_e5m2"}.items():
    setattr(_Storage, _name, _conversion(_name, DTYPES[_kind]))


class UntypedStorage(_Storage):
    """The bytes that one or several tensors show."""

    _described = "torch.storage.UntypedStorage(device=cpu)"
    _elements = property(lambda self: self._bytes)

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

    @staticmethod
    def from_buffer(buffer, byte_order=None, count=-1, offset=0, *, dtype):
        """A copy of `count` elements of a bytes-like object, from byte `offset` on, turned from `byte_order` to the machine's."""
        if byte_order is None and dtype.itemsize > 1:
            raise RuntimeError("function missing required argument 'byte_order' (pos 2)")
        size = memoryview(buffer).nbytes
        if count < 0 and (size - offset) % dtype.itemsize:
            raise ValueError(f"buffer size ({size}) must be a multiple of element size ({dtype.itemsize})")
        made = UntypedStorage._of(from_array(np.frombuffer(buffer, np.uint8, count if count < 0 else count * dtype.itemsize, offset).copy()))
        if byte_order not in (None, "native", sys.byteorder):
            made.byteswap(dtype)
        return made

    @staticmethod
    def from_file(filename, shared=False, nbytes=0):
        """The first `nbytes` of a file, mapped; changes go to the file if `shared`, which then is made or grown as needed."""
        try:
            file = os.open(filename, os.O_RDWR | os.O_CREAT if shared else os.O_RDONLY, 0o600)
        except OSError as e:
            mode = "read-write" if shared else "read-only"
            raise RuntimeError(f"unable to open file <{filename}> in {mode} mode: {e.strerror} ({e.errno})") from None
        try:
            size = os.fstat(file).st_size
            if size < nbytes and not shared:
                raise RuntimeError(f"file <{filename}> size <{size}> is smaller than the required mapping size <{nbytes}>")
            if size < nbytes:
                os.ftruncate(file, nbytes)
            if not nbytes:
                return UntypedStorage()
            mapped = mmap.mmap(file, nbytes, mmap.MAP_SHARED if shared else mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
        finally:
            os.close(file)
        return UntypedStorage._of(from_array(np.frombuffer(mapped, np.uint8)))

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
        if not isinstance(index, slice):
            return super().__getitem__(index)
        if index.step not in (None, 1):
            raise RuntimeError(f"Trying to slice with a step of {index.step}, but only a step of 1 is supported")
        return UntypedStorage._of(from_array(self._bytes[index]))

    def __eq__(self, other):
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr() and self.nbytes() == other.nbytes()

    def __hash__(self):
        return hash(self.data_ptr())

    def untyped(self):
        """The storage itself."""
        return self

    def new(self):
        """An empty storage."""
        return UntypedStorage()

    def type(self):
        """The name of the class."""
        return "torch.storage.UntypedStorage"

    def clone(self):
        """A copy."""
        return UntypedStorage(self.nbytes()).copy_(self)

    def byteswap(self, dtype):
        """Turn the bytes of every element of `dtype` around."""
        unit = dtype.itemsize // (2 if dtype.is_complex else 1)
        self._bytes[...] = self._bytes.view(f"u{unit}").byteswap().view(np.uint8)

    def resize_(self, size):
        """Another length; tensors on the storage keep their shapes."""
        if size > self.nbytes():
            flat = _core.alias(self._holder)
            show(flat, (-(-size // flat.itemsize),), (1,), 0)


class TypedStorage(_Storage):
    """A storage read as elements of a dtype (deprecated in PyTorch)."""

    dtype = None

    def __init__(self, *args, wrap_storage=None, dtype=None, device=None, _internal=False):
        if not _internal:
            warnings.warn(_DEPRECATED, UserWarning, stacklevel=2)
        if dtype is not None:
            self.dtype = dtype
        elif self.dtype is None:
            self.dtype = _core.get_default_dtype()
        if not isinstance(wrap_storage, (UntypedStorage, type(None))):
            raise TypeError(f"{_OVERLOADS}\nArgument 'wrap_storage' must be UntypedStorage, but got {type(wrap_storage)}")
        if wrap_storage is None:
            data = args[0] if args else 0
            made = T.empty((data,), dtype=self.dtype) if isinstance(data, int) else T.tensor(list(data), dtype=self.dtype)
            wrap_storage = UntypedStorage._of(made)
        self._untyped_storage = wrap_storage

    _holder = property(lambda self: self._untyped_storage._holder)
    _elements = property(lambda self: storage_array(self._holder, self.dtype.numpy))
    _described = property(lambda self: f"torch.storage.TypedStorage(dtype={self.dtype}, device=cpu)")

    @classmethod
    def from_buffer(cls, *args, **kwargs):
        """`UntypedStorage.from_buffer` for elements of the class's dtype."""
        return cls(wrap_storage=UntypedStorage.from_buffer(*args, dtype=cls.dtype, **kwargs), _internal=True)

    @classmethod
    def from_file(cls, filename, shared, size):
        """`UntypedStorage.from_file` for `size` elements."""
        return cls(wrap_storage=UntypedStorage.from_file(filename, shared, size * cls.dtype.itemsize), _internal=True)

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

    def pickle_storage_type(self):
        """The name of the storage class of the dtype."""
        return self.dtype.type_name + "Storage"

    def type(self):
        """The full name of the storage class of the dtype."""
        return f"torch.{self.pickle_storage_type()}"

    def __getitem__(self, index):
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return super().__getitem__(index)

    def resize_(self, size):
        """Another length in elements."""
        self._untyped_storage.resize_(size * self.dtype.itemsize)

    def clone(self):
        """A copy."""
        return self.__class__(wrap_storage=self._untyped_storage.clone(), dtype=self.dtype, _internal=True)

    def __eq__(self, other):
        return isinstance(other, TypedStorage) and self.dtype is other.dtype and self._untyped_storage == other._untyped_storage

    def __hash__(self):
        return hash(self._untyped_storage)


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
