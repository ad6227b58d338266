"""Schedules of learning rates. A schedule wraps an optimizer; each `step` sets the "lr" of its groups to what `get_lr` gives."""
import math
import types
import warnings
from bisect import bisect_right
from collections import Counter
from functools import partial
from math import inf

from ._per_parameter import require
from ._schedule import (  # noqa: F401  (some names are public here)
    _SEE,
    EPOCH_DEPRECATION_WARNING,
    LRScheduler,
    _for_groups,
    _LRScheduler,
    _own,
    _require_optimizer,
    _set,
    _values,
    _watch_step,
)

__all__ = ["ChainedScheduler", "ConstantLR", "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "ExponentialLR", "LRScheduler",
           "LambdaLR", "LinearLR", "MultiStepLR", "MultiplicativeLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SequentialLR", "StepLR"]

def _function_state(fn):
    """What is saved of a function: the attributes, if it is an object of a class of one's own."""
    return None if fn is None or isinstance(fn, types.FunctionType) else fn.__dict__.copy()


def _saved(state, **others):
    """A state in which other forms of some entries stand, at its end."""
    return {**{key: value for key, value in state.items() if key not in others}, **others}


def _cosine(low, high, t, period):
    """From `high` at t = 0 to `low` at t = period along half a cosine."""
    return low + (high - low) * (1 + math.cos(math.pi * t / period)) / 2


class _PerFunction(LRScheduler):
    """Schedules by a function a group; of these only objects have a state that is saved."""

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        self.optimizer = optimizer
        count = len(optimizer.param_groups)
        if isinstance(lr_lambda, (list, tuple)):
            require(len(lr_lambda) == count, f"Expected {count} lr_lambdas, but got {len(lr_lambda)}")
            self.lr_lambdas = list(lr_lambda)
        else:
            self.lr_lambdas = [lr_lambda] * count
        super().__init__(optimizer, last_epoch)

    def state_dict(self):
        """All attributes but the optimizer; of the functions, the attributes of those that are objects."""
        return _saved(super().state_dict(), lr_lambdas=[_function_state(f) for f in self.lr_lambdas])

    def load_state_dict(self, state_dict):
        """Take over what `state_dict` gave; the functions stay, the attributes of objects change."""
        functions = self.lr_lambdas
        super().load_state_dict({**state_dict, "lr_lambdas": functions})
        for f, saved in zip(functions, state_dict["lr_lambdas"], strict=True):
            if saved is not None:
                f.__dict__.update(saved)


class _ByFactor(LRScheduler):
    """lr_t = lr_{t-1} * _factor(t), None being no change; and `_closed(base_lr, t)`, the same from the start."""

    def get_lr(self):
        """The learning rates for `last_epoch`, from those of the epoch before."""
        self._warn_outside_step()
        return self._times(self._factor(self.last_epoch))

    def _get_closed_form_lr(self):
        return [self._closed(base, self.last_epoch) for base in self.base_lrs]


class LambdaLR(_PerFunction):
    """lr_t = base_lr * lr_lambda(t)"""

    def get_lr(self):
        self._warn_outside_step()
        return [base * f(self.last_epoch) for f, base in zip(self.lr_lambdas, self.base_lrs, strict=True)]


class MultiplicativeLR(_PerFunction):
    """lr_t = lr_{t-1} * lr_lambda(t)"""

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        for f in lr_lambda if isinstance(lr_lambda, (list, tuple)) else [lr_lambda]:
            if not callable(f):
                raise TypeError(f"lr_lambda should be a function, but got {type(f).__name__}")
        super().__init__(optimizer, lr_lambda, last_epoch)

    def get_lr(self):
        self._warn_outside_step()
        if self._is_initial:
            return self._times(None)
        return [group["lr"] * f(self.last_epoch) for f, group in zip(self.lr_lambdas, self.optimizer.param_groups, strict=True)]


