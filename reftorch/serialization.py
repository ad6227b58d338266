"""Saving and loading: PyTorch's zip files both ways, and the format before them."""
import contextlib
import enum
import functools
import io
import mmap
import os
import pickle
import re
import secrets
import shutil
import stat
import struct
import sys
import threading
import types

import numpy as np

import reftorch as torch

from . import _utils, _weights_only_unpickler
from ._archive import ALIGNMENT, ArchiveReader, ArchiveWriter, corrupt
from .core import device
from .core._core import from_array
from .ops.conversion import storage_array
from .storage import TypedStorage, UntypedStorage

__all__ = [
    "SourceChangeWarning", "check_module_version_greater_or_equal", "register_package", "validate_cuda_device", "location_tag",
    "default_restore_location", "normalize_storage_type", "storage_to_tensor_type", "save", "load", "LoadEndianness", "get_crc32_options",
    "set_crc32_options", "get_default_load_endianness", "set_default_load_endianness", "get_default_mmap_options", "set_default_mmap_options",
    "clear_safe_globals", "get_safe_globals", "add_safe_globals", "safe_globals", "get_unsafe_globals_in_checkpoint", "skip_data",
]  # fmt: skip

DEFAULT_PROTOCOL = 2
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
MAP_SHARED, MAP_PRIVATE = mmap.MAP_SHARED, mmap.MAP_PRIVATE

_UNSAFE = ("In PyTorch 2.6, we changed the default value of the `weights_only` argument in `torch.load` from `False` to `True`. Re-running `torch.load` "
           "with `weights_only` set to `False` will likely succeed, but it can result in arbitrary code execution. Do it only if you got the file from "
           "a trusted source.")
_DOCS = ("\n\nCheck the documentation of torch.load to learn more about types accepted by default with weights_only "
         "https://pytorch.org/docs/stable/generated/torch.load.html.")


class SourceChangeWarning(Warning):
    """The source of a saved class has changed."""


class LoadEndianness(enum.Enum):
    """The byte order of files that do not tell theirs."""

    NATIVE = 1
    LITTLE = 2
    BIG = 3


class _Options(threading.local):
    endianness = None
    crc32 = True
    mmap_flags = MAP_PRIVATE
    skip_data = False


_options = _Options()


# ------------------------------------------------------------------ options
def get_crc32_options():
    """Whether `save` writes checksums."""
    return _options.crc32


def set_crc32_options(compute_crc32):
    """Have `save` write checksums, or zeros."""
    _options.crc32 = compute_crc32


def get_default_load_endianness():
    """The byte order that `load` assumes of files without a byte order mark; None means little."""
    return _options.endianness


def set_default_load_endianness(endianness):
    """Set what `get_default_load_endianness` gives."""
    if endianness is not None and not isinstance(endianness, LoadEndianness):
        raise TypeError("Invalid argument type in function set_default_load_endianness")
    _options.endianness = endianness


def get_default_mmap_options():
    """How `load(mmap=True)` maps files: MAP_PRIVATE or MAP_SHARED."""
    return _options.mmap_flags


class set_default_mmap_options:
    """Map files with these flags, from now on or within a block."""

    def __init__(self, flags):
        if flags not in (MAP_PRIVATE, MAP_SHARED):
            raise ValueError(f"Invalid argument in function set_default_mmap_options, expected mmap.MAP_PRIVATE or mmap.MAP_SHARED, but got {flags}")
        self.previous, _options.mmap_flags = _options.mmap_flags, flags

    def __enter__(self):
        pass

    def __exit__(self, kind, value, traceback):
        _options.mmap_flags = self.previous


class skip_data:
    """Within the block `save` writes no elements, only their place, and `load` reads none."""

    def __init__(self, materialize_fake_tensors=False):
        self.materialize_fake_tensors = materialize_fake_tensors

    def __enter__(self):
        self.previous, _options.skip_data = _options.skip_data, True

    def __exit__(self, kind, value, traceback):
        _options.skip_data = self.previous


def clear_safe_globals():
    """Forget all that `add_safe_globals` was given."""
    _weights_only_unpickler.user_globals.clear()


def get_safe_globals():
    """What `add_safe_globals` was given."""
    return list(_weights_only_unpickler.user_globals)


