"""Exception types of the API's own, and words that its errors use."""


#: dtypes as PyTorch's errors about C++ types name them.
C_NAMES = {"float64": "double", "float32": "float", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "bool": "bool", "uint8": "unsigned char",
           "int8": "signed char", "int16": "short int", "int32": "int", "int64": "long int", "uint16": "short unsigned int",
           "uint32": "unsigned int", "uint64": "long unsigned int", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>"}


class _LinAlgError(RuntimeError):
    """A matrix that a routine of linear algebra cannot work with (`torch.linalg.LinAlgError`)."""


_LinAlgError.__module__ = "torch._C"