class StepLR(_ByFactor):
    """lr_t = lr_{t-1} * gamma when t is a multiple of step_size."""

    def __init__(self, optimizer, step_size, gamma=0.1, last_epoch=-1):
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, t):
        return self.gamma if t != 0 and t % self.step_size == 0 else None

    def _closed(self, base, t):
        return base * self.gamma ** (t // self.step_size)


class MultiStepLR(_ByFactor):
    """lr_t = lr_{t-1} * gamma when t is among the milestones."""

    def __init__(self, optimizer, milestones, gamma=0.1, last_epoch=-1):
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, t):
        return self.gamma ** self.milestones[t] if t in self.milestones else None

    def _closed(self, base, t):
        return base * self.gamma ** bisect_right(sorted(self.milestones.elements()), t)


class ConstantLR(_ByFactor):
    """lr_t = base_lr * factor for t < total_iters, then base_lr."""

    def __init__(self, optimizer, factor=1.0 / 3, total_iters=5, last_epoch=-1):
        require(not (factor > 1.0 or factor < 0), "Constant multiplicative factor expected to be between 0 and 1.")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, t):
        if t == 0:
            return self.factor
        return 1.0 / self.factor if t == self.total_iters else None

    def _closed(self, base, t):
        return base * (self.factor + (t >= self.total_iters) * (1 - self.factor))


class LinearLR(_ByFactor):
    """lr_t = base_lr * (start_factor + (end_factor - start_factor) * min(t, total_iters) / total_iters)"""

    def __init__(self, optimizer, start_factor=1.0 / 3, end_factor=1.0, total_iters=5, last_epoch=-1):
        require(not (start_factor > 1.0 or start_factor <= 0),
                "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.")
        require(not (end_factor > 1.0 or end_factor < 0), "Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def _factor(self, t):
        if t == 0:
            return self.start_factor
        if self._is_initial or t > self.total_iters:
            return None
        rise = self.end_factor - self.start_factor
        return 1.0 + rise / (self.total_iters * self.start_factor + (t - 1) * rise)

    def _closed(self, base, t):
        return base * (self.start_factor + (self.end_factor - self.start_factor) * min(self.total_iters, t) / self.total_iters)


class ExponentialLR(_ByFactor):
    """lr_t = lr_{t-1} * gamma"""

    def __init__(self, optimizer, gamma, last_epoch=-1):
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def _factor(self, t):
        return None if self._is_initial else self.gamma

    def _closed(self, base, t):
        return base * self.gamma**t


class PolynomialLR(_ByFactor):
    """lr_t = base_lr * (1 - min(t, total_iters) / total_iters)**power"""

    def __init__(self, optimizer, total_iters=5, power=1.0, last_epoch=-1):
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def _factor(self, t):
        if self._is_initial or t > self.total_iters:
            return None
        left, left_before = (1.0 - epoch / self.total_iters for epoch in (t, t - 1))
        return (left / left_before) ** self.power

    def _closed(self, base, t):
        return base * (1.0 - min(self.total_iters, t) / self.total_iters) ** self.power


class CosineAnnealingLR(LRScheduler):
    """lr_t = eta_min + (base_lr - eta_min) * (1 + cos(pi * t / T_max)) / 2"""

    def __init__(self, optimizer, T_max, eta_min=0.0, last_epoch=-1):
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._warn_outside_step()
        t, groups = self.last_epoch, self.optimizer.param_groups
        if self._is_initial:
            return self._times(None)
        if self._step_count == 1 and t > 0:
            return self._get_closed_form_lr()
        if (t - 1 - self.T_max) % (2 * self.T_max) == 0:        # from the bottom there is no ratio to the learning rate before
            rise = 1 - math.cos(math.pi / self.T_max)
            return [group["lr"] + (base - self.eta_min) * rise / 2 for base, group in zip(self.base_lrs, groups, strict=True)]
        above, above_before = (1 + math.cos(math.pi * epoch / self.T_max) for epoch in (t, t - 1))
        ratio = above / above_before
        return [ratio * (group["lr"] - self.eta_min) + self.eta_min for group in groups]

    def _get_closed_form_lr(self):
        return [_cosine(self.eta_min, base, self.last_epoch, self.T_max) for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """lr = eta_min + (base_lr - eta_min) * (1 + cos(pi * T_cur / T_i)) / 2, T_cur from 0 to T_i; then T_i = T_i * T_mult."""

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0, last_epoch=-1):
        require(not (T_0 <= 0 or not isinstance(T_0, int)), f"Expected positive integer T_0, but got {T_0}")
        require(not (T_mult < 1 or not isinstance(T_mult, int)), f"Expected integer T_mult >= 1, but got {T_mult}")
        require(isinstance(eta_min, (float, int)), f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}")
        self.T_0, self.T_i, self.T_mult, self.eta_min, self.T_cur = T_0, T_0, T_mult, eta_min, last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self):
        self._warn_outside_step()
        return [_cosine(self.eta_min, base, self.T_cur, self.T_i) for base in self.base_lrs]

    def step(self, epoch=None):
        """Go on by one epoch, or to the one given, which may be a fraction."""
        if epoch is None and self.last_epoch >= 0:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur, self.T_i = self.T_cur % self.T_i, self.T_i * self.T_mult
        else:
            epoch = 0 if epoch is None else epoch
            require(epoch >= 0, f"Expected non-negative epoch, but got {epoch}")
            self._jump(epoch)
        self.last_epoch = math.floor(epoch)
        self._apply("get_lr")

    def _jump(self, epoch):
        if epoch < self.T_0:
            self.T_cur, self.T_i = epoch, self.T_0
        elif self.T_mult == 1:
            self.T_cur = epoch % self.T_0
        else:
            past = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**past - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**past


