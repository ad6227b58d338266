"""torch.backends.cuda: not built; the switches of scaled dot product attention, which here has one way round, are kept."""
from types import SimpleNamespace

from ..ops.attention import KERNELS
from ._switches import absent as is_built  # noqa: F401

matmul = SimpleNamespace(allow_tf32=False, allow_fp16_reduced_precision_reduction=True, allow_bf16_reduced_precision_reduction=True)


def _switch(kind):
    def enable(enabled):
        KERNELS[kind] = bool(enabled)
    return enable, lambda: KERNELS[kind]


enable_flash_sdp, flash_sdp_enabled = _switch("flash")
enable_mem_efficient_sdp, mem_efficient_sdp_enabled = _switch("mem_efficient")
enable_math_sdp, math_sdp_enabled = _switch("math")
enable_cudnn_sdp, cudnn_sdp_enabled = _switch("cudnn")
