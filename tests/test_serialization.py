"""Files go to PyTorch 2.13 and 1.13 and back without a bit changed; damaged and hostile ones are refused; a save that is killed loses nothing."""
import contextlib
import io
import os
import pickle
import random
import signal
import struct
import subprocess
import sys
import time
import zipfile
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path

import pytest
from checkpoints import CHANGED, FILES, HELPERS, KINDS, NOT_IN_113, RENEWED, ask, python113

import reftorch
from reftorch._weights_only_unpickler import _default_globals

here = {"torch": reftorch, "io": io, "pickle": pickle, "Path": Path}
exec(HELPERS, here)
attempt, make = here["attempt"], here["make"]

# how a file is asked for; the answer and the error's text must be PyTorch's
OPTIONS = [
    "path", "Path(path)", "open(path, 'rb')", "io.BytesIO(open(path, 'rb').read())", "path, mmap=True", "path, weights_only=False", "path, encoding='latin1'",
    "path, 'cpu'", "path, torch.device('cpu')", "path, {'cpu': 'cpu'}", "path, {'cuda:0': 'cpu'}", "path, lambda storage, place: storage",
    "path, lambda storage, place: None", "path, {'cpu': 'foo'}", "path, 3", "path, lambda storage, place: 3", "path, foo=3",
    "path, 'cuda'", "path, map_location='cuda:3'", "path, 'xpu'", "path, 'mps'", "path, 'hpu'", "path, 'xla:0'", "path, 'cpu:0'",
    "None", "3", "path + '.none'", "path[:path.rfind('/')]",
    "io.BytesIO(), mmap=True", "path, pickle_module=pickle, weights_only=True", "path, pickle_module=pickle",
    *(f"io.BytesIO(open(path, 'rb').read()[:{cut}])" for cut in (3, 5, 100)),
]  # fmt: skip


OLDER = pytest.mark.skipif(not python113(), reason="no PyTorch 1.13: neither TORCH113 nor /usr/bin/python3 has it")


class Corpus:
    """Folders of files by who wrote them, and what is found in them: by PyTorch 2.13 (`theirs`), by 1.13 (`older`) and by us (`ours`).

    torch, torch113: written by PyTorch; again, again113: the same, loaded and saved by us; made: made by us; hostile: pickles of our choice.
    """

    def __init__(self, root):
        self.root, self.older, self.ours = str(root), {}, {}
        folders = {name: root / name for name in ("torch", "torch113", "again", "again113", "made", "hostile")}
        for folder in folders.values():
            folder.mkdir()
        for number, pickled in enumerate(HOSTILE):
            self.path("hostile", number).write_bytes(crafted(b"\x80\x02" + pickled).getvalue())
        if python113():
            self.older |= ask(python113(), write=KINDS, folder=str(folders["torch113"]), read=[str(folders["torch113"])])
        self.questions = [*(("torch", name, "path") for name in FILES), *(("hostile", number, "path") for number in range(len(HOSTILE))),
                          *(("torch", name, options) for name in ("shared", "shared.old") for options in OPTIONS
                            if (name, options) != ("shared.old", "path, foo=3"))]           # torch: there it names `load` as at fault
        questions = [(str(self.path(folder, name)), options) for folder, name, options in self.questions]
        reading = [str(folders["torch"]), str(folders["torch113"])]
        self.theirs = ask(sys.executable, write=KINDS, folder=reading[0], read=reading, ask=questions)
        for source, target in (("torch", "again"), ("torch113", "again113")):
            for path in folders[source].glob("*.pt"):
                self.keep(path, folders[target], lambda: reftorch.load(path, weights_only=False))       # noqa: B023
        for name in FILES:
            path = self.path("made", name)
            self.keep(path, path.parent, lambda: make(KINDS[name.removesuffix(".old")]))                # noqa: B023
        self.theirs |= ask(sys.executable, read=[str(folders[name]) for name in ("again", "again113", "made")])
        if python113():
            self.older |= ask(python113(), read=[str(folders[name]) for name in ("torch", "again113", "made")])

    def path(self, folder, name):
        return Path(self.root, folder, f"{name}.pt")

    def keep(self, path, folder, get):
        def save():
            value = get()
            reftorch.save(value, folder / path.name, _use_new_zipfile_serialization=not path.stem.endswith(".old"))
            return value

        self.ours[str(path)] = attempt(save)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    if find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: there is no oracle to compare with")
    return Corpus(tmp_path_factory.mktemp("corpus"))