class _Several(LRScheduler):
    """Schedules made of others on one optimizer."""

    def _check(self, schedulers, optimizer):
        name = type(self).__name__
        for i, s in enumerate(schedulers):
            if not hasattr(s, "optimizer"):
                raise TypeError(f"{name} at index {i} should have `optimizer` as its attribute.")
            require(not isinstance(s, ReduceLROnPlateau), f"{name} does not support `ReduceLROnPlateau` scheduler as it requires additional kwargs "
                    f"to be specified when calling `step`, but got one at index {i} in the given schedulers sequence.")
            if optimizer != s.optimizer:
                raise ValueError(f"{name} expects all schedulers to belong to the same optimizer, but got scheduler {type(s).__name__} "
                                 f"at index {i} has {s.optimizer}, which is different from {type(optimizer).__name__}.")

    def state_dict(self):
        """All attributes but the optimizer; the state of each schedule under "_schedulers"."""
        return _saved(super().state_dict(), _schedulers=[s.state_dict() for s in self._schedulers])

    def load_state_dict(self, state_dict):
        """Take over what `state_dict` gave."""
        super().load_state_dict({**state_dict, "_schedulers": self._schedulers})
        for s, saved in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            s.load_state_dict(saved)


class SequentialLR(_Several):
    """One schedule after another: schedulers[i] from milestones[i-1] on, each beginning at its epoch 0."""

    def __init__(self, optimizer, schedulers, milestones, last_epoch=-1):
        name = type(self).__name__
        require(len(schedulers) >= 1, f"{name} expects at least one scheduler, but got no scheduler.")
        self._check(schedulers, optimizer)
        require(len(milestones) == len(schedulers) - 1,
                "Sequential Schedulers expects number of schedulers provided to be one more than the number of milestone points, but got number of "
                f"schedulers {len(schedulers)} and the number of milestones to be equal to {len(milestones)}")
        self._schedulers, self._milestones = schedulers, milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # each schedule has made its first step when it was built: take all of them back, and start the one whose turn it is
        for group in optimizer.param_groups:
            _set(group, "lr", group["initial_lr"])
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched=None):
        """Take back one step of a schedule and of all that it is made of."""
        sched = self if sched is None else sched
        if hasattr(sched, "_schedulers"):
            for s in sched._schedulers:
                self.recursive_undo(s)
        elif hasattr(sched, "last_epoch"):
            sched.last_epoch -= 1

    def step(self):
        """A step of the schedule whose turn it is."""
        self.last_epoch += 1
        turn = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[turn]
        begins = turn > 0 and self._milestones[turn - 1] == self.last_epoch
        if begins:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Several):
    """Several schedules at once, each changing what the one before it has set."""

    def __init__(self, schedulers, optimizer=None):
        require(len(schedulers) >= 1, f"{type(self).__name__} expects at least one scheduler to be chained, but got no scheduler.")
        optimizer = optimizer or schedulers[0].optimizer
        self._check(schedulers, optimizer)
        self._schedulers = schedulers
        self.optimizer = optimizer
        self._last_lr = _values(optimizer, "lr")

    def step(self):
        """A step of each."""
        for s in self._schedulers:
            s.step()
        self._last_lr = _values(self.optimizer, "lr")


