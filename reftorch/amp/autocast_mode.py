"""`autocast`: off for accelerators that are not there, refused where it would change what is computed."""
import functools
import warnings

from ..core import DTYPES, device

_DTYPE = {"cpu": "bfloat16", "cuda": "float16"}


def is_autocast_available(device_type):
    """Whether PyTorch knows autocast for this kind of device."""
    return device(device_type).type in _DTYPE


class autocast:
    """A region whose matrix products would run in half precision; context manager and decorator."""

    def __init__(self, device_type, dtype=None, enabled=True, cache_enabled=None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = device(device_type).type
        self.fast_dtype = dtype or DTYPES[_DTYPE.get(self.device, "float16")]
        if self.device == "cuda" and enabled:
            warnings.warn("User provided device_type of 'cuda', but CUDA is not available. Disabling", UserWarning, stacklevel=2)
            enabled = False
        self._enabled = enabled

    def __enter__(self):
        if self._enabled:
            raise NotImplementedError(f"reftorch has no autocast on {self.device}: convert with .to(torch.bfloat16), or pass enabled=False")
        return self

    def __exit__(self, *_):
        return False

    def __call__(self, fn):
        @functools.wraps(fn)
        def decorated(*args, **kwargs):
            with self:
                return fn(*args, **kwargs)
        return decorated


def custom_fwd(fwd=None, *, device_type, cast_inputs=None):
    """For `forward` of a Function: without autocast it runs as it is."""
    return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs) if fwd is None else fwd


def custom_bwd(bwd=None, *, device_type):
    """For `backward` of a Function: without autocast it runs as it is."""
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd
