"""Averages of a model's parameters over the steps of its training (SWA, EMA), and the learning rate for it."""
import itertools
import math
from copy import deepcopy

import reftorch as torch

from ..nn import Module
from ._per_parameter import require
from .lr_scheduler import LRScheduler, _for_groups

__all__ = ["AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn", "update_bn"]


def _require_decay(decay):
    require(not (decay < 0.0 or decay > 1.0), f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def _is_continuous(tensor):
    return torch.is_floating_point(tensor) or torch.is_complex(tensor)


def get_ema_multi_avg_fn(decay=0.999):
    """A function that moves a list of averages towards the current values: avg = avg * decay + current * (1 - decay)."""
    _require_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param_list, current_param_list, _):
        for average, current in zip(ema_param_list, current_param_list, strict=True):
            if _is_continuous(average):
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(average * decay + current * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn():
    """A function that takes the current values into a list of means: avg = avg + (current - avg) / (num_averaged + 1)."""

    @torch.no_grad()
    def swa_update(averaged_param_list, current_param_list, num_averaged):
        for average, current in zip(averaged_param_list, current_param_list, strict=True):
            if _is_continuous(average):
                weight = 1 / (num_averaged + 1)
                average.lerp_(current, weight.to(average.dtype) if isinstance(weight, torch.Tensor) else weight)
            elif isinstance(num_averaged, torch.Tensor):
                average.addcdiv_(current - average, num_averaged + 1)       # torch: refuses, as there is no integer division in it
            else:
                average.add_(current - average, alpha=1.0 / (num_averaged + 1))

    return swa_update


def get_ema_avg_fn(decay=0.999):
    """A function that gives decay * avg + (1 - decay) * current for one parameter."""
    _require_decay(decay)

    @torch.no_grad()
    def ema_update(ema_param, current_param, num_averaged):
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


@torch.no_grad()
def _mean(averaged_param, current_param, num_averaged):
    return averaged_param + (current_param - averaged_param) / (num_averaged + 1)


def get_swa_avg_fn():
    """A function that gives avg + (current - avg) / (num_averaged + 1) for one parameter."""
    return _mean


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of those that `update_parameters` has seen."""

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        copied = deepcopy(model)
        self.module = copied if device is None else copied.to(device)
        self.register_buffer("n_averaged", torch.zeros((), dtype=torch.long, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        """The averaged model's output."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model):
        """Take the parameters of `model` into the averages; its buffers too, or copy them."""
        def averaged(of):
            return itertools.chain(of.parameters(), of.buffers()) if self.use_buffers else of.parameters()

        pairs = [(mine.detach(), theirs.detach().to(mine.device)) for mine, theirs in zip(averaged(self.module), averaged(model), strict=False)]
        if self.n_averaged == 0:
            for mine, theirs in pairs:
                mine.copy_(theirs)
        elif self.avg_fn is not None:
            for mine, theirs in pairs:
                mine.copy_(self.avg_fn(mine, theirs, self.n_averaged))
        elif self.multi_avg_fn is not None:
            for group in _by_dtype(pairs):
                self.multi_avg_fn(*map(list, zip(*group, strict=True)), self.n_averaged)
        else:
            for mine, theirs in pairs:
                mine.copy_(_mean(mine, theirs, self.n_averaged))
        if not self.use_buffers:
            for mine, theirs in zip(self.module.buffers(), model.buffers(), strict=True):
                mine.detach().copy_(theirs.detach().to(mine.device))
        self.n_averaged += 1


def _by_dtype(pairs):
    groups = {}
    for pair in pairs:
        groups.setdefault(pair[0].dtype, []).append(pair)
    return groups.values()


@torch.no_grad()
def update_bn(loader, model, device=None):
    """Compute the running statistics of the model's BatchNorm layers anew, over the data of `loader`."""
    norms = [module for module in model.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    momenta, was_training = [norm.momentum for norm in norms], model.training
    model.train()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None            # plain means, from the first batch on
    for batch in loader:
        batch = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(batch if device is None else batch.to(device))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """lr_t = swa_lr * a(t) + lr_0 * (1 - a(t)), a rising from 0 to 1 in anneal_epochs, linearly or as (1 - cos(pi * x)) / 2."""

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        for value, group in zip(_for_groups("swa_lr", optimizer, swa_lr), optimizer.param_groups, strict=True):
            group["swa_lr"] = value
        require(anneal_strategy in ("cos", "linear"), f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        require(isinstance(anneal_epochs, int) and anneal_epochs >= 0, f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _weight(self, step):
        x = max(0, min(1, step / max(1, self.anneal_epochs)))
        return x if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * x)) / 2

    def get_lr(self):
        """The learning rates after this step, from those of the groups and the weight that they were made with."""
        self._warn_outside_step()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._weight(step - 1), self._weight(step)
        lrs = []
        for group in self.optimizer.param_groups:
            first = group["swa_lr"] if before == 1 else (group["lr"] - before * group["swa_lr"]) / (1 - before)
            lrs.append(group["swa_lr"] * now + first * (1 - now))
        return lrs