class ReduceLROnPlateau(LRScheduler):
    """lr = max(lr * factor, min_lr) when a measure has not improved for more than `patience` epochs."""

    def __init__(self, optimizer, mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0, min_lr=0, eps=1e-8):
        require(not factor >= 1.0, "Factor should be < 1.0.")
        self.factor = factor
        _require_optimizer(optimizer)
        self.optimizer = optimizer
        count = len(optimizer.param_groups)
        if isinstance(min_lr, (list, tuple)):
            require(len(min_lr) == count, f"expected {count} min_lrs, got {len(min_lr)}")
            self.default_min_lr, self.min_lrs = None, list(min_lr)
        else:
            self.default_min_lr, self.min_lrs = min_lr, [min_lr] * count
        self.patience, self.cooldown, self.eps = patience, cooldown, eps
        self.last_epoch = 0
        self._last_lr = _values(optimizer, "lr")
        self._init_is_better(mode, threshold, threshold_mode)
        self._reset()

    def _init_is_better(self, mode, threshold, threshold_mode):
        require(mode in {"min", "max"}, "mode " + mode + " is unknown!")
        require(threshold_mode in {"rel", "abs"}, "threshold mode " + threshold_mode + " is unknown!")
        self.mode_worse = inf if mode == "min" else -inf
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode

    def _reset(self):
        self.best, self.cooldown_counter, self.num_bad_epochs = self.mode_worse, 0, 0

    def step(self, metrics, epoch=None):
        """Note the measure of an epoch; lower the learning rates if it is time."""
        current = float(metrics)
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        better, cooling = self._is_better(current, self.best), self.in_cooldown
        if better:
            self.best = current
        self.num_bad_epochs = 0 if better or cooling else self.num_bad_epochs + 1
        self.cooldown_counter -= int(cooling)
        if self.num_bad_epochs > self.patience:
            self._reduce_lr(self.last_epoch)
            self.num_bad_epochs, self.cooldown_counter = 0, self.cooldown
        self._last_lr = _values(self.optimizer, "lr")

    def _reduce_lr(self, epoch):
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(f"The number of param groups in the `optimizer` ({len(groups)}) differs from when `ReduceLROnPlateau` was "
                                   f"initialized ({len(self.min_lrs)}), usually due to a new param group being added to the optimizer. Please "
                                   "modify the `min_lrs` field to match the length of the `optimizer` param groups.")
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, least in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, least)
            if old - new > self.eps:
                _set(group, "lr", new)

    @property
    def in_cooldown(self):
        """Whether epochs are not counted as bad, as the learning rate was lowered shortly before."""
        return self.cooldown_counter > 0

    def _is_better(self, a, best):
        margin = self.threshold if self.mode == "max" else -self.threshold
        bound = best * (1.0 + margin) if self.threshold_mode == "rel" else best + margin
        return a > bound if self.mode == "max" else a < bound

    def load_state_dict(self, state_dict):
        """Take over what `state_dict` gave."""
        self.__dict__.update(state_dict)
        self._init_is_better(self.mode, self.threshold, self.threshold_mode)


