"""Choosing cases by glob: `doc/torch.cumsum/*`, `op/*/float32/*`. `*` does not cross a `/` unless it ends the pattern."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase


def matches(id: str, patterns: Sequence[str]) -> bool:
    """Whether a case id matches one of the patterns; no patterns match everything."""
    return not patterns or any(_match(id.split("/"), pattern.split("/")) for pattern in patterns)


def may_match(group: str, patterns: Sequence[str]) -> bool:
    """Whether a case of the group could match: its parts do as far as they go."""
    return not patterns or any(_agree(group.split("/"), pattern.split("/")) for pattern in patterns)


def _match(parts: list[str], globs: list[str]) -> bool:
    open_end = len(globs) < len(parts) and globs[-1].endswith("*")
    return (len(parts) == len(globs) or open_end) and _agree(parts, globs)


def _agree(parts: list[str], globs: list[str]) -> bool:
    return all(fnmatchcase(part, glob) for part, glob in zip(parts, globs, strict=False))
