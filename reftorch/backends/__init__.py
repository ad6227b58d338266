"""torch.backends: which libraries compute. Here NumPy's and the package's own kernels do; the switches of others are kept but mean nothing."""
from . import cpu, cuda, cudnn, kernels, mha, mkl, mkldnn, mps, nnpack, openmp, opt_einsum, quantized  # noqa: F401

fp32_precision = "none"