# ------------------------------------------------------------------ both ways
@pytest.mark.parametrize("name", FILES)
def test_reads_pytorchs_files(corpus, name):
    path = str(corpus.path("torch", name))
    assert corpus.ours[path] == corpus.theirs[path]
    assert corpus.theirs[path] == corpus.theirs[f"{path} written"] or name == "storage"         # torch: an untyped storage comes back typed


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("folder", ["again", "made"])
def test_pytorch_reads_ours(corpus, folder, name):
    assert corpus.theirs[str(corpus.path(folder, name))] == corpus.theirs[str(corpus.path("torch", name))]


@OLDER
@pytest.mark.parametrize("name", FILES)
def test_reads_the_files_of_113(corpus, name):
    """As PyTorch 2.13 reads them, which is as 1.13 does but for what has changed in the classes since."""
    path, kind = str(corpus.path("torch113", name)), name.removesuffix(".old")
    assert ("error" in corpus.older[f"{path} written"]) == (kind in NOT_IN_113)
    if kind not in NOT_IN_113:
        assert corpus.ours[path] == corpus.theirs[path]
        assert corpus.ours[path] == corpus.older[path] or kind in CHANGED


@OLDER
@pytest.mark.parametrize("name", FILES)
def test_113_reads_ours(corpus, name):
    """As it reads the files of 2.13; what it wrote itself comes back as it was."""
    theirs, made, again = (corpus.older.get(str(corpus.path(folder, name))) for folder in ("torch", "made", "again113"))
    assert made == theirs or "error" in theirs
    kind = name.removesuffix(".old")
    if kind not in NOT_IN_113:
        assert again == corpus.older[str(corpus.path("torch113", name))] or kind in RENEWED


def test_answers_and_refusals_are_pytorchs(corpus):
    """The same texts; only damage is called damage by us where PyTorch lets the pickle machine's KeyError or the like through."""
    for folder, name, options in corpus.questions:
        path = str(corpus.path(folder, name))
        ours = attempt(lambda: eval(f"torch.load({options})", {**here, "path": path}))      # noqa: B023
        theirs = corpus.theirs[f"{path} {options}"]
        damaged = "error" in ours and any(text in ours["error"] for text in OURS_ALONE)
        assert ours == theirs or damaged and "error" in theirs, (name, options)


# modules have their attributes in another order; a generator's state is named otherwise; what PyTorch marks as conjugate is computed;
# PyTorch writes the text of a device anew each time, where we refer to the first
OTHER_BYTES = {"module", "convolutions", "recurrent", "transformer", "lists", "tied", "hooked", "generator", "conjugate", "sizes"}


@pytest.mark.parametrize("name", sorted(set(KINDS) - OTHER_BYTES))
def test_same_bytes_as_pytorch(corpus, name):
    """The files are equal up to the identity, whose digits PyTorch takes from a hash of its own."""
    ours, theirs = (corpus.path(folder, name).read_bytes().partition(b".data/serialization_id") for folder in ("made", "torch"))
    assert ours[0] == theirs[0]
    assert len(ours[2]) == len(theirs[2])


