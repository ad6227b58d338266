"""`python -m reftorch script.py args`: run a PyTorch script, with `torch` meaning reftorch. `-m module` and `-c code` work as Python's own."""
import runpy
import sys

from . import install_as_torch


def main():
    """Take this module's place in `sys.argv` and run what follows it."""
    arguments = sys.argv[1:]
    if not arguments:
        sys.exit(__doc__)
    install_as_torch()
    if arguments[0] == "-c" and len(arguments) > 1:
        sys.argv = ["-c", *arguments[2:]]
        sys.path.insert(0, "")
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    elif arguments[0] == "-m" and len(arguments) > 1:
        sys.argv = arguments[1:]
        sys.path.insert(0, "")
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        import os
        sys.argv = arguments
        sys.path.insert(0, os.path.dirname(os.path.abspath(arguments[0])))
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
