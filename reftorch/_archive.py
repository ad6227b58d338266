"""The container of saved files: zip archives of uncompressed records, laid out as PyTorch's writer does."""
import hashlib
import itertools
import mmap as _mmap
import os
import struct
import zipfile
import zlib

import numpy as np

ALIGNMENT = 64
_UTF8, _SIZES_FOLLOW = 0x0800, 0x0008       # flags of a record: how its name is written; that sizes stand behind the data
_SMALLEST = 22                  # bytes of an archive without records
_LIMIT = 0xFFFFFFFF              # what does not fit into 32 bits goes into a zip64 field


class ArchiveWriter:
    """Writes records into `write`-able files: each begins at a multiple of 64 bytes."""

    def __init__(self, file, root, checksums=True):
        self.file, self.root, self.checksums = file, root, checksums
        self.offset, self.entries = 0, []

    def _put(self, data):
        self.file.write(memoryview(data))
        self.offset += len(data)

    def write(self, name, data, checksum=True):
        """Add a record: bytes, or a flat uint8 array."""
        path, start = f"{self.root}/{name}".encode(), self.offset
        data = memoryview(data)
        crc = zlib.crc32(data) if self.checksums and checksum else 0
        flags = _UTF8 | (_SIZES_FOLLOW if len(data) else 0)
        padding = -(start + 30 + len(path) + 4) % ALIGNMENT
        self._put(struct.pack("<4s5H3I2H", b"PK\3\4", 0, flags, 0, 0, 0, 0, 0, 0, len(path), padding + 4))
        self._put(path + b"FB" + struct.pack("<H", padding) + b"Z" * padding)
        self._put(data)
        if len(data):
            self._put(struct.pack("<4sI2Q" if len(data) >= _LIMIT else "<4s3I", b"PK\7\x08", crc, len(data), len(data)))
        self.entries.append((path, flags, crc, len(data), start))

    def _identity(self):
        """Forty digits: twenty for the records' names, twenty for their checksums."""
        names = hashlib.sha256(b"\0".join(path for path, *_ in self.entries)).digest()
        sums = hashlib.sha256(b"".join(struct.pack("<I", crc) for _, _, crc, *_ in self.entries)).digest()
        return "".join(f"{int.from_bytes(d[:8], 'little'):020d}" for d in (names, sums)).encode()

    def close(self):
        """Write the version, the identity and the directory."""
        self.write("version", b"3\n")
        self.write(".data/serialization_id", self._identity())
        start = self.offset
        for path, flags, crc, size, place in self.entries:
            wide = [n for n in (size, size, place) if n >= _LIMIT]
            extra = struct.pack(f"<2H{len(wide)}Q", 1, 8 * len(wide), *wide) if wide else b""
            self._put(struct.pack("<4s6H3I5H2I", b"PK\1\2", 0, 0, flags, 0, 0, 0, crc, min(size, _LIMIT), min(size, _LIMIT), len(path), len(extra),
                                  0, 0, 0, 0, min(place, _LIMIT)) + path + extra)
        end, count = self.offset, len(self.entries)
        self._put(struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 0x031E, 45, 0, 0, count, count, end - start, start))
        self._put(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
        self._put(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), min(end - start, _LIMIT), min(start, _LIMIT), 0))


_CORRUPT = ("PytorchStreamReader failed {}. This is an internal miniz error. If you are seeing this error, there is a high likelihood that your checkpoint "
            "file is corrupted. This can happen if the checkpoint was not saved properly, was transferred incorrectly, or the file was modified "
            "after saving.")


def corrupt(what):
    """The error for a file that is damaged; PyTorch's wording."""
    return RuntimeError(_CORRUPT.format(what))