def test_mmap_and_alignment(tmp_path):
    value = {"dtypes": make(KINDS["dtypes"]), "shared": make(KINDS["shared"]), "empty": make(KINDS["empty"])}
    reftorch.save(value, tmp_path / "a.pt")
    assert attempt(lambda: reftorch.load(tmp_path / "a.pt", mmap=True)) == attempt(lambda: value)
    reftorch.save([reftorch.arange(3.), reftorch.arange(5)], tmp_path / "a.pt")
    with zipfile.ZipFile(tmp_path / "a.pt") as archive:
        assert archive.testzip() is None
        for entry in archive.infolist():
            head = (tmp_path / "a.pt").read_bytes()[entry.header_offset:][:30]
            assert (entry.header_offset + 30 + sum(struct.unpack("<2H", head[26:]))) % 64 == 0
    before = (tmp_path / "a.pt").read_bytes()
    reftorch.load(tmp_path / "a.pt", mmap=True)[0].fill_(7)           # private: the file stays
    assert (tmp_path / "a.pt").read_bytes() == before


# ------------------------------------------------------------------ options
def saved(value, **options):
    buffer = io.BytesIO()
    reftorch.save(value, buffer, **options)
    buffer.seek(0)
    return buffer


def test_places_to_write_and_read(tmp_path):
    value = {"a": reftorch.arange(3)}
    reftorch.save(value, str(tmp_path / "x.pt"))
    os.chmod(tmp_path / "x.pt", 0o640)
    os.symlink(tmp_path / "x.pt", tmp_path / "link.pt")
    reftorch.save(value, tmp_path / "link.pt")
    assert os.path.islink(tmp_path / "link.pt") and os.stat(tmp_path / "x.pt").st_mode & 0o777 == 0o640
    with open(tmp_path / "y.pt", "wb") as file:
        reftorch.save(value, file)
    for name in ("x.pt", "y.pt"):
        with open(tmp_path / name, "rb") as file:
            assert reftorch.load(file)["a"].tolist() == [0, 1, 2]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.pt", "x.pt", "y.pt"]
    assert zipfile.ZipFile(tmp_path / "y.pt").namelist()[0] == "archive/data.pkl"
    for wrong, error, text in ((tmp_path, RuntimeError, "open file failed with strerror: Is a directory"),
                               (3, AttributeError, "expected 'f' to be string, path, or a file-like object with a 'write' attribute"),
                               ("/nowhere/x.pt", RuntimeError, "Parent directory /nowhere does not exist.")):
        with pytest.raises(error, match=text):
            reftorch.save(1, wrong)
    with pytest.raises(AttributeError, match="'int' object has no attribute 'seek'. You can only torch.load from a file that is seekable."):
        reftorch.load(3)


def test_failed_save_leaves_the_old_file(tmp_path):
    reftorch.save(1, tmp_path / "x.pt")
    with pytest.raises((AttributeError, pickle.PicklingError)):
        reftorch.save([reftorch.ones(2), lambda: 0], tmp_path / "x.pt")
    assert reftorch.load(tmp_path / "x.pt") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["x.pt"]


def test_map_location():
    def load(where):
        return reftorch.load(saved(reftorch.arange(2.)), map_location=where).tolist()

    asked = []
    for where in ("cpu", reftorch.device("cpu"), {"cuda:0": "cpu"}, lambda storage, place: storage, lambda storage, place: asked.append(place)):
        assert load(where) == [0.0, 1.0]
    assert asked == ["cpu"]
    with pytest.raises(RuntimeError, match="Attempting to deserialize object on a CUDA device but torch.cuda.is_available"):
        load("cuda")
    with pytest.raises(RuntimeError, match=r"don't know how to restore data location of torch.storage.UntypedStorage \(tagged with foo\)"):
        load({"cpu": "foo"})


def test_options():
    serialization = reftorch.serialization
    with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view the same data as different types"):
        a = reftorch.ones(2)
        saved([a, a.view(reftorch.int32)])
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        reftorch.load(saved(1), mmap=True)
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit pickle_module is specified"):
        reftorch.load(saved(1), pickle_module=pickle, weights_only=True)
    serialization.set_crc32_options(False)
    try:
        assert reftorch.load(saved(reftorch.ones(2))).tolist() == [1, 1]
    finally:
        serialization.set_crc32_options(True)
    with serialization.skip_data():
        hollow = saved(reftorch.ones(2))
    assert reftorch.load(hollow).tolist() == [0, 0]
    assert reftorch.load(saved([reftorch.ones(2)], pickle_protocol=4), weights_only=False)[0].tolist() == [1, 1]
    swapped = saved([reftorch.arange(3.), reftorch.arange(3)], _disable_byteorder_record=True)
    serialization.set_default_load_endianness(serialization.LoadEndianness.BIG)
    try:
        assert reftorch.load(swapped)[1].tolist() == [0, 1 << 56, 2 << 56]
    finally:
        serialization.set_default_load_endianness(None)


