"""What ordinary programs import around the tensors: the alias of torch, switches, checkpointing, scaling, comparing."""
import subprocess
import sys

import pytest

import reftorch
from reftorch.utils.checkpoint import checkpoint


def played(code, *args):
    """What a program prints that thinks it has PyTorch."""
    run = subprocess.run([sys.executable, "-m", "reftorch", "-c", code, *args], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


def test_a_program_finds_torch_under_its_name():
    code = ("import sys, torch, torch.nn.functional as F, torch.backends.cudnn as cudnn\nfrom torch.cuda.amp import autocast\n"
            "cudnn.benchmark = True\nprint(F is torch.nn.functional, torch.backends.cudnn.benchmark, torch.cuda.is_available(), sys.argv)\n"
            "try:\n    import torch.nonsense\nexcept ImportError as error:\n    print(error)")
    assert played(code, "a") == ["True True False ['-c', 'a']", "No module named 'torch.nonsense'"]


def test_a_missing_name_is_called_by_its_torch_name():
    with pytest.raises(AttributeError, match="^module 'torch' has no attribute 'nonsense'$"):
        reftorch.nonsense  # noqa: B018


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_checkpoint_runs_again_with_the_same_random_numbers(use_reentrant):
    runs = []

    def step(x):
        runs.append(reftorch.rand(3))
        return (x * runs[-1]).sin()

    x = reftorch.ones(3, requires_grad=True)
    checkpoint(step, x, use_reentrant=use_reentrant).sum().backward()
    assert len(runs) == 2 and runs[0].equal(runs[1])
    reftorch.testing.assert_close(x.grad, runs[0] * runs[0].cos())


def test_grad_scaler_leaves_out_a_step_that_overflows():
    w = reftorch.nn.Parameter(reftorch.ones(2))
    optimizer, scaler = reftorch.optim.SGD([w], lr=0.5), reftorch.amp.GradScaler("cpu", init_scale=8.0)
    for factor in (1.0, float("inf")):
        optimizer.zero_grad()
        scaler.scale((w * factor).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
    assert w.tolist() == [0.5, 0.5] and scaler.get_scale() == 4.0


def test_assert_close_says_where_and_how_much():
    with pytest.raises(AssertionError) as caught:
        reftorch.testing.assert_close({"a": [reftorch.tensor([1, 2])]}, {"a": [reftorch.tensor([1, 4])]})
    assert str(caught.value) == ("Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\nGreatest absolute difference: 2 at index (1,)\n"
                                 "Greatest relative difference: 0.5 at index (1,)\n\nThe failure occurred for item ['a'][0]")


def test_istft_inverts_stft():
    x, window = reftorch.randn(2, 64, generator=reftorch.Generator().manual_seed(0)), reftorch.hann_window(16)
    spectra = reftorch.stft(x, 16, 4, window=window, return_complex=True)
    reftorch.testing.assert_close(reftorch.istft(spectra, 16, 4, window=window), x)


def test_autocast_is_refused_rather_than_ignored():
    with pytest.raises(NotImplementedError), reftorch.autocast("cpu"):
        pass