class ArchiveReader:
    """Reads records of a zip archive, checking bounds and checksums; `mapped` maps the file instead (its checksums stay unread)."""

    def __init__(self, file, mapped=None):
        self.file = file
        try:
            file.seek(0, os.SEEK_END)
            self.length = file.tell()
            if self.length < _SMALLEST:
                raise corrupt("reading zip archive: not a ZIP archive")
            self.zip = zipfile.ZipFile(file)
            entries = self.zip.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, OverflowError) as e:
            raise corrupt("reading zip archive: failed finding central directory") from e
        roots = {entry.filename.partition("/")[0] for entry in entries if "/" in entry.filename}
        root = entries[0].filename.partition("/")[0] if entries else ""
        if len(roots) > 1:
            stray = next(entry.filename for entry in entries if not entry.filename.startswith(root + "/"))
            raise RuntimeError(f"file in archive is not in a subdirectory {root}/: {stray}")
        self.records = {entry.filename.partition("/")[2]: entry for entry in entries}
        if "version" not in self.records and ".data/version" not in self.records:
            raise RuntimeError('Expected hasRecord("version") to be true, but got false.  '
                               "(Could this error message be improved?  If so, please report an enhancement request to PyTorch.)")
        self._refuse_overlaps()
        self.map = None if mapped is None else _mmap.mmap(file.fileno(), 0, flags=mapped, prot=_mmap.PROT_READ | _mmap.PROT_WRITE)

    def _refuse_overlaps(self):
        """Each record has bytes of its own: a small file cannot unfold into a large one."""
        entries = sorted(self.records.values(), key=lambda e: e.header_offset)
        for entry, following in itertools.pairwise(entries):
            if entry.header_offset + 30 + entry.compress_size > following.header_offset:
                raise corrupt("reading zip archive: records overlap")

    def __contains__(self, name):
        return name in self.records

    def _find(self, name):
        """The entry of a record and where its data begins."""
        entry = self.records.get(name)
        if entry is None:
            raise corrupt(f"locating file {name}: file not found")
        if entry.header_offset < 0:
            raise corrupt(f"reading file {name}: invalid header or archive is corrupted")
        self.file.seek(entry.header_offset)
        head = self.file.read(30)
        if len(head) < 30 or head[:4] != b"PK\3\4":
            raise corrupt(f"reading file {name}: invalid header or archive is corrupted")
        path, extra = struct.unpack("<2H", head[26:])
        start = entry.header_offset + 30 + path + extra
        if entry.flag_bits & 1 or start + entry.compress_size > self.length or (not entry.compress_type and entry.file_size != entry.compress_size):
            raise corrupt(f"reading file {name}: invalid header or archive is corrupted")
        return entry, start

    def size(self, name):
        """Length of a record in bytes."""
        return self._find(name)[0].file_size

    def read(self, name):
        """The bytes of a record, a writable uint8 array."""
        entry, start = self._find(name)
        if entry.compress_type:
            return self._inflate(entry, start, name)
        if self.map is not None:
            return np.frombuffer(self.map, np.uint8, entry.file_size, start) if entry.file_size else np.empty(0, np.uint8)
        data = np.empty(entry.file_size, np.uint8)
        self.file.seek(start)
        if _read_into(self.file, memoryview(data)) != entry.file_size:
            raise corrupt(f"reading file {name}: file read failed")
        return self._checked(data, entry, name)

    def _inflate(self, entry, start, name):
        self.file.seek(start)
        try:
            packed, engine = self.file.read(entry.compress_size), zlib.decompressobj(-15)
            data = engine.decompress(packed, entry.file_size + 1) if entry.compress_type == zipfile.ZIP_DEFLATED else b""
        except zlib.error as e:
            raise corrupt(f"reading file {name}: decompression failed or archive is corrupted") from e
        if len(data) != entry.file_size:
            raise corrupt(f"reading file {name}: unexpected decompressed size")
        return self._checked(np.frombuffer(bytearray(data), np.uint8), entry, name)

    def _checked(self, data, entry, name):
        if entry.CRC and zlib.crc32(memoryview(data)) != entry.CRC:      # torch: zero stands for "not computed"
            raise corrupt(f"reading file {name}: CRC-32 check failed")
        return data


def _read_into(file, target):
    """Fill a buffer from a file; gives the bytes read."""
    done = 0
    while done < len(target):
        if hasattr(file, "readinto"):
            count = file.readinto(target[done:])
        else:
            part = file.read(len(target) - done)
            count = len(part)
            target[done:done + count] = part
        if not count:
            break
        done += count
    return done
