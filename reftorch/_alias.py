"""`install_as_torch`: from then on `import torch` and `import torch.x` give reftorch's modules."""
import sys
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec

_OWN = __package__


class _Alias:
    """Finds `torch.x` as `reftorch.x`: one module object under two names."""

    def find_spec(self, name, path=None, target=None):
        """A spec whose loader hands over the module that is already there, or None."""
        if not name.startswith("torch."):
            return None
        real = _OWN + name.removeprefix("torch")
        try:
            if find_spec(real) is None:
                return None
        except ModuleNotFoundError:
            return None
        return ModuleSpec(name, self, is_package=hasattr(import_module(real), "__path__"))

    def create_module(self, spec):
        """The module itself, whose own facts are put back by `exec_module`."""
        module = sys.modules[_OWN + spec.name.removeprefix("torch")]
        self.own = module.__spec__, module.__loader__, module.__package__
        return module

    def exec_module(self, module):
        """Nothing runs twice."""
        module.__spec__, module.__loader__, module.__package__ = self.own


def install_as_torch():
    """Let `torch` mean reftorch in this process; ImportError when the real one is there already."""
    own = sys.modules[_OWN]
    if sys.modules.setdefault("torch", own) is not own:
        raise ImportError("torch is already imported: call install_as_torch() first")
    if not any(isinstance(finder, _Alias) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Alias())
