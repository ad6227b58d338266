"""torch.distributed, which this build has not: programs that ask first go on alone."""
from typing import NamedTuple


def is_available():
    """Never: one process computes."""
    return False


is_initialized = is_nccl_available = is_gloo_available = is_mpi_available = is_torchelastic_launched = is_available


class ReduceOp(NamedTuple):
    """How processes would combine tensors."""
    SUM = "SUM"
    AVG = "AVG"
    PRODUCT = "PRODUCT"
    MIN = "MIN"
    MAX = "MAX"


def init_process_group(*args, **kwargs):
    """Refused: there is no other process to talk to."""
    raise RuntimeError("reftorch has no torch.distributed: ask torch.distributed.is_available() first")


def _uninitialized(*args, **kwargs):
    """Needs a process group."""
    raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")


(get_rank, get_world_size, get_backend, barrier, broadcast, all_reduce, all_gather, all_gather_into_tensor, reduce, gather, scatter, reduce_scatter,
 new_group, destroy_process_group, send, recv, all_gather_object, broadcast_object_list) = (_uninitialized,) * 18
