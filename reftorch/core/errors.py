"""Exception types of the API's own."""


class _LinAlgError(RuntimeError):
    """A matrix that a routine of linear algebra cannot work with (`torch.linalg.LinAlgError`)."""


_LinAlgError.__module__ = "torch._C"
