"""The faults, by the axis on which they should show. Each is a mistake that people who write such a library make."""

from __future__ import annotations

from conformance.faults import around
from conformance.faults.catalogue import behaviour, memory, results  # noqa: F401  (they register)


@around("value", cases=("op/exp/float32/*", "op/add/float32/*", "doc/torch.sort/*", "tutorial/A*", "fuzz/views/*"))
def none(torch, call, args, kwargs):
    """No fault: what the wrapping itself changes is no catch."""