def test_safe_globals():
    names = reftorch.serialization
    with pytest.raises(pickle.UnpicklingError, match="GLOBAL torch.nn.modules.linear.Linear was not an allowed global by default"):
        reftorch.load(saved(reftorch.nn.Linear(1, 1)))
    assert names.get_unsafe_globals_in_checkpoint(saved(reftorch.nn.Linear(1, 1))) == ["torch.nn.modules.linear.Linear"]
    with names.safe_globals([reftorch.nn.Linear]):
        assert isinstance(reftorch.load(saved(reftorch.nn.Linear(1, 1))), reftorch.nn.Linear)
        assert names.get_safe_globals() == [reftorch.nn.Linear]
    assert names.get_safe_globals() == []


# ------------------------------------------------------------------ damage and malice
def damaged(data, rng):
    """A copy of a file with one thing wrong."""
    data = bytearray(data)
    place = rng.randrange(len(data))
    kind = rng.randrange(6)
    if kind == 0:
        data[place] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[place] = rng.randrange(256)
    elif kind == 2:
        del data[place:]
    elif kind == 3:
        del data[place:place + rng.randrange(1, 40)]
    elif kind == 4:
        data[place:place] = rng.randbytes(rng.randrange(1, 40))
    else:
        data[place:place + 8] = struct.pack("<Q", rng.choice([0, 2**31, 2**32 - 1, 2**63, 2**64 - 1]))
    return bytes(data)


@pytest.mark.parametrize("legacy", [False, True])
def test_damaged_files(legacy):
    value = {"w": reftorch.arange(40.).view(5, 8), "row": reftorch.ones(3, dtype=reftorch.bfloat16), "n": OrderedDict(a=1), "s": reftorch.Size([2])}
    data, rng, refused = saved(value, _use_new_zipfile_serialization=not legacy).getvalue(), random.Random(0), 0
    for _ in range(500):
        wrong = damaged(data, rng)
        try:
            got = reftorch.load(io.BytesIO(wrong))
        except (RuntimeError, pickle.UnpicklingError):
            refused += 1
        except (EOFError, ValueError) as e:
            assert not wrong or "Unknown endianness" in str(e)
            refused += 1
        else:
            assert legacy or attempt(lambda: got) == attempt(lambda: value)         # noqa: B023  the old format has no checksums
    assert refused > (100 if legacy else 300)


def crafted(pickled):
    """An archive with a pickle of our choice beside the elements 0, 1, 2."""
    out = io.BytesIO()
    with zipfile.ZipFile(saved(reftorch.arange(3.))) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            target.writestr(name, pickled if name.endswith(".pkl") else source.read(name))
    out.seek(0)
    return out


def tensor_pickle(offset, size, stride, count, cls=b"FloatStorage"):
    number = lambda n: b"J" + struct.pack("<i", n)
    return (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n" + cls + b"\nX\x01\0\0\x000X\x03\0\0\0cpu" + number(count) + b"tQ"
            + number(offset) + number(size) + b"\x85" + number(stride) + b"\x85\x89ccollections\nOrderedDict\n)RtR.")


