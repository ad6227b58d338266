"""What checkpoints hold, as text that reftorch, PyTorch 2.13 and PyTorch 1.13 evaluate; and how an interpreter with PyTorch is asked about its files."""
import contextlib
import functools
import json
import os
import subprocess
import textwrap

# what is saved, as text that every library evaluates
KINDS = {
    "scalars": "[1, -2.5, True, None, 'text', b'bytes', 2 + 3j, (1, (2,)), {'a': {1, 2}}, 2**31, -2**31, 2**63, 255, 65536, 1 << 3000]",
    "floats": "[float('nan'), float('inf'), -0.0, 1e-320, -float('inf')]",
    "text": "{'\\u00e9\\U0001f600': torch.ones(1), 'x' * 300: 1, '': 2}",
    "float32": "torch.arange(6.).view(2, 3)",
    "dtypes": "{str(d): torch.arange(4).to(d) for d in (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.float64, "
              "torch.bfloat16, torch.complex64, torch.complex128, torch.bool)}",
    "unsigned": "[torch.tensor([1, 65535], dtype=torch.uint16), torch.tensor([7], dtype=torch.uint32), torch.tensor([9], dtype=torch.uint64)]",
    "float8": "[torch.tensor([1., -2.]).to(d) for d in (torch.float8_e4m3fn, torch.float8_e5m2)]",
    "specials": "torch.tensor([float('nan'), float('inf'), -0.0, 1e-45])",
    "empty": "[torch.empty(0), torch.empty(2, 0), torch.tensor(3.5)]",
    "strided": "[torch.arange(24.).view(2, 3, 4).permute(2, 0, 1), torch.arange(9)[::2], torch.ones(1).expand(4), torch.arange(10.)[3:7]]",
    "channels last": "torch.arange(24.).view(1, 2, 3, 4).to(memory_format=torch.channels_last)",
    "shared": "(lambda a: {'whole': a, 'row': a[1], 'column': a[:, 0], 'again': a})(torch.arange(6.).view(2, 3))",
    "conjugate": "torch.tensor([1 + 2j, 3 - 1j]).conj()",
    "grad": "[torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True) * 2]",
    "parameter": "[torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.arange(2), requires_grad=False)]",
    "state of parameter": "(lambda p: (setattr(p, 'note', 3), p)[1])(torch.nn.Parameter(torch.ones(2)))",
    "attributes": "(lambda t: (setattr(t, 'note', 'n'), t)[1])(torch.ones(2))",
    "subclass": "(lambda t: (setattr(t, 'note', [1]), t)[1])(torch.ones(2).as_subclass(user_code.Marked))",
    "buffer": "torch.nn.Buffer(torch.ones(3))",
    "sizes": "[torch.ones(2, 3).shape, torch.Size([]), torch.device('cpu'), torch.device('cpu', 0), torch.float32, torch.bfloat16, torch.strided]",
    "state dict": "torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2)).state_dict()",
    "checkpoint": "{'epoch': 3, 'model': torch.nn.Linear(2, 2).state_dict(), 'losses': [0.5, 0.25], 'rng': torch.manual_seed(3).get_state()}",
    "ordered": "collections.OrderedDict([('b', torch.ones(1)), ('a', collections.Counter('aab'))])",
    "nested": "{'a': [({'b': (torch.ones(1), [torch.zeros(2)])},)], 3: {(1, 2): torch.ones(1)}, None: 1.5}",
    "recursive": "(lambda d: (d.setdefault('self', d), d)[1])({'t': torch.ones(1)})",
    "containers": "[range(3), slice(1, 2), frozenset([1]), bytearray(b'ab'), collections.defaultdict(list, a=[1]), collections.deque([1]), ...]",
    "many": "[torch.full((i,), float(i)) for i in range(12)]",
    "storage": "torch.arange(3, dtype=torch.int16).untyped_storage()",
    "typed storage": "(lambda t: [t, t.storage(), t[1:].storage(), torch.FloatStorage([1., 2.])])(torch.arange(3, dtype=torch.int16))",
    "numpy": "[numpy.float64(1.5), numpy.int32(3), numpy.arange(3), numpy.dtype('float32'), numpy.bool_(True)]",
    "sgd": "stepped(lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)).state_dict()",
    "adam": "stepped(lambda p: torch.optim.Adam([{'params': p[:1]}, {'params': p[1:], 'lr': 0.5}], amsgrad=True)).state_dict()",
    "optimizer": "stepped(lambda p: torch.optim.AdamW(p, 0.1))",
    "scheduler": "torch.optim.lr_scheduler.StepLR(stepped(lambda p: torch.optim.SGD(p, 0.1)), 2)",
    "module": "torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU(), torch.nn.LayerNorm(2)).eval()",
    "convolutions": "torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3, padding=1), torch.nn.BatchNorm2d(2), torch.nn.MaxPool2d(2), torch.nn.Flatten(), "
                    "torch.nn.ConvTranspose1d(1, 2, 3), torch.nn.GroupNorm(2, 4), torch.nn.PReLU(), torch.nn.Dropout(0.3)).requires_grad_(False)",
    "recurrent": "torch.nn.ModuleDict({'l': torch.nn.LSTM(3, 2, 2, bidirectional=True), 'g': torch.nn.GRU(2, 2, batch_first=True), 'r': torch.nn.RNN(2, 2), "
                 "'c': torch.nn.LSTMCell(2, 2)})",
    "transformer": "torch.nn.Transformer(4, 2, 1, 1, 8)",
    "lists": "torch.nn.ModuleList([torch.nn.Embedding(4, 2, padding_idx=0), torch.nn.EmbeddingBag(3, 2), torch.nn.CrossEntropyLoss(torch.ones(3)), "
             "torch.nn.MultiheadAttention(4, 2), torch.nn.ParameterList([torch.ones(2), torch.zeros(1)])])",
    "tied": "(lambda m: (setattr(m[1], 'weight', m[0].weight), m)[1])(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)))",
    "hooked": "(lambda m: (m.register_forward_hook(print), torch.nn.utils.spectral_norm(m))[1])(torch.nn.Linear(2, 2))",
    "generator": "torch.Generator().manual_seed(5)",
    "functions": "[torch.relu, torch.nn.functional.relu, torch.fft.fft, torch.special.erf, torch.linalg.det, torch.Tensor.add, torch.nn.init.zeros_, "
                 "torch.einsum, torch.optim.SGD, torch.nn.Linear, torch.Tensor, torch.FloatTensor]",
    "results": "[torch.tensor([[1., 3.], [2., 0.]]).max(0), torch.linalg.qr(torch.eye(2)), torch.tensor([3., 1.]).sort()]",
    "packed": "torch.nn.utils.rnn.pack_sequence([torch.ones(2), torch.ones(1)])",
    "dataset": "[torch.utils.data.TensorDataset(torch.ones(2), torch.arange(2)), torch.utils.data.Subset([1, 2, 3], [0, 2])]",
    "distribution": "torch.distributions.Normal(torch.zeros(2), torch.ones(2))",
}
# files of 1.13 in which 2.13 sees something else than 1.13 itself
CHANGED = {"numpy": "numbers of NumPy 2 have another repr", "optimizer": "2.13 adds the options that 1.13 lacks",
           **dict.fromkeys(("module", "convolutions", "transformer", "lists"), "other texts in the repr of layers")}
