"""torch.backends.cpu: what the processor can do."""


def get_cpu_capability():
    """The level of vector instructions that PyTorch would choose; kernels here choose for themselves."""
    return "DEFAULT"
