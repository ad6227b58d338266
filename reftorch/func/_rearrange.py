"""rearrange: transposing, splitting and joining dims by a pattern, "b (h w) c -> b c h w"."""
import math
import re

from ..core import T, Tensor

_ELLIPSIS = "..."


def _read(side):
    """The groups of one side: a list of names for each dim."""
    found, group = [], None
    for token in re.findall(r"\.\.\.|\w+|[()]|\S", side):
        if token == "(":
            if group is not None:
                raise ValueError("brackets cannot be nested in a pattern")
            group = []
        elif token == ")":
            if group is None:
                raise ValueError("a bracket is closed in a pattern that was not opened")
            found.append(group)
            group = None
        elif not (token == _ELLIPSIS or token.isidentifier() or token == "1"):
            raise ValueError(f"'{token}' is no name of a dim")
        elif group is not None:
            group += [] if token == "1" else [token]
        else:
            found.append([] if token == "1" else [token])
    if group is not None:
        raise ValueError("a bracket of the pattern is not closed")
    return found


def _names(groups):
    return [name for group in groups for name in group]


def _lengths(groups, shape, known):
    """The length of every name on the left; one unknown length a group follows from that of its dim."""
    lengths = dict(known)
    for group, n in zip(groups, shape, strict=False):
        open_names = [name for name in group if name not in lengths]
        rest = math.prod(lengths[name] for name in group if name in lengths)
        if len(open_names) > 1:
            raise ValueError(f"the lengths of {open_names} are not known")
        if n % rest or not open_names and n != rest:
            raise ValueError(f"a dim of length {n} cannot be taken apart as {group} with {known}")
        if open_names:
            lengths[open_names[0]] = n // rest
    return lengths


def rearrange(tensor, pattern, **axes_lengths):
    """The tensor with its dims in the order of the pattern's right side; names in brackets are one dim, "..." stands for any others."""
    if not isinstance(tensor, Tensor):
        tensor = T.stack(list(tensor))
    if pattern.count("->") != 1:
        raise ValueError(f"a pattern has one '->': {pattern!r}")
    left, right = map(_read, pattern.split("->"))
    if [_ELLIPSIS] in left:
        others = [[f"{_ELLIPSIS}{i}"] for i in range(tensor.dim() - len(left) + 1)]
        left = [g for group in left for g in (others if group == [_ELLIPSIS] else [group])]
        right = [g for group in right for g in (others if group == [_ELLIPSIS] else
                                                [[n for name in group for n in (_names(others) if name == _ELLIPSIS else [name])]])]
    if len(left) != tensor.dim():
        raise ValueError(f"the pattern {pattern!r} has {len(left)} dims on the left, the tensor has {tensor.dim()}")
    before, after = _names(left), _names(right)
    if sorted(before) != sorted(after) or len(set(before)) < len(before):
        raise ValueError(f"both sides of {pattern!r} name the same dims, each once")
    lengths = _lengths(left, tensor.shape, axes_lengths)
    taken_apart = tensor.reshape([lengths[n] for n in before])
    return taken_apart.permute([before.index(n) for n in after]).reshape([math.prod(lengths[n] for n in group) for group in right])
