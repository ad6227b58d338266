"""Scaled dot-product attention by blocks against the formula in double precision, gradients too; and against PyTorch's bits, where it is installed."""
import importlib.util

import numpy as np
import pytest

import reftorch

#: batch, heads, queries, keys, width: tails of vectors, several blocks of queries (32, 64, 256) and of keys (512)
SHAPES = [(2, 3, 32, 32, 32), (1, 2, 5, 7, 8), (2, 2, 40, 45, 24), (1, 1, 200, 200, 16), (1, 2, 70, 600, 12), (1, 1, 800, 810, 8)]
attend = reftorch.nn.functional.scaled_dot_product_attention


def operands(shape, seed=0):
    b, h, queries, keys, width = shape
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((b, h, n, width)).astype(np.float32) for n in (queries, keys, keys, queries)]


def formula(q, k, v, added):
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]) + added
    weights = np.exp(scores - np.maximum(scores.max(-1, keepdims=True), -1e300))
    weights /= np.maximum(weights.sum(-1, keepdims=True), 1e-300)
    return weights, weights @ v


def everything(arrays, **how):
    *inputs, grad = [reftorch.from_numpy(a) for a in arrays]
    for x in inputs:
        x.requires_grad_()
    out = attend(*inputs, **how)
    return [t.detach().numpy() for t in (out, *reftorch.autograd.grad(out, inputs, grad))]


@pytest.mark.parametrize("masked", ["plain", "causal", "bool", "float"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_formula(shape, dtype, masked):
    q, k, v, grad = arrays = [a.astype(dtype) for a in operands(shape)]
    queries, keys = shape[2:4]
    how, added = {}, np.zeros((queries, keys))
    if masked == "causal":
        how, added = {"is_causal": True}, np.where(np.tri(queries, keys, dtype=bool), 0, -np.inf)
    elif masked != "plain":
        seen = np.random.default_rng(1).random((queries, keys)) < .7
        seen[-1] = False                                 # sees nothing: zeros
        added = np.where(seen, 0 if masked == "bool" else 1.5, -np.inf)
        how = {"attn_mask": reftorch.from_numpy(seen if masked == "bool" else added.astype(dtype))}
    weights, want = formula(*(a.astype(np.float64) for a in (q, k, v)), added)
    change = weights * (grad @ v.swapaxes(-1, -2) - (grad * want).sum(-1, keepdims=True)) / np.sqrt(shape[-1])
    wanted = [want, change @ k, change.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ grad]
    for got, right in zip(everything(arrays, **how), wanted, strict=True):
        np.testing.assert_allclose(got, right, rtol=0, atol=(3e-6 if dtype == "float32" else 1e-13) * max(1, abs(right).max()))


@pytest.mark.parametrize("order", [(2, 0, 1, 3), (0, 2, 1, 3), (0, 1, 3, 2)], ids=str)
def test_strides(order):
    """Operands that lie in memory in another order, and a mask of one column, give the same bits."""
    arrays = operands(SHAPES[2])
    turned = [np.ascontiguousarray(a.transpose(order)).transpose(np.argsort(order)) for a in arrays]
    column = np.linspace(-1, 1, 40, dtype=np.float32)[:, None]
    for got, want in zip(everything(turned, attn_mask=reftorch.from_numpy(column)),
                         everything(arrays, attn_mask=reftorch.from_numpy(column.repeat(45, 1))), strict=True):
        assert np.array_equal(got, want)


@pytest.mark.parametrize("shape", SHAPES[2:4], ids=str)
def test_threads(shape):
    found = []
    for threads in (1, 2, 4):
        before = reftorch.get_num_threads()
        reftorch.set_num_threads(threads)
        try:
            found.append(everything(operands(shape), is_causal=True))
        finally:
            reftorch.set_num_threads(before)
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="compares with PyTorch, which is not installed")
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("shape", SHAPES[:4], ids=str)
def test_bits(shape, causal):
    """One block of keys: every bit of results and gradients, on processors for which PyTorch adds in lanes of 16."""
    import torch
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        pytest.skip("PyTorch adds in other lanes on this processor")
    *inputs, grad = [torch.from_numpy(a) for a in operands(shape)]
    for x in inputs:
        x.requires_grad_()
    out = torch.nn.functional.scaled_dot_product_attention(*inputs, is_causal=causal)
    wanted = [out, *torch.autograd.grad(out, inputs, grad)]
    for got, want in zip(everything(operands(shape), is_causal=causal), wanted, strict=True):
        assert np.array_equal(got, want.detach().numpy())


@pytest.mark.parametrize("which", range(6))
@pytest.mark.parametrize("change", [lambda x: x[:1], lambda x: x[:, :, 1:], lambda x: x[0], lambda x: x.double()], ids=["batch", "rows", "dims", "dtype"])
def test_operands_that_do_not_fit_are_refused(which, change):
    q, k, v, grad = map(reftorch.from_numpy, operands((2, 3, 4, 5, 8)))
    out, log_total = reftorch._scaled_dot_product_flash_attention_for_cpu(q, k, v)
    given = [grad, q, k, v, out, log_total]
    given[which] = change(given[which])
    with pytest.raises((RuntimeError, IndexError)):
        reftorch._scaled_dot_product_flash_attention_for_cpu_backward(*given, 0.0, False)