def add_safe_globals(safe_globals):
    """Let files name these classes and functions though `weights_only=True`; a pair (object, name) gives the name in the file."""
    for one in safe_globals:
        if isinstance(one, tuple) and len(one) != 2:
            raise ValueError(f"Expected tuple of length 2 (global, str of callable full path), but got tuple of length: {len(one)}")
        if not isinstance(one, tuple):
            _weights_only_unpickler.full_name(one)           # its error for what has no name
    known = _weights_only_unpickler.user_globals
    known.extend(one for one in safe_globals if one not in known)


class safe_globals:
    """`add_safe_globals` within a block."""

    def __init__(self, safe_globals):
        self.safe_globals = safe_globals

    def __enter__(self):
        self.previous = get_safe_globals()
        add_safe_globals(self.safe_globals)

    def __exit__(self, kind, value, traceback):
        _weights_only_unpickler.user_globals[:] = self.previous


def get_unsafe_globals_in_checkpoint(f):
    """Names that a file uses and `load(weights_only=True)` would refuse."""
    with _opened(f, "rb") as file:
        if not _is_zip(file):
            raise ValueError("Expected input to be a checkpoint returned by torch.save")
        return _weights_only_unpickler.unsafe_globals(ArchiveReader(file).read("data.pkl").tobytes())


def check_module_version_greater_or_equal(module, req_version_tuple, error_if_malformed=True):
    """Whether a module's `__version__` is at least the version asked for."""
    try:
        found = tuple(type(want)(part) for want, part in zip(req_version_tuple, module.__version__.split("."), strict=False))
    except Exception as e:
        message = (f"'{module.__name__}' module version string is malformed '{module.__version__}' and cannot be compared with tuple "
                   f"{req_version_tuple}")
        if error_if_malformed:
            raise RuntimeError(message) from e
        import warnings
        warnings.warn(message + ", but continuing assuming that requirement is met", stacklevel=2)
        return True
    return found >= req_version_tuple


# ------------------------------------------------------------------ where storages live
_packages = []                   # (priority, tagger, deserializer), by priority


def register_package(priority, tagger, deserializer):
    """Add a rule: `tagger(storage)` names where a storage lives, `deserializer(storage, tag)` puts it there; each gives None to pass."""
    _packages.append((priority, tagger, deserializer))
    _packages.sort(key=lambda rule: rule[0])


def _no_device(what):
    """The error for storages that lived where there is nothing here; PyTorch's CPU build says the same."""
    return RuntimeError(f"{what}. If you are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map your "
                        "storages to the CPU.")


def validate_cuda_device(location):
    """Refuses, as a CPU build of PyTorch does."""
    _restore_elsewhere(None, "cuda")


def _restore_elsewhere(storage, location):
    kind = re.match("cuda|xpu|hpu|privateuseone|mps|meta|", location)[0]        # torch: a device object in a dict is a TypeError of re's
    if kind in ("cuda", "xpu"):
        raise _no_device(f"Attempting to deserialize object on a {kind.upper()} device but torch.{kind}.is_available() is False")
    if kind in ("hpu", "privateuseone"):
        raise _no_device(f"The {kind.upper()} device module is not registered")
    if kind == "mps":
        raise RuntimeError("torch.UntypedStorage(): Storage device not recognized: mps")
    if kind == "meta":
        raise NotImplementedError("reftorch runs on the CPU alone, not on meta")


register_package(10, lambda storage: "cpu", lambda storage, location: storage if location == "cpu" else None)
register_package(20, lambda storage: None, _restore_elsewhere)


def location_tag(storage):
    """The name of the place where a storage lives."""
    return next(tag for _, tagger, _ in _packages if (tag := tagger(storage)))


def default_restore_location(storage, location):
    """The storage, moved to the place of that name."""
    for _, _, deserializer in _packages:
        found = deserializer(storage, location)
        if found is not None:
            return found
    kind = "TypedStorage" if isinstance(storage, TypedStorage) else "UntypedStorage"
    raise RuntimeError(f"don't know how to restore data location of torch.storage.{kind} (tagged with {location})")


