"""Datapipes of files: their names, the files, what is in them."""
import fnmatch
import os

from .._decorator import functional_datapipe
from ..datapipe import IterDataPipe
from ..utils.common import StreamWrapper
from .utils import IterableWrapperIterDataPipe


class _Lengthy(IterDataPipe):
    length = -1

    def __len__(self):
        if self.length == -1:
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        return self.length


@functional_datapipe("list_files")
class FileListerIterDataPipe(_Lengthy):
    """Paths of the files in directories, those that match one of the masks."""

    def __init__(self, root=".", masks="", *, recursive=False, abspath=False, non_deterministic=False, length=-1):
        roots = [root] if isinstance(root, str) else root
        self.datapipe = roots if isinstance(roots, IterDataPipe) else IterableWrapperIterDataPipe(roots)
        self.masks, self.recursive, self.abspath, self.non_deterministic, self.length = masks, recursive, abspath, non_deterministic, length

    def _matches(self, name):
        masks = [self.masks] if isinstance(self.masks, str) else self.masks
        return not self.masks or any(fnmatch.fnmatch(name, mask) for mask in masks)

    def __iter__(self):
        for root in self.datapipe:
            for path, folders, names in os.walk(root):
                if self.abspath:
                    path = os.path.abspath(path)
                if not self.non_deterministic:
                    names.sort()
                    folders.sort()
                yield from (os.path.join(path, name) for name in names if self._matches(name))
                if not self.recursive:
                    break


@functional_datapipe("open_files")
class FileOpenerIterDataPipe(_Lengthy):
    """(path, opened file) for each path."""

    def __init__(self, datapipe, mode="r", encoding=None, length=-1):
        if mode not in ("b", "t", "rb", "rt", "r"):
            raise ValueError(f"Invalid mode {mode}")
        if "b" in mode and encoding is not None:
            raise ValueError("binary mode doesn't take an encoding argument")
        self.datapipe, self.mode, self.encoding, self.length = datapipe, mode, encoding, length

    def __iter__(self):
        mode = self.mode if self.mode.startswith("r") else "r" + self.mode
        for path in self.datapipe:
            if not isinstance(path, str):
                raise TypeError(f"Expected string type for pathname, but got {type(path)}")
            yield path, StreamWrapper(open(path, mode, encoding=self.encoding), name=path)


@functional_datapipe("read_from_stream")
class StreamReaderIterDataPipe(IterDataPipe):
    """(name, content) for each (name, stream), the content in pieces of `chunk` bytes."""

    def __init__(self, datapipe, chunk=None):
        self.datapipe, self.chunk = datapipe, chunk

    def __iter__(self):
        for name, stream in self.datapipe:
            if self.chunk is None:
                yield name, stream.read()
                continue
            while piece := stream.read(self.chunk):
                yield name, piece