class _WithMomentum(LRScheduler):
    """Schedules that move the momentum (or beta1) against the learning rate."""

    def _init_momentum(self, base_momentum, max_momentum, last_epoch):
        optimizer = self.optimizer
        require("momentum" in optimizer.defaults or "betas" in optimizer.defaults,
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
        self.use_beta1 = "betas" in optimizer.defaults
        highest, lowest = _for_groups("max_momentum", optimizer, max_momentum), _for_groups("base_momentum", optimizer, base_momentum)
        if last_epoch == -1:
            for high, low, group in zip(highest, lowest, optimizer.param_groups, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"], group["base_momentum"] = high, low
        return lowest, highest

    def _set_momentum(self, group, value):
        if self.use_beta1:
            group["betas"] = (value, *group["betas"][1:])
        else:
            group["momentum"] = value


class CyclicLR(_WithMomentum):
    """lr = base_lr + (max_lr - base_lr) * height * scale, height going from 0 to 1 in step_size_up steps and back in step_size_down.

    scale: triangular 1; triangular2 1 / 2**(cycle - 1); exp_range gamma**t
    """

    def __init__(self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1.0, scale_fn=None,
                 scale_mode="cycle", cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1):
        _require_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = _for_groups("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, lowest in zip(optimizer.param_groups, base_lrs, strict=True):
                _set(group, "lr", lowest)
        self.max_lrs = _for_groups("max_lr", optimizer, max_lr)
        step_size_up = float(step_size_up)
        self.total_size = step_size_up + (step_size_up if step_size_down is None else float(step_size_down))
        self.step_ratio = step_size_up / self.total_size
        require(mode in ("triangular", "triangular2", "exp_range") or scale_fn is not None, "mode is invalid and scale_fn is None")
        self.mode, self.gamma, self._scale_fn_custom, self.scale_mode = mode, gamma, scale_fn, scale_mode
        self._init_scale_fn()
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums, self.max_momentums = self._init_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = base_lrs

    def _init_scale_fn(self):
        if self._scale_fn_custom is None:
            self._scale_fn_ref = {"triangular": self._triangular_scale_fn, "triangular2": self._triangular2_scale_fn,
                                  "exp_range": partial(self._exp_range_scale_fn, self.gamma)}[self.mode]
            self.scale_mode = "iterations" if self.mode == "exp_range" else "cycle"

    def scale_fn(self, x):
        """The scale of a cycle, or of a step."""
        return (self._scale_fn_ref if self._scale_fn_custom is None else self._scale_fn_custom)(x)

    @staticmethod
    def _triangular_scale_fn(x):
        return 1.0

    @staticmethod
    def _triangular2_scale_fn(x):
        return 1 / (2.0 ** (x - 1))

    @staticmethod
    def _exp_range_scale_fn(gamma, x):
        return gamma**x

    def get_lr(self):
        """The learning rates for `last_epoch`; sets the momenta, too."""
        self._warn_outside_step()
        turns = 1.0 + self.last_epoch / self.total_size
        cycle = math.floor(turns)
        x = turns - cycle
        height = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        at = cycle if self.scale_mode == "cycle" else self.last_epoch
        if self.cycle_momentum:
            for group, low, high in zip(self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True):
                self._set_momentum(group, high - (high - low) * height * self.scale_fn(at))
        return [low + (high - low) * height * self.scale_fn(at) for low, high in zip(self.base_lrs, self.max_lrs, strict=True)]

    def state_dict(self):
        """All attributes but the optimizer; of a scale function, the attributes if it is an object."""
        state = {key: value for key, value in super().state_dict().items() if key != "_scale_fn_ref"}
        return _saved(state, _scale_fn_custom=_function_state(self._scale_fn_custom))

    def load_state_dict(self, state_dict):
        """Take over what `state_dict` gave; the scale function stays."""
        saved = state_dict.pop("_scale_fn_custom")         # torch: the caller's dict loses the entry
        super().load_state_dict(state_dict)
        if saved is not None:
            vars(self._scale_fn_custom).update(saved)
        self._init_scale_fn()


def _phase(end_step, start, end, start_momentum, end_momentum):
    return {"end_step": end_step, "start_lr": start, "end_lr": end, "start_momentum": start_momentum, "end_momentum": end_momentum}


class OneCycleLR(_WithMomentum):
    """From max_lr / div_factor up to max_lr in the first pct_start of the steps, then down to that start / final_div_factor.

    cos: lr = end + (start - end) / 2 * (1 + cos(pi * x));  linear: lr = start + (end - start) * x, x from 0 to 1 in a phase
    """

    def __init__(self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3, anneal_strategy="cos",
                 cycle_momentum=True, base_momentum=0.85, max_momentum=0.95, div_factor=25.0, final_div_factor=1e4, three_phase=False,
                 last_epoch=-1):
        _require_optimizer(optimizer)
        self.optimizer = optimizer
        if total_steps is not None:
            require(not (total_steps <= 0 or not isinstance(total_steps, int)), f"Expected positive integer total_steps, but got {total_steps}")
            self.total_steps = total_steps
        else:
            require(epochs is not None and steps_per_epoch is not None, "You must define either total_steps OR (epochs AND steps_per_epoch)")
            require(isinstance(epochs, int) and epochs > 0, f"Expected positive integer epochs, but got {epochs}")
            require(isinstance(steps_per_epoch, int) and steps_per_epoch > 0,
                    f"Expected positive integer steps_per_epoch, but got {steps_per_epoch}")
            self.total_steps = epochs * steps_per_epoch
        up, last = float(pct_start * self.total_steps) - 1, self.total_steps - 1
        rise = _phase(up, "initial_lr", "max_lr", "max_momentum", "base_momentum")
        if three_phase:
            fall = _phase(float(2 * pct_start * self.total_steps) - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum")
            self._schedule_phases = [rise, fall, _phase(last, "initial_lr", "min_lr", "max_momentum", "max_momentum")]
        else:
            self._schedule_phases = [rise, _phase(last, "max_lr", "min_lr", "base_momentum", "max_momentum")]
        require(not (pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float)),
                f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        require(anneal_strategy in ("cos", "linear"), f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        max_lrs = _for_groups("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, lr in zip(optimizer.param_groups, max_lrs, strict=True):
                group["initial_lr"] = lr / div_factor
                group["max_lr"] = lr
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self._init_momentum(base_momentum, max_momentum, last_epoch)
        super().__init__(optimizer, last_epoch)

    def _anneal(self, start, end, x):
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * x) + 1)
        return (end - start) * x + start

    def get_lr(self):
        """The learning rates for `last_epoch`; sets the momenta, too."""
        self._warn_outside_step()
        step = self.last_epoch
        require(not step > self.total_steps, f"Tried to step {step} times. The specified number of total steps is {self.total_steps}")
        start = 0.0
        for phase in self._schedule_phases:
            if step <= phase["end_step"] or phase is self._schedule_phases[-1]:
                break
            start = phase["end_step"]
        x = (step - start) / (phase["end_step"] - start)
        if self.cycle_momentum:
            for group in self.optimizer.param_groups:
                self._set_momentum(group, self._anneal(group[phase["start_momentum"]], group[phase["end_momentum"]], x))
        return [self._anneal(group[phase["start_lr"]], group[phase["end_lr"]], x) for group in self.optimizer.param_groups]
