"""PerParameter: the optimizers that treat each parameter alone. They say how its state begins (`_init_state`) and, in one function,
how it changes (`_update`); the loop, the flags and their refusals are here. Where `_compiled` is given, it does in one pass over memory what
`_update` says, for plain dense tensors and plain options, to the last bit; `_update` does the rest.

`foreach` and `fused` choose among PyTorch's implementations of the same update; they are checked as there, and there is one here.
"""
import reftorch as torch

from ..core import Tensor
from ..nn.parameter import Parameter
from ..overrides import _modes
from .optimizer import Optimizer

_PLAIN = (Tensor, Parameter)                    # types whose memory a compiled step may write: they override nothing
_FUSED_DEVICES = ["mps", "cuda", "xpu", "hpu", "cpu", "mtia", "privateuseone"]


def require(condition, text):
    """Refuse a bad option; written `not a < b` where NaN is to pass."""
    if not condition:
        raise ValueError(text)


def require_lr(lr):
    """The checks of a learning rate: a number or a tensor of one element, not negative."""
    require(not isinstance(lr, Tensor) or lr.numel() == 1, "Tensor lr must be 1-element")
    require(0.0 <= lr, f"Invalid learning rate: {lr}")


def require_betas(betas):
    """Both coefficients of running averages lie in [0, 1)."""
    for i in (0, 1):
        require(0.0 <= betas[i] < 1.0, f"Invalid beta parameter at index {i}: {betas[i]}")


def to_scalar(x):
    """A tensor of one element without its dimensions; any other option as it is."""
    return x.squeeze() if isinstance(x, Tensor) and x.dim() != 0 else x


def scalar(value, fused=False):
    """A count or coefficient that is kept in the state: a 0-d tensor, in double precision where that is the default."""
    wide = torch.get_default_dtype() == torch.float64 and not fused
    return torch.tensor(float(value), dtype=torch.float64 if wide else torch.float32)


def decayed(grad, p, weight_decay):
    """grad + weight_decay * p, as long as there is any decay."""
    if isinstance(weight_decay, Tensor) and weight_decay.requires_grad:
        return grad.addcmul_(p.clone(), weight_decay)           # torch: this form changes the parameter's .grad
    return grad.add(p, alpha=weight_decay) if weight_decay != 0 else grad


class PerParameter(Optimizer):
    """An optimizer with one update rule, applied to each parameter that has a gradient."""

    _absent = {"foreach": None, "maximize": False, "differentiable": False, "capturable": False}     # options that old state dicts lack
    _scalars = ("step",)                        # of the state; numbers in old state dicts
    _capturable_names = "params and state_steps"
    _capturable_devices = ["cuda", "xpu", "hpu", "privateuseone", "xla"]
    _compiled = None                            # (group, lr, types) -> the compiled step for these options, or None; see kernels/optim.pyx
    _complex_as_real = True                     # a complex parameter is updated as pairs of real numbers

    def _init_state(self, state, p, group):
        """Put the initial state of `p` into the dict `state`."""
        raise NotImplementedError

    def _decayed(self, p, grad, group):
        """The gradient with the weight decay in it, where that is added before complex parameters are taken as pairs."""
        return grad

    def _update(self, p, grad, state, lr, group):
        """Change `p` and the tensors of `state` in place, given the gradient and the options of the group."""
        raise NotImplementedError

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in self._absent.items():
                group.setdefault(name, value)
            for p in group["params"]:
                saved = self.state.get(p) or {}
                for name in self._scalars:
                    if name in saved and not isinstance(saved[name], Tensor):
                        saved[name] = scalar(saved[name], group.get("fused"))

    def step(self, closure=None):
        """One step; with a closure, evaluate it first and give its loss."""
        with torch.set_grad_enabled(self.defaults.get("differentiable", False)):
            loss = None
            if closure is not None:
                with torch.enable_grad():
                    loss = closure()
            for group in self.param_groups:
                self._step_group(group)
        return loss

    def _state_of(self, p, group):
        state = self.state[p]
        if group.get("fused"):
            _check_fused(p)
        if not state:
            self._init_state(state, p, group)
        return state

    def _step_group(self, group):
        work = [(p, p.grad, self._state_of(p, group)) for p in group["params"] if p.grad is not None]
        if not work:
            return
        self._check_group(group, work)
        scale, inf_found = getattr(self, "grad_scale", None), getattr(self, "found_inf", None)
        if not group.get("fused"):
            if scale is not None or inf_found is not None:
                raise AssertionError("Expected grad_scale and found_inf to be None")
        elif inf_found is not None and inf_found.item():
            return
        lr = to_scalar(group["lr"])
        compiled = None if self._compiled is None or scale is not None or _modes else self._compiled(group, lr, _PLAIN)
        for p, grad, state in work if compiled is None else compiled.rest(work):
            if scale is not None:
                grad.div_(scale)
            if group.get("maximize"):
                grad = -grad
            grad = self._decayed(p, grad, group)
            if torch.is_complex(p) and self._complex_as_real:
                p, grad = torch.view_as_real(p), torch.view_as_real(grad)
                state = {k: torch.view_as_real(v) if torch.is_complex(v) else v for k, v in state.items()}
            self._update(p, grad, state, lr, group)

    def _check_group(self, group, work):
        """Refuse what an implementation that the flags ask for refuses."""
        if group.get("foreach") and group.get("differentiable"):
            raise AssertionError("_foreach ops don't support autograd")
        if group.get("capturable") and not group.get("fused"):          # no accelerator here to capture on
            raise AssertionError(f"If capturable=True, {self._capturable_names} must be on supported devices: {self._capturable_devices}.")

    def _require_fused(self, fused, foreach, differentiable):
        """The refusals of `fused=True` when the optimizer is made."""
        if fused:
            self._step_supports_amp_scaling = True
            if differentiable:
                raise RuntimeError("`fused` does not support `differentiable`")
            if foreach:
                raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def _check_fused(p):
    if not torch.is_floating_point(p):
        raise RuntimeError("`fused=True` requires all the params to be floating point Tensors of "
                           f"supported devices: {_FUSED_DEVICES} but {p.dtype} and {p.device.type}")