HOSTILE = {
    b"cos\nsystem\nX\x04\0\0\0true\x85R.": "Trying to load unsupported GLOBAL os.system whose module os is blocked.",
    b"cposix\nsystem\n.": "Trying to load unsupported GLOBAL posix.system whose module posix is blocked.",
    b"csys\nexit\n)R.": "Trying to load unsupported GLOBAL sys.exit whose module sys is blocked.",
    b"c__builtin__\neval\n.": "GLOBAL eval was not an allowed global by default",
    b"cbuiltins\ngetattr\n.": "GLOBAL getattr was not an allowed global by default",
    b"cos.path\njoin\n.": "GLOBAL os.path.join was not an allowed global by default",
    b"csubprocess\nPopen\n.": "GLOBAL subprocess.Popen was not an allowed global by default",
    b"ctorch\nload\n.": "GLOBAL torch.load was not an allowed global by default",
    b"creftorch.serialization\nload\n.": "was not an allowed global by default",
    b"(ios\nsystem\n.": "Unsupported operand 105",
    b"\x82\x01.": "Unsupported operand 130", b"\x8f(K\x01\x90.": "Unsupported operand 144", b"C\x01a.": "Unsupported operand 67",
    b"\x8c\x02os\x8c\x06system\x93.": "Unsupported operand 140",
    b"]q\x00)R.": r"Trying to call reduce for unrecognized function \[\]",
    b"]}b.": "Can only build Tensor, Parameter, OrderedDict or types allowlisted via `add_safe_globals`, but got <class 'list'>",
    b"}K\x01a.": "Can only append to lists, but got <class 'dict'>",
    b"}(K\x01e.": "Can only extend lists, but got <class 'dict'>",
    b"]K\x01K\x01s.": "Can only SETITEM for dict, collections.OrderedDict, collections.Counter, but got <class 'list'>",
    b"X\x01\0\0\0aQ.": "persistent_load id must be tuple or int, but got <class 'str'>",
    b"(X\x01\0\0\0atQ.": "Only persistent_load of storage is allowed, but got <class 'str'>",
    b"h\x05.": "damaged", b".": "damaged", b"(.": "damaged", b"X\xff\xff\xff\x7fa.": "damaged",
    b"c_codecs\nencode\nX\x01\0\0\0aX\x03\0\0\0hex\x86R.": "latin1",
}
OURS_ALONE = ("the pickle is damaged or not a checkpoint", "bytes are encoded as latin1 alone")          # PyTorch lets a KeyError, EOFError or the like through


@pytest.mark.parametrize("pickled", HOSTILE)
def test_hostile_pickles(pickled):
    with pytest.raises(pickle.UnpicklingError, match=HOSTILE[pickled]):
        reftorch.load(crafted(b"\x80\x02" + pickled))


def test_hostile_tensors():
    assert reftorch.load(crafted(tensor_pickle(0, 3, 1, 3))).tolist() == [0, 1, 2]
    for wrong in ((0, 4, 1, 3), (0, 3, 1, 5), (0, 1, 1, 1), (-1, 3, 1, 3), (2, 3, -1, 3), (0, -3, 1, 3), (3, 1, 1, 3), (0, 2**31 - 1, 2**31 - 1, 3)):
        with pytest.raises((RuntimeError, pickle.UnpicklingError)):
            reftorch.load(crafted(tensor_pickle(*wrong)))
    with pytest.raises((RuntimeError, pickle.UnpicklingError)):
        reftorch.load(crafted(tensor_pickle(0, 3, 1, 3, b"Tensor")))


