"""torch.backends.quantized: no quantized kernels."""
engine = "none"
supported_engines = ["none"]