# PyTorch cannot read these from its own old files either
NEW_ONLY = ("generator", "storage", "unsigned", "float8")
FILES = [name + old for name in KINDS for old in ("", ".old") if not (old and name in NEW_ONLY)]
NOT_IN_113 = {"unsigned", "float8", "buffer", "storage", "generator"}
# files that 1.13 cannot read, or reads as something else, when PyTorch 2.13 has written what it read from 1.13
RENEWED = {"numpy": "names of NumPy 2", "optimizer": "2.13 adds the options that 1.13 lacks", "functions": "2.13 renamed TensorBase"}

HELPERS = textwrap.dedent('''
    import collections, numpy, sys, types

    def show(value, seen):
        """A value as JSON: tensors with type, place and bits, storages numbered in the order they are met."""
        kind = type(value).__name__
        if isinstance(value, torch.Tensor):
            flat = value.detach().resolve_conj().clone(memory_format=torch.contiguous_format).as_subclass(torch.Tensor).reshape(-1)
            storage = getattr(value, "untyped_storage", value.storage)()
            number = seen.setdefault(storage.data_ptr() if value.numel() else ("empty", id(value)), len(seen))
            return [kind, str(value.dtype), list(value.shape), list(value.stride()), value.storage_offset(), value.requires_grad, storage.nbytes(),
                    bytes(flat.view(torch.uint8).tolist() if value.numel() else ()).hex(), number, show(value.__dict__, seen)]
        if isinstance(value, torch.nn.Module):
            flags = [[name, p.requires_grad] for name, p in value.named_parameters()]
            return [repr(value), value.training, show(value.state_dict(), seen), flags]
        if isinstance(value, torch.Generator):
            return [value.initial_seed(), show(value.get_state(), seen)]
        if isinstance(value, dict):
            if ("dict", id(value)) in seen:
                return "again"
            seen["dict", id(value)] = -1
            return [kind, [[repr(k), show(v, seen)] for k, v in value.items()], show(getattr(value, "_metadata", None), seen)]
        if isinstance(value, (torch.Size, set, frozenset)):
            return [kind, sorted(value)]
        if isinstance(value, (list, tuple, collections.deque)):
            return [kind, [show(v, seen) for v in value]]
        if "Storage" in kind:
            return ["storage", str(getattr(value, "dtype", None)), seen.setdefault(value.data_ptr(), len(seen)), [repr(v) for v in value.tolist()]]
        if isinstance(value, numpy.ndarray):
            return [kind, str(value.dtype), value.tolist()]
        if isinstance(value, (torch.optim.Optimizer, torch.utils.data.Dataset, torch.distributions.Distribution, torch.optim.lr_scheduler.StepLR)):
            return [kind, show(value.state_dict() if hasattr(value, "state_dict") else value.__dict__, seen)]
        return getattr(value, "__name__", None) or repr(value)

    def stepped(optimizer):
        """An optimizer that has made one step."""
        params = [torch.nn.Parameter(torch.ones(2)), torch.nn.Parameter(torch.ones(1, 2))]
        made = optimizer(params)
        sum((p * p).sum() for p in params).backward()
        made.step()
        return made

    def make(text):
        torch.manual_seed(0)
        return eval(text, globals())

    def attempt(call):
        """What a call gives, or its error."""
        try:
            return show(call(), {})
        except Exception as e:
            return {"error": f"{type(e).__name__}: {e}"}

    user_code = sys.modules["user_code"] = types.ModuleType("user_code")
    user_code.Marked = type("Marked", (torch.Tensor,), {"__module__": "user_code"})
''')
ORACLE = "import torch\n" + HELPERS + textwrap.dedent('''
    import io, json, pickle, warnings
    from pathlib import Path
    warnings.simplefilter("ignore")
    job, answer = json.load(sys.stdin), {}
    for name, text in job.get("write", {}).items():
        for old in ("", ".old"):
            def save():
                value = make(text)
                torch.save(value, path, _use_new_zipfile_serialization=not old)
                return value
            path = Path(job["folder"], f"{name}{old}.pt")
            answer[f"{path} written"] = attempt(save)
            if "error" in answer[f"{path} written"]:
                path.unlink(missing_ok=True)
    for path in (path for folder in job.get("read", ()) for path in Path(folder).glob("*.pt")):
        answer[str(path)] = attempt(lambda: torch.load(path, weights_only=False))
    for path, options in job.get("ask", ()):
        answer[f"{path} {options}"] = attempt(lambda: eval(f"torch.load({options})"))
    print(json.dumps(answer))
''')

@functools.cache
def python113():
    """An interpreter with PyTorch 1.13, or None."""
    python = os.environ.get("TORCH113", "/usr/bin/python3")
    version = "import importlib.util as u, runpy; print(runpy.run_path(u.find_spec('torch').submodule_search_locations[0] + '/version.py')['__version__'])"
    with contextlib.suppress(OSError):
        if subprocess.run([python, "-c", version], capture_output=True, text=True).stdout.startswith("1.13"):
            return python
    return None


def ask(python, **job):
    """What the PyTorch of an interpreter answers."""
    run = subprocess.run([python, "-c", ORACLE], input=json.dumps(job), capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)