# ------------------------------------------------------------------ pickles drawn at random from what weights_only allows
class Drawn:
    """Pickles that call the allowed functions with arguments they do not expect."""

    NAMES = sorted(_default_globals())
    STORAGES = ["torch.FloatStorage"] * 4 + ["torch.storage.UntypedStorage", "torch.LongStorage", "torch.storage.TypedStorage", "torch.Tensor", "torch.float32"]

    def __init__(self, seed):
        self.rng, self.depth = random.Random(seed), 0

    def pick(self, *choices):
        return self.rng.choice(choices)

    def some(self, most):
        return b"".join(self.value() for _ in range(self.rng.randrange(most)))

    def name(self, name):
        return b"c%s\n%s\n" % tuple(part.encode() for part in name.rpartition(".")[::2])

    def text(self, text):
        return b"X" + struct.pack("<I", len(text)) + text.encode()

    def number(self, *choices):
        return b"J" + struct.pack("<i", self.pick(*choices))

    def value(self):
        self.depth += 1
        plain = (lambda: self.number(0, 1, 2, -1, 2**31 - 1, -2**31), lambda: self.pick(b"N", b"\x88", b"\x89", b")", b"]", b"}", b"\x8f"),
                 lambda: self.text(self.pick("a", "cpu", "0", "torch.strided", "latin1", "storage")), lambda: b"G" + struct.pack(">d", float("nan")),
                 lambda: self.name(self.rng.choice(self.NAMES)))
        nested = (lambda: b"(" + self.some(6) + b"t", self.storage, self.tensor, lambda: b"](" + self.some(4) + b"e",
                  lambda: self.name(self.rng.choice(self.NAMES)) + b"(" + self.some(8) + b"t" + self.pick(b"R", b"\x81"),
                  lambda: self.value() + self.value() + b"b",
                  lambda: self.value() + b"}" + self.text(self.pick("data", "grad", "requires_grad", "__class__", "shape")) + self.value() + b"sb")
        made = self.pick(*plain, *(nested if self.depth < 5 else ()))()
        self.depth -= 1
        return made

    def storage(self):
        return (b"(" + self.text("storage") + self.name(self.rng.choice(self.STORAGES)) + self.text("0") + self.text("cpu")
                + self.number(3, 3, 3, 0, 1, 6, -1, 2**30) + b"tQ")

    def tensor(self):
        sizes = [b"(" + b"".join(self.number(0, 1, 2, 3, -1, 2**31 - 1) for _ in range(self.rng.randrange(4))) + b"t" for _ in range(2)]
        args = self.storage() + self.number(0, 0, 0, 1, -1, 4) + b"".join(sizes) + self.pick(b"\x88", b"\x89", b"N") + self.pick(b"}", self.value())
        args, call = self.pick((args, "tensor_v2"), (args + self.name("torch.complex128"), "tensor_v3"), (args + self.value(), "tensor_v3"))
        call = self.name(f"torch._utils._rebuild_{call}")
        if self.rng.random() < 0.3:
            kind = self.name(self.rng.choice(self.NAMES))
            return self.name("torch._tensor._rebuild_from_type_v2") + b"(" + call + kind + b"(" + args + b"t" + self.value() + b"tR"
        return call + b"(" + args + b"tR"


# what a hostile file would be after; not exec and the like, with which modules are imported on first need
HARM = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "os.remove", "os.rename", "os.mkdir", "os.rmdir", "subprocess.", "shutil.", "socket.")


def test_drawn_pickles_neither_crash_nor_run_code():
    watching, events = [], []
    sys.addaudithook(lambda event, args: events.append((event, args)) if watching and event.startswith(HARM) else None)
    outcomes = {"loaded": 0, "refused": 0}
    for seed in range(500):
        drawn = Drawn(seed)
        file = crafted(b"\x80\x02(" + (drawn.tensor() if seed % 2 else drawn.some(4)) + b"t.")
        watching.append(seed)
        try:
            value = reftorch.load(file)
        except (RuntimeError, pickle.UnpicklingError):
            outcomes["refused"] += 1
        else:
            outcomes["loaded"] += 1
            repr([item for item in value if isinstance(item, reftorch.Tensor) and item.numel() < 100])
        watching.clear()
    assert not events
    assert min(outcomes.values()) > 50, outcomes


