"""Windows of M points: symmetric ones (`sym`, for filters), or periodic ones of M + 1 points without the last."""

import math
from collections.abc import Iterable

import reftorch as torch

__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann",
    "kaiser", "nuttall",
]  # fmt: skip


def _require(holds, text):
    if not holds:
        raise ValueError(text)


def _options(name, M, dtype, layout, device, requires_grad):
    """What every window checks, and what it hands to the factory of its tensor."""
    dtype = torch.get_default_dtype() if dtype is None else dtype
    _require(M >= 0, f"{name} requires non-negative window length, got M={M}")
    _require(layout is torch.strided, f"{name} is implemented for strided tensors only, got: {layout}")
    _require(dtype in (torch.float32, torch.float64), f"{name} expects float32 or float64 dtypes, got: {dtype}")
    return {"dtype": dtype, "layout": layout, "device": device, "requires_grad": requires_grad}


def exponential(
    M, *, center=None, tau=1.0, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False
):
    """w[n] = exp(-|n - center| / tau)"""
    options = _options("exponential", M, dtype, layout, device, requires_grad)
    _require(not tau <= 0, f"Tau must be positive, got: {tau} instead.")
    _require(not sym or center is None, "Center must be None for symmetric windows")
    if M == 0:
        return torch.empty((0,), **options)
    if center is None:
        center = (M if not sym and M > 1 else M - 1) / 2.0
    scale = 1 / tau
    k = torch.linspace(start=-center * scale, end=(-center + (M - 1)) * scale, steps=M, **options)
    return torch.exp(-torch.abs(k))


def cosine(M, *, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False):
    """w[n] = sin(pi (n + 1/2) / M)"""
    options = _options("cosine", M, dtype, layout, device, requires_grad)
    if M == 0:
        return torch.empty((0,), **options)
    scale = math.pi / (M + 1 if not sym and M > 1 else M)
    return torch.sin(torch.linspace(start=0.5 * scale, end=(0.5 + (M - 1)) * scale, steps=M, **options))


def gaussian(M, *, std=1.0, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False):
    """w[n] = exp(-(n - (M - 1)/2)^2 / (2 std^2))"""
    options = _options("gaussian", M, dtype, layout, device, requires_grad)
    _require(not std <= 0, f"Standard deviation must be positive, got: {std} instead.")
    if M == 0:
        return torch.empty((0,), **options)
    start = -(M if not sym and M > 1 else M - 1) / 2.0
    scale = 1 / (std * math.sqrt(2))
    k = torch.linspace(start=start * scale, end=(start + (M - 1)) * scale, steps=M, **options)
    return torch.exp(-(k**2))


def kaiser(M, *, beta=12.0, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False):
    """w[n] = I0(beta sqrt(1 - (2n/(M - 1) - 1)^2)) / I0(beta)"""
    options = _options("kaiser", M, dtype, layout, device, requires_grad)
    _require(not beta < 0, f"beta must be non-negative, got: {beta} instead.")
    if M == 0:
        return torch.empty((0,), **options)
    if M == 1:
        return torch.ones((1,), **options)
    beta = torch.tensor(beta, dtype=options["dtype"], device=device)  # rounded first: the root below stays real
    step = 2.0 * beta / (M - 1 if sym else M)
    last = torch.minimum(beta, -beta + (M - 1) * step)
    k = torch.linspace(start=-beta, end=last, steps=M, **options)
    return torch.i0((beta * beta - k**2).sqrt()) / torch.i0(beta)


def bartlett(M, *, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False):
    """w[n] = 1 - |2n/(M - 1) - 1|"""
    options = _options("bartlett", M, dtype, layout, device, requires_grad)
    if M == 0:
        return torch.empty((0,), **options)
    if M == 1:
        return torch.ones((1,), **options)
    step = 2 / (M - 1 if sym else M)
    return 1 - torch.abs(torch.linspace(start=-1, end=-1 + (M - 1) * step, steps=M, **options))


def general_cosine(M, *, a, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False):
    """w[n] = sum over i of (-1)^i a[i] cos(2 pi i n / (M - 1))"""
    options = _options("general_cosine", M, dtype, layout, device, requires_grad)
    if M == 0:
        return torch.empty((0,), **options)
    if M == 1:
        return torch.ones((1,), **options)
    if not isinstance(a, Iterable):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")
    step = 2 * math.pi / (M - 1 if sym else M)
    k = torch.linspace(start=0, end=(M - 1) * step, steps=M, **options)
    del options["layout"]
    signed = torch.tensor([(-1) ** i * weight for i, weight in enumerate(a)], **options)
    harmonic = torch.arange(len(signed), **options)
    return (signed.unsqueeze(-1) * torch.cos(harmonic.unsqueeze(-1) * k)).sum(0)


def general_hamming(
    M, *, alpha=0.54, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False
):
    """w[n] = alpha - (1 - alpha) cos(2 pi n / (M - 1))"""
    a = [alpha, 1.0 - alpha]
    return general_cosine(M, a=a, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hamming(M, *, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False):
    """w[n] = 0.54 - 0.46 cos(2 pi n / (M - 1))"""
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(M, *, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False):
    """w[n] = (1 - cos(2 pi n / (M - 1))) / 2"""
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad, alpha=0.5)


def blackman(M, *, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False):
    """w[n] = 0.42 - 0.5 cos(2 pi n / (M - 1)) + 0.08 cos(4 pi n / (M - 1))"""
    options = _options("blackman", M, dtype, layout, device, requires_grad)
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, **options)


def nuttall(M, *, sym=True, dtype=None, layout=torch.strided, device=None, requires_grad=False):
    """The sum of four cosines with the least side lobes (Nuttall, 1981)."""
    a = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
    return general_cosine(M, a=a, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)