def _restorer(map_location):
    """`map_location` as a function of a storage and the name of the place it was saved from."""
    if map_location is None:
        return default_restore_location
    if isinstance(map_location, dict):
        return lambda storage, location: default_restore_location(storage, map_location.get(location, location))
    if isinstance(map_location, (str, device)):
        return lambda storage, location: default_restore_location(storage, str(map_location))

    def ask(storage, location):
        found = map_location(storage, location)
        return default_restore_location(storage, location) if found is None else found
    return ask


def normalize_storage_type(storage_type):
    """The storage class itself: all are on the CPU."""
    return getattr(torch, storage_type.__name__)


def storage_to_tensor_type(storage):
    """The tensor class of a storage's elements."""
    return torch.tensor_types.TYPES[type(storage).__name__.replace("Storage", "Tensor")]


# ------------------------------------------------------------------ files
@contextlib.contextmanager
def _opened(f, mode):
    if isinstance(f, (str, os.PathLike)):
        with open(f, mode) as file:
            yield file
        return
    if "r" in mode:
        for name in ("seek", "tell", "read", "readline"):
            if not hasattr(f, name):
                raise AttributeError(f"{type(f).__name__!r} object has no attribute '{name}'. You can only torch.load from a file that is seekable. "
                                     "Please pre-load the data into a buffer like io.BytesIO and try to load from it instead.")
    yield f


