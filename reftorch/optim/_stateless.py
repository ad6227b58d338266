"""Steps on other parameters and another state than an optimizer's own, for a while."""
from collections import defaultdict
from contextlib import contextmanager

from ..core import Tensor

__all__ = ["swap_in_optimizer_params_and_state"]

_NEEDS = "swap_in_optimizer_params_and_state requires"


def _require(condition, text):
    if not condition:
        raise RuntimeError(text)


def _check_state(state):
    _require(isinstance(state, dict), f"{_NEEDS} swapin_optim_state['state'] to be a dict mapping packed parameter ids to per-param state dicts, "
                                      f"got {type(state).__name__}.")
    _require(not any(isinstance(key, Tensor) for key in state), f"{_NEEDS} optimizer.state_dict()-style state keyed by packed parameter ids.")
    _require(all(isinstance(value, dict) for key, value in state.items() if isinstance(key, int)),
             f"{_NEEDS} per-parameter optimizer state entries to be dictionaries.")


def _check_group(i, mine, other):
    _require(isinstance(other, dict), f"{_NEEDS} each optimizer param group to be a dictionary.")
    ids = other.get("params")
    _require(isinstance(ids, list) and all(isinstance(n, int) for n in ids),
             f"{_NEEDS} optimizer.state_dict()-style param_groups[*]['params'] entries keyed by packed parameter ids.")
    _require(len(mine["params"]) == len(ids),
             f"swapin_optim_state param group {i} has a different number of params than the live optimizer param group.")
    new, lacking = [key for key in other if key not in mine], [key for key in mine if key not in other]
    _require(not new and not lacking, f"{_NEEDS} optimizer.state_dict()-style param group keys to exactly match the live optimizer group keys for "
                                      f"group {i}. Keys only in swap-in: {new}. Keys only in live: {lacking}.")


@contextmanager
def swap_in_optimizer_params_and_state(optimizer, swapin_parameters, swapin_optim_state):
    """Within the context, `optimizer` steps on `swapin_parameters` (name -> tensor, in the order of its groups) with the state of a state_dict."""
    _require(optimizer.state, f"{_NEEDS} initialized optimizer state.")
    _require(isinstance(swapin_optim_state, dict), f"{_NEEDS} a DCP-style optimizer state_dict.")
    state, groups = swapin_optim_state.get("state"), swapin_optim_state.get("param_groups")
    _check_state(state)
    _require(isinstance(groups, list), f"{_NEEDS} swapin_optim_state['param_groups'] to be a list of param-group dicts, got {type(groups).__name__}.")
    _require(len(optimizer.param_groups) == len(groups), "swapin_optim_state has a different number of parameter groups than the live optimizer.")
    left, numbers, changed, swapped = list(swapin_parameters.values()), set(), [], defaultdict(dict)
    for i, (mine, other) in enumerate(zip(optimizer.param_groups, groups, strict=True)):
        _check_group(i, mine, other)
        ids = other["params"]
        _require(len(ids) <= len(left), f"{_NEEDS} the explicit parameter state to match optimizer.param_groups ordering.")
        params, left = left[:len(ids)], left[len(ids):]
        numbers.update(ids)
        changed.append({**other, "params": params})
        for p, number in zip(params, ids, strict=True):
            swapped[p] = dict(state.get(number, {}))
    extra = [key for key in state if key not in numbers]
    _require(not extra, f"{_NEEDS} swapin_optim_state['state'] to be keyed only by packed parameter ids from param_groups[*]['params']; "
                        f"got extra keys {extra!r}.")

    own_state, own_groups = optimizer.state, [dict(group) for group in optimizer.param_groups]
    try:
        for mine, other in zip(optimizer.param_groups, changed, strict=True):
            mine.update(other)
        optimizer.state = swapped
        yield
    finally:
        for mine, before in zip(optimizer.param_groups, own_groups, strict=True):
            mine.clear()
            mine.update(before)
        optimizer.state = own_state
