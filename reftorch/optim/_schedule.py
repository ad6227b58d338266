"""What every schedule of learning rates has: the base class and its helpers."""
import warnings
import weakref
from functools import wraps

from ..core import Tensor
from ._per_parameter import require, to_scalar
from .optimizer import Optimizer

EPOCH_DEPRECATION_WARNING = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where possible. Please use `scheduler.step()` to step "
    "the scheduler. During the deprecation, if epoch is different from None, the closed form is used instead of the new chainable form, where "
    "available. Please open an issue if you are unable to replicate your use case: https://github.com/pytorch/pytorch/issues/new/choose."
)
_SEE = "See more details at https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate"


def _own(value):
    """A value that later changes of a tensor do not reach."""
    return value.clone() if isinstance(value, Tensor) else value


def _for_groups(name, optimizer, value):
    """One value for each group, from a list of them or one for all."""
    count = len(optimizer.param_groups)
    if isinstance(value, (list, tuple)):
        require(len(value) == count, f"{name} must have the same length as optimizer.param_groups. {name} has {len(value)} values, "
                                     f"param_groups has {count}.")
    else:
        value = [value] * count
    return [_own(v) for v in value]


def _values(optimizer, key):
    return [_own(group[key]) for group in optimizer.param_groups]


def _set(group, key, value):
    """Set an option; a tensor keeps its identity."""
    if isinstance(group[key], Tensor):
        group[key].fill_(to_scalar(value))
    else:
        group[key] = value


def _require_optimizer(optimizer):
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def _watch_step(optimizer):
    """From now on `optimizer._opt_called` tells whether it has made a step."""
    if hasattr(optimizer.step, "_wrapped_by_lr_sched"):
        return
    step, ref = optimizer.step.__func__, weakref.ref(optimizer)     # a strong reference would be a cycle

    @wraps(step)
    def wrapper(*args, **kwargs):
        optimizer = ref()
        optimizer._opt_called = True
        return step(optimizer, *args, **kwargs)

    wrapper._wrapped_by_lr_sched = True
    optimizer.step = wrapper


class LRScheduler:
    """Base class: counts the steps and sets the learning rates that `get_lr` of a subclass computes for `last_epoch`."""

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer, last_epoch=-1):
        _require_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", _own(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(f"param 'initial_lr' is not specified in param_groups[{i}] when resuming scheduler with last_epoch >= 0.\n"
                               "This typically happens when:\n"
                               "1. You're trying to resume training from a checkpoint but haven't properly loaded the optimizer state\n"
                               "2. You're using last_epoch >= 0 for a fresh training run (not recommended)")
        self.base_lrs = _values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        _watch_step(optimizer)
        self._initial_step()

    def _initial_step(self):
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self):
        """All attributes but the optimizer."""
        state = dict(self.__dict__)
        state.pop("optimizer", None)
        return state

    def load_state_dict(self, state_dict):
        """Take over what `state_dict` gave."""
        self.__dict__.update(state_dict)

    def get_last_lr(self):
        """The learning rates that the last step set."""
        return self._last_lr

    def get_lr(self):
        """The learning rates for `last_epoch`; to be overridden."""
        raise NotImplementedError

    def step(self, epoch=None):
        """Go on by one epoch, or to the one given (deprecated), and set the learning rates."""
        if self._step_count == 1:
            if not hasattr(self.optimizer.step, "_wrapped_by_lr_sched"):
                warnings.warn("Seems like `optimizer.step()` has been overridden after learning rate scheduler initialization. Please, make sure "
                              f"to call `optimizer.step()` before `lr_scheduler.step()`. {_SEE}", UserWarning, stacklevel=2)
            elif not getattr(self.optimizer, "_opt_called", False):
                warnings.warn("Detected call of `lr_scheduler.step()` before `optimizer.step()`. In PyTorch 1.1.0 and later, you should call them "
                              "in the opposite order: `optimizer.step()` before `lr_scheduler.step()`.  Failure to do this will result in PyTorch "
                              f"skipping the first value of the learning rate schedule. {_SEE}", UserWarning, stacklevel=2)
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATION_WARNING, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch=None):
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._apply("get_lr" if epoch is None or not hasattr(self, "_get_closed_form_lr") else "_get_closed_form_lr")

    def _apply(self, how):
        self._get_lr_called_within_step = True
        try:
            lrs = getattr(self, how)()
        finally:
            self._get_lr_called_within_step = False
        for group, lr in zip(self.optimizer.param_groups, lrs, strict=True):
            _set(group, "lr", lr)
        self._last_lr = _values(self.optimizer, "lr")

    # ---- for get_lr of the subclasses
    def _warn_outside_step(self):
        if not self._get_lr_called_within_step:
            warnings.warn("To get the last learning rate computed by the scheduler, please use `get_last_lr()`.", UserWarning, stacklevel=2)

    def _times(self, factor):
        """The current learning rates times a factor; None leaves them."""
        if factor is None:
            return _values(self.optimizer, "lr")
        return [group["lr"] * factor for group in self.optimizer.param_groups]


class _LRScheduler(LRScheduler):
    """The name that LRScheduler had before PyTorch 2.0."""


LRScheduler.__module__ = _LRScheduler.__module__ = "reftorch.optim.lr_scheduler"      # where PyTorch has it
