"""`torch.linalg`: norms, decompositions, inverses and systems of equations."""
from .core.bind import bind
from .core.errors import _LinAlgError as LinAlgError  # noqa: F401

bind("linalg", globals())
