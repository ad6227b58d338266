"""Runs small programs and says what came out: the same code for reftorch and for the oracle, which lives in a process of its own.

As a script: reads one JSON program a line, writes one JSON outcome a line, with the module named on the command line as `torch`.
"""
import importlib
import json
import math
import sys
import warnings


def number(v):
    """A JSON value that compares: complex as a pair, NaN and infinities as text."""
    if isinstance(v, complex):
        return [number(v.real), number(v.imag)]
    if isinstance(v, float) and not math.isfinite(v):
        return repr(v)
    return v


def listed(v):
    return [listed(x) for x in v] if isinstance(v, list) else number(v)


def describe(torch, t):
    """Everything that a program can see of a tensor."""
    if not isinstance(t, torch.Tensor):
        return repr(t)
    node = t.grad_fn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        grad = t.grad
    return {"values": listed(t.detach().tolist()), "dtype": repr(t.dtype), "shape": list(t.shape), "stride": list(t.stride()),
            "offset": t.storage_offset(), "version": t._version, "requires_grad": t.requires_grad, "leaf": t.is_leaf,
            "grad_fn": None if node is None else type(node).__name__, "grad": None if grad is None else listed(grad.tolist())}


def run(torch, statements):
    """Execute statement by statement; an exception ends the program and is part of the outcome."""
    names = {"torch": torch}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i, statement in enumerate(statements):
            try:
                exec(statement, names)
            except Exception as e:                                # what is raised is what is compared
                return {"failed": i, "type": type(e).__name__, "text": str(e), "values": {}}
    shown = {}
    for name in [k for k in names if not k.startswith("__") and k != "torch"]:
        try:
            shown[name] = describe(torch, names[name])
        except RuntimeError as e:                                 # a view whose history is forbidden says so when looked at
            shown[name] = {"type": type(e).__name__, "text": str(e)}
    return {"failed": None, "values": shown}


def main():
    torch = importlib.import_module(sys.argv[1])
    torch.set_num_threads(1)
    for line in sys.stdin:
        print(json.dumps(run(torch, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