# ------------------------------------------------------------------ kill -9
def test_killed_while_saving(tmp_path):
    """Fifty children, each killed at a random moment of saving over the same file: an old or a new one stands there, whole."""
    path, rng = tmp_path / "model.pt", random.Random(1)
    value = [reftorch.full((1 << 16,), 0.0) for _ in range(8)]
    began = time.perf_counter()
    reftorch.save(value, path)
    seconds, seen = time.perf_counter() - began, set()
    for run in range(1, 51):
        ready, go = os.pipe()
        child = os.fork()
        if not child:
            with contextlib.suppress(BaseException):
                for number in range(10_000):
                    for tensor in value:
                        tensor.fill_(float(run * 10_000 + number))
                    os.write(go, b".") if number == 1 else None
                    reftorch.save(value, path)
            os._exit(1)
        os.read(ready, 1)
        time.sleep(rng.uniform(0, 4 * seconds))
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        os.close(ready), os.close(go)
        found = reftorch.load(path)
        numbers = {float(bound) for tensor in found for bound in (tensor.min(), tensor.max())}
        assert len(found) == 8 and len(numbers) == 1
        seen |= numbers
    assert len(seen) == 50
    for stray in set(tmp_path.iterdir()) - {path}:          # killed between naming a whole file and putting it in place
        assert len(reftorch.load(stray)) == 8
    assert len(list(tmp_path.iterdir())) <= 4


# ------------------------------------------------------------------ neighbours
def test_states_of_old_tensors():
    x = reftorch.zeros(2)
    x.__setstate__((reftorch.arange(6.0).untyped_storage(), 1, (2,), (2,)))
    assert x.tolist() == [1, 3]
    x.__setstate__((reftorch.ones(3), 0, None, True, False))
    assert x.tolist() == [1, 1, 1] and x.requires_grad
    with pytest.raises(RuntimeError, match="can be only called on leaf Tensors"):
        (x * 2).__setstate__((False, None, None))


def test_plain_pickles():
    """As in PyTorch: one object stays one, each view takes a copy of its elements' storage along."""
    whole = reftorch.arange(6.).view(2, 3)
    first, row, again = pickle.loads(pickle.dumps([whole, whole[1], whole]))
    assert first is again and row.storage_offset() == 3 and row.tolist() == [3, 4, 5]
    assert row.untyped_storage().data_ptr() != first.untyped_storage().data_ptr()


SAFETENSORS = """
import sys
if sys.argv[1] == "reftorch":
    import reftorch
    reftorch.install_as_torch()
import torch, safetensors, safetensors.torch as st
folder = sys.argv[2]
kinds = "uint8 int8 int16 int32 int64 float16 float32 float64 bfloat16 bool float8_e4m3fn uint16 uint64 complex64".split()
tensors = {kind: torch.arange(6).reshape(2, 3).to(getattr(torch, kind)) for kind in kinds} | {"empty": torch.empty(0, 3), "number": torch.tensor(2.5)}
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
model[1].weight = model[0].weight
bits = lambda t: (t.dtype, t.shape, t.reshape(-1).view(torch.uint8).tolist())
if len(sys.argv) == 3:
    st.save_file(tensors, folder + "/tensors", metadata={"a": "b"})
    st.save_model(model, folder + "/model")
for name, read in (("/tensors", st.load_file), ("/tensors", lambda path: st.load(open(path, "rb").read()))):
    assert {k: bits(v) for k, v in read(folder + name).items()} == {k: bits(v) for k, v in tensors.items()}
with safetensors.safe_open(folder + "/tensors", "pt") as file:
    assert file.metadata() == {"a": "b"} and file.get_slice("float32")[:, 1:].tolist() == [[1, 2], [4, 5]]
assert st.load_model(model, folder + "/model") == (set(), [])
"""


@pytest.mark.skipif(not find_spec("safetensors") or not find_spec("torch"), reason="safetensors or PyTorch is not installed")
def test_safetensors(tmp_path):
    """Its own library works on reftorch as torch: the same files, byte for byte, read by either."""
    for name, other in (("torch", "reftorch"), ("reftorch", "torch")):
        (tmp_path / name).mkdir()
        for library, *more in ((name,), (other, "read")):
            subprocess.run([sys.executable, "-c", SAFETENSORS, library, str(tmp_path / name), *more], check=True, cwd=Path(reftorch.__file__).parents[1])
    for file in ("tensors", "model"):
        assert (tmp_path / "torch" / file).read_bytes() == (tmp_path / "reftorch" / file).read_bytes()
