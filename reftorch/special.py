"""torch.special: the special functions, bound from the ops that state this namespace."""
from .core.bind import bind as _bind

_bind("special", globals())
