"""Runs packs of cases against one implementation, in its interpreter: Python 3.8 or later, nothing but the standard library. A script.

    python worker.py MODULE        MODULE plays the role of `torch`

Speaks JSON lines on stdin and stdout: {"cmd": "describe"}, {"cmd": "run", ...}, {"cmd": "stop"}. The implementation is
imported once; each group of cases runs in a forked child, which names the case it is about to run on a pipe, so that a
crash or a hang is pinned to its case and the rest of the group goes on in a new child.
"""

import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
import zipfile


class Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Makes `import torch.x` give `MODULE.x`: one module object under two names."""

    def __init__(self, module):
        self.module = module

    def find_spec(self, fullname, path=None, target=None):
        if not fullname.startswith("torch."):
            return None
        real = self.module + fullname[len("torch") :]
        try:
            importlib.import_module(real)
        except ModuleNotFoundError as error:
            if error.name and (real == error.name or real.startswith(error.name + ".")):
                raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname) from None
            raise
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec):
        module = sys.modules[self.module + spec.name[len("torch") :]]
        self.specs = getattr(self, "specs", {})
        self.specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module):  # already executed under its own name; give it back the spec that the import replaced
        module.__spec__ = self.specs[module.__spec__.name]


def connect(module):
    """Import the implementation and make it answer to `torch`; returns it."""
    torch = importlib.import_module(module)
    if module != "torch":
        if "torch" in sys.modules:
            raise ImportError(f"{module} imports the real torch: nothing would be proved")
        sys.modules["torch"] = torch
        sys.meta_path.insert(0, Alias(module))
    return torch


def supplied():
    """The names every program may use; one that cannot be imported is left out, and its use is a NameError."""
    names = {}
    for name, module in (
        ("torch", "torch"), ("nn", "torch.nn"), ("F", "torch.nn.functional"), ("optim", "torch.optim"),
        ("np", "numpy"), ("math", "math"),
    ):  # fmt: skip
        try:
            names[name] = importlib.import_module(module)
        except Exception as error:  # whatever an unfinished implementation raises
            print(f"cannot supply {name}: {type(error).__name__}: {error}", file=sys.stderr)
    return names


class Pack:
    """The cases of a pack that were asked for, and the files that take their records."""

    def __init__(self, path, out, only=None):
        with zipfile.ZipFile(path) as pack:
            cases = [json.loads(line) for line in pack.read("cases.jsonl").decode().splitlines()]
            self.data = pack.read("cases.bin")
        self.cases = [case for case in cases if only is None or case["id"] in only]
        self.lines, self.blobs = out + ".jsonl", out + ".bin"
        for file in (self.lines, self.blobs):
            open(file, "wb").close()

    def append(self, record):
        with open(self.lines, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def groups(cases):
    """Consecutive cases of one group; a case without a group stands alone."""
    batch = []
    for case in cases:
        if batch and (not case["group"] or case["group"] != batch[-1]["group"]):
            yield batch
            batch = []
        batch.append(case)
    if batch:
        yield batch


def run_group(observe, pack, batch, options, report):
    """Run cases in forked children until every one of them has a record."""
    while batch:
        started, status = fork(observe, pack, batch, options)
        finished = started - (1 if status else 0)
        for case in batch[:finished]:
            report(case["id"], "done")
        if status and started == 0:  # the child died before its first case: no case is to blame, so blame the first
            finished, started = 0, 1
        if status:
            case = batch[finished]
            pack.append({"id": case["id"], **status})
            report(case["id"], status["status"])
        batch = batch[started:]


def fork(observe, pack, batch, options):
    """One child for a batch: returns how many cases it started and, if the last one ended it, how."""
    read, write = os.pipe()
    scratch = tempfile.mkdtemp(prefix="case-")
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        code = 1
        try:
            os.setsid()
            os.chdir(scratch)
            limit(options.get("memory", 2 << 30))
            run_child(observe, pack, batch, options, write)
            code = 0
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
        finally:
            os._exit(code)
    os.close(write)
    started, ended, status = 0, False, None
    deadline, before = time.monotonic() + options["seconds"], 0.0
    while not ended:
        ready, _, _ = select.select([read], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            lost = waited(pid)
            if lost > before:
                deadline, before = deadline + lost - before, lost
                continue
            status = {"status": "timeout", "seconds": options["seconds"]}
            break
        data = os.read(read, 65536)
        if not data:
            break
        started += data.count(b"S")
        ended = b"E" in data
        deadline, before = time.monotonic() + options["seconds"], waited(pid)
    os.close(read)
    if not ended:
        try:
            os.killpg(pid, signal.SIGKILL) if status else None
        except (ProcessLookupError, PermissionError):  # it died by itself just now, or had no group of its own yet
            os.kill(pid, signal.SIGKILL)
    _, code = os.waitpid(pid, 0)
    shutil.rmtree(scratch, ignore_errors=True)
    if not ended and status is None:
        if os.WIFSIGNALED(code):
            status = {"status": "crash", "signal": signal.Signals(os.WTERMSIG(code)).name}
        else:
            status = {"status": "crash", "signal": f"exit {os.WEXITSTATUS(code)}"}
    return started, status


def waited(pid):
    """Seconds that a process was ready and others had the processor: they are not its own, on a busy machine it has its full time."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):  # not a Linux that counts it, or the process is gone
        return 0.0


def limit(memory):
    """Let the address space grow by `memory` bytes and no more."""
    with open("/proc/self/statm", encoding="ascii") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + memory, now + memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run_child(observe, pack, batch, options, write):
    observe.prepare(options.get("threads", 1))
    blobs = open(pack.blobs, "ab", buffering=0)
    lines = open(pack.lines, "ab", buffering=0)
    sink = observe.Sink(blobs.tell())
    for case in batch:
        os.write(write, b"S")
        record = observe.run(case, pack.data, options.get("seed", 0), sink)
        blobs.write(sink.take())
        lines.write(json.dumps(record).encode() + b"\n")
    os.write(write, b"E")


def main():
    module = sys.argv[1]
    here = sys.path.pop(0)
    sys.path.insert(0, os.getcwd())
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever a program prints past sys.stdout must not reach the protocol
    commands = os.fdopen(os.dup(0), "r")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def say(**message):
        channel.write(json.dumps(message) + "\n")

    try:
        torch = connect(module)
        spec = importlib.util.spec_from_file_location("_observe", os.path.join(here, "observe.py"))
        observe = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(observe)
        observe.bind(torch, module, supplied())
        gc.collect()
        gc.freeze()  # what is there now is garbage in no child: its collections need not visit it, and so not copy its pages
        version = str(getattr(torch, "__version__", "unknown"))
        about = {"module": module, "version": version, "file": getattr(torch, "__file__", None), "python": sys.version.split()[0]}
    except BaseException as error:
        say(error=f"cannot import {module}: {type(error).__name__}: {error}", trace=traceback.format_exc())
        return
    for line in commands:
        command = json.loads(line)
        if command["cmd"] == "describe":
            say(describe=about)
        elif command["cmd"] == "run":
            only = command.get("only")
            pack = Pack(command["pack"], command["out"], None if only is None else set(only))
            for batch in groups(pack.cases):
                run_group(observe, pack, batch, command, lambda id, status: say(case=id, status=status))
            say(done=command["out"])
        elif command["cmd"] == "stop":
            break


if __name__ == "__main__":
    main()