@contextlib.contextmanager
def _replacing(f):
    """A file to write to: what stood at the path before stays until all is written."""
    if not isinstance(f, (str, os.PathLike)):
        yield f
        f.flush() if hasattr(f, "flush") else None
        return
    target = os.path.realpath(os.fspath(f))
    folder, name = os.path.split(target)
    if os.path.exists(target) and not os.path.isfile(target) or not os.path.isdir(folder):
        with open(target, "wb") as file:            # a pipe or device: nothing to replace; or nothing can be written
            yield file
        return
    beside = os.path.join(folder, f".{name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with _nameless(folder) or open(beside, "xb") as file:
            yield file
            file.flush()
            if os.path.exists(target):
                os.chmod(file.fileno(), stat.S_IMODE(os.stat(target).st_mode))
            if file.name != beside:                 # late: killed between here and the next step, a whole file is left under this name
                _give_name(file, beside)
        os.replace(beside, target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        raise


def _nameless(folder):
    """A new file without a name, which nothing is left of should the process be killed; None where the file system has no such files."""
    try:
        return open(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "w+b")
    except (AttributeError, OSError):
        return None


def _give_name(file, path):
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.link(f"/proc/self/fd/{file.fileno()}", os.path.basename(path), dst_dir_fd=folder, follow_symlinks=True)
    except OSError:                     # no /proc, or a file system of its own mind
        file.seek(0)
        with open(path, "xb") as named:
            shutil.copyfileobj(file, named)
            os.chmod(named.fileno(), stat.S_IMODE(os.fstat(file.fileno()).st_mode))
    finally:
        os.close(folder)


def _is_zip(file):
    start = file.tell()
    head = file.read(4)
    file.seek(start)
    return head == b"PK\3\4"


# ------------------------------------------------------------------ saving
@functools.cache
def _pickler_class(base):
    """A pickler that writes PyTorch's names and hands storages to `persistent_id`."""

    class Pickler(base):
        def reducer_override(self, obj):
            return _utils.reduce_known(obj)

        def save_global(self, obj, name=None):
            place = _utils.torch_name(obj, name)
            if place is None or place[0] == "torch" and "<" in place[1]:
                try:
                    super().save_global(obj, name)
                except pickle.PicklingError:
                    pickle.dumps(obj, self.proto)           # the compiled pickler has other words for it, and they are the known ones
                    raise
                return
            if self.proto >= 4:
                self.save(place[0])
                self.save(place[1])
                self.write(pickle.STACK_GLOBAL)
            else:
                self.write(pickle.GLOBAL + f"{place[0]}\n{place[1]}\n".encode())
            self.memoize(obj)

        dispatch = {**getattr(base, "dispatch", {}), types.FunctionType: save_global}

    return Pickler


class _Storages:
    """The storages that a pickle names, in order, each under its key."""

    def __init__(self, key, legacy=False):
        self.make_key, self.legacy = key, legacy
        self.found = {}                 # id of the storage record -> (key, storage, dtype); the storage keeps the id taken
        self.dtypes = {}                # address -> dtype

    def persistent_id(self, obj):
        if not isinstance(obj, (TypedStorage, UntypedStorage)):
            return None
        typed = isinstance(obj, TypedStorage)
        dtype = obj.dtype if typed else torch.uint8
        if obj.data_ptr() and self.dtypes.setdefault(obj.data_ptr(), dtype) is not dtype:
            raise RuntimeError("Cannot save multiple tensors or storages that view the same data as different types")
        record = obj._holder._storage
        key, *_ = self.found.setdefault(id(record), (self.make_key(len(self.found), record), obj, record))
        cls = _utils.storage_class(dtype) if typed else UntypedStorage
        pid = ("storage", cls, key, location_tag(obj), obj.nbytes() // dtype.itemsize)
        return (*pid, None) if self.legacy else pid

    def items(self):
        """(key, bytes) of each storage."""
        return [(key, storage_array(obj._holder, np.dtype(np.uint8))) for key, obj, _ in self.found.values()]

    def pickle(self, obj, pickle_module, protocol):
        """The pickle of `obj`."""
        buffer = io.BytesIO()
        pickler = _pickler_class(getattr(pickle_module, "_Pickler", pickle_module.Pickler))(buffer, protocol=protocol)
        pickler.persistent_id = self.persistent_id
        pickler.dump(obj)
        return buffer.getvalue()


def save(obj, f, pickle_module=pickle, pickle_protocol=DEFAULT_PROTOCOL, _use_new_zipfile_serialization=True, _disable_byteorder_record=False):
    """Write an object to a path or file; a file that stood at the path is replaced only when all is written."""
    path = isinstance(f, (str, os.PathLike))
    if not path and not hasattr(f, "write"):
        raise AttributeError("expected 'f' to be string, path, or a file-like object with a 'write' attribute")
    parent = os.path.dirname(os.fspath(f)) if path else ""
    if parent and _use_new_zipfile_serialization and not os.path.isdir(parent):
        raise RuntimeError(f"Parent directory {parent} does not exist.")
    if path and _use_new_zipfile_serialization and os.path.isdir(f):
        raise RuntimeError("[enforce fail at inline_container.cc:747] . open file failed with strerror: Is a directory")      # torch: so for zip files
    with _replacing(f) as file:
        if not _use_new_zipfile_serialization:
            _legacy_save(obj, file, pickle_module, pickle_protocol)
            return
        storages = _Storages(lambda count, record: str(count))
        pickled = storages.pickle(obj, pickle_module, pickle_protocol)
        stem = os.path.splitext(os.path.basename(os.fspath(f)))[0] if path else ""
        archive = ArchiveWriter(file, stem if stem.isascii() and stem else "archive", checksums=_options.crc32)
        archive.write("data.pkl", pickled)
        archive.write(".format_version", b"1")
        archive.write(".storage_alignment", str(ALIGNMENT).encode())
        if not _disable_byteorder_record:
            archive.write("byteorder", sys.byteorder.encode())
        for key, data in storages.items():
            skipped = _options.skip_data
            archive.write(f"data/{key}", np.zeros_like(data) if skipped else data, checksum=not skipped)
        archive.close()


def _legacy_save(obj, file, pickle_module, protocol):
    storages = _Storages(lambda count, record: str(record.address or id(record)), legacy=True)
    pickled = storages.pickle(obj, pickle_module, protocol)
    sizes = {"protocol_version": PROTOCOL_VERSION, "little_endian": sys.byteorder == "little", "type_sizes": {"short": 2, "int": 4, "long": 4}}
    for head in (MAGIC_NUMBER, PROTOCOL_VERSION, sizes):
        pickle_module.dump(head, file, protocol=protocol)
    file.write(pickled)
    items = sorted(storages.found.values(), key=lambda found: found[0])
    pickle_module.dump([key for key, *_ in items], file, protocol=protocol)
    for _, obj, _ in items:
        data = storage_array(obj._holder, np.dtype(np.uint8))
        count = len(data) // (obj.dtype.itemsize if isinstance(obj, TypedStorage) else 1)
        file.write(struct.pack("<q", count))
        file.write(memoryview(data))


# ------------------------------------------------------------------ loading
def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, **pickle_load_args):
    """The object that `save`, here or in PyTorch, wrote; with weights_only (the default) nothing in the file is run."""
    forced = os.environ.get("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "0").lower() in ("1", "y", "yes", "true")
    loosened = os.environ.get("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "0").lower() in ("1", "y", "yes", "true")
    if weights_only is None:
        weights_only = pickle_module is None and not loosened
    weights_only = weights_only or forced
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    pickle_load_args.setdefault("encoding", "utf-8")
    flags = get_default_mmap_options() if mmap else None
    base = _weights_only_unpickler.Unpickler if weights_only else (pickle_module or pickle).Unpickler
    with _opened(f, "r+b" if flags == MAP_SHARED else "rb") as file:
        try:
            path = isinstance(f, (str, os.PathLike))
            if _is_zip(file):
                if mmap and not path:
                    raise ValueError("f must be a file path in order to use the mmap argument")
                return _load_zip(file, _restorer(map_location), base, flags, pickle_load_args)
            if mmap:
                named = f"{f}, " if path else ""
                raise RuntimeError(f"mmap can only be used with files saved with `torch.save({named}_use_new_zipfile_serialization=True), please torch.save "
                                   "your checkpoint with this option in order to use mmap.")
            return _legacy_load(file, _restorer(map_location), base, pickle_load_args)
        except pickle.UnpicklingError as e:
            if not weights_only:
                raise
            raise pickle.UnpicklingError(_explain(str(e))) from None


def _explain(message):
    """PyTorch's text around what the restricted unpickler refused."""
    if "was not an allowed global by default" in message:
        return ("Weights only load failed. This file can still be loaded, to do so you have two options, "
                f"\033[1mdo those steps only if you trust the source of the checkpoint\033[0m. \n\t(1) {_UNSAFE}\n\t(2) Alternatively, to load with "
                f"`weights_only=True` please check the recommended steps in the following error message.\n\tWeightsUnpickler error: {message}{_DOCS}")
    if "whose module" in message:
        return f"Weights only load failed. {_UNSAFE}\n\n\n{message}{_DOCS}"
    return (f"Weights only load failed. {_UNSAFE}\nPlease file an issue with the following so that we can make `weights_only=True` compatible with your "
            f"use case: WeightsUnpickler error: \n\n{message}{_DOCS}")


def _unpickler(base, file, options, persistent_load):
    """An unpickler of class `base` that understands PyTorch's names."""

    class Unpickler(base):
        def find_class(self, module, name):
            if module.partition(".")[0] == "torch":
                return _utils.find_torch_name(module, name)
            return super().find_class(module, name)

    made = Unpickler(file, **options)
    made.persistent_load = persistent_load
    return made


def _typed(data, dtype, swap):
    """A storage of `dtype` over bytes."""
    if data.ctypes.data % max(dtype.itemsize, 1):
        data = data.copy()
    if swap:
        unit = dtype.itemsize // (2 if dtype.is_complex else 1)
        data.view(f"u{unit}").byteswap(inplace=True)
    return from_array(data.view(dtype.numpy))


def _storage_of_pid(pid):
    """(dtype, key, location, number of elements) of a persistent id; UnpicklingError when it is none of a storage."""
    try:
        cls, key, location, count = pid[1:5]
    except ValueError:
        raise pickle.UnpicklingError(f"a storage is named by five values, not {len(pid)}") from None
    named = _utils.is_storage_class(cls) and cls is not TypedStorage and isinstance(key, str) and isinstance(location, str)
    if not named or type(count) is not int or count < 0:
        raise pickle.UnpicklingError("the name of a storage is damaged")
    return (torch.uint8 if cls is UntypedStorage else cls.dtype), key, location, count


def _wrap(holder, dtype, location, restore):
    storage = restore(UntypedStorage._of(holder), location)
    return TypedStorage(wrap_storage=storage, dtype=dtype, _internal=True)


def _load_zip(file, restore, base, flags, options):
    archive, loaded = ArchiveReader(file, flags), {}
    if "constants.pkl" in archive:
        raise NotImplementedError("a TorchScript archive: reftorch has no torch.jit")
    order = archive.read("byteorder").tobytes().decode("latin1") if "byteorder" in archive else None
    if order not in (None, "little", "big"):
        raise ValueError(f"Unknown endianness type: {order}")
    if order is None:
        order = {None: "little", LoadEndianness.NATIVE: sys.byteorder}.get(_options.endianness) or _options.endianness.name.lower()

    def persistent_load(pid):
        if not isinstance(pid, tuple):
            raise AssertionError(f"saved_id must be a tuple, got {type(pid).__name__}")
        if pid[0] != "storage":
            raise AssertionError(f"Unknown typename for persistent_load, expected 'storage' but got '{pid[0]}'")
        dtype, key, location, count = _storage_of_pid(pid)
        if key not in loaded:
            size, want = archive.size(f"data/{key}"), count * dtype.itemsize
            if size != want:
                raise RuntimeError(f"record size ({size} bytes) does not match expected size ({want} bytes = {want} elements * 1 bytes/element) for dtype "
                                   "Byte")
            data = np.empty(size, np.uint8) if _options.skip_data else archive.read(f"data/{key}")
            loaded[key] = _wrap(_typed(data, dtype, order != sys.byteorder), dtype, location, restore)
        return loaded[key]

    if "data.pkl" not in archive:
        raise corrupt("locating file data.pkl: file not found")
    return _unpickler(base, io.BytesIO(archive.read("data.pkl").tobytes()), options, persistent_load).load()


def _legacy_load(file, restore, base, options):
    """The format before PyTorch 1.6: pickles one after the other, then the elements of the storages."""
    buffer = io.BytesIO(file.read())
    if not buffer.getbuffer().nbytes:
        raise EOFError("Ran out of input")
    waiting = {}                     # key -> (a typed storage not filled yet, its dtype)

    def persistent_load(pid):
        if not isinstance(pid, tuple):
            raise AssertionError(f"saved_id must be a tuple, got {type(pid).__name__}")
        if pid[0] == "module":
            return pid[1]
        if pid[0] != "storage":
            raise RuntimeError(f"Unknown saved id type: {pid[0]}")
        dtype, key, location, count = _storage_of_pid(pid)
        if count * dtype.itemsize > buffer.getbuffer().nbytes:
            raise RuntimeError("unexpected EOF: a storage is larger than the file. The file might be corrupted.")
        if key not in waiting:
            waiting[key] = _wrap(_typed(np.zeros(count * dtype.itemsize, np.uint8), dtype, False), dtype, location, restore), dtype
        storage = waiting[key][0]
        if len(pid) > 5 and pid[5] is not None:
            _, offset, size = pid[5]
            part = storage_array(storage._holder, dtype.numpy)[offset:offset + size]
            return _wrap(from_array(part), dtype, location, restore)
        return storage

    def read():
        return _unpickler(base, buffer, options, persistent_load).load()

    if read() != MAGIC_NUMBER:
        raise RuntimeError("Invalid magic number; corrupt file?")
    version = read()
    if version != PROTOCOL_VERSION:
        raise RuntimeError(f"Invalid protocol version: {version}")
    info, start = read(), buffer.tell()
    result, end, keys = read(), buffer.tell(), read()
    if not isinstance(keys, list) or not isinstance(info, dict):
        raise RuntimeError("Invalid list of storages; corrupt file?")
    order = "little" if info.get("little_endian", True) else "big"
    for key in keys:
        storage, dtype = waiting.get(key, (None, None))
        head = buffer.read(8)
        if storage is None or len(head) < 8 or int.from_bytes(head, order) != len(storage):
            raise RuntimeError(f"storage has wrong byte size: expected {len(storage or ())} got {int.from_bytes(head, order)}")
        data = buffer.read(storage.nbytes())
        if len(data) != storage.nbytes():
            raise RuntimeError(f"unexpected EOF, expected {storage.nbytes() - len(data)} more bytes. The file might be corrupted.")
        filled = _typed(np.frombuffer(bytearray(data), np.uint8), dtype, order != sys.byteorder)
        storage_array(storage._holder, np.dtype(np.uint8))[...] = storage_array(filled, np.dtype(np.uint8))
    if any(mark in buffer.getbuffer()[start:end].tobytes() for mark in (b"conj", b"neg")):
        buffer.seek(start)              # what PyTorch marks as conjugate or negative is computed here: again, from the numbers
        return read()
    return result
