"""Batch normalisation, and what it shares with instance normalisation."""
import reftorch as torch

from .. import functional as F
from ..parameter import UninitializedBuffer
from ._layer import layer, shown
from .lazy import _Sized
from .normalization import _Scaled
from .utils import _own_init


def _check_dims(input, *wanted):
    if input.dim() not in wanted:
        raise ValueError(f"expected {'D or '.join(map(str, wanted))}D input (got {input.dim()}D input)")


@layer(constants="track_running_stats momentum eps num_features affine")
class _NormBase(_Scaled):
    """Scale, shift and running statistics of `num_features` channels."""

    _version = 2           # 2: num_batches_tracked is a buffer

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        self.num_features, self.eps, self.momentum, self.affine, self.track_running_stats = num_features, eps, momentum, affine, track_running_stats
        self._make_scale(num_features, device, dtype, weight=affine, bias=affine and bias)
        counts = track_running_stats
        self.register_buffer("running_mean", torch.zeros(num_features, device=device, dtype=dtype) if counts else None)
        self.register_buffer("running_var", torch.ones(num_features, device=device, dtype=dtype) if counts else None)
        self.register_buffer("num_batches_tracked", torch.tensor(0, dtype=torch.long, device=device) if counts else None)
        self.reset_parameters()

    def reset_running_stats(self):
        """Mean 0, variance 1, no batch seen."""
        if self.track_running_stats:
            for statistic, start in ((self.running_mean, 0), (self.running_var, 1), (self.num_batches_tracked, 0)):
                statistic.fill_(start)

    def reset_parameters(self):
        """Scale 1, shift 0, running statistics as at first."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_input_dim(self, input):
        raise NotImplementedError

    def extra_repr(self):
        return f"{self.num_features}, {shown(self, 'eps', 'momentum', 'affine')}, bias={self.bias is not None}, {shown(self, 'track_running_stats')}"

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs):
        version = local_metadata.get("version")
        if (version is None or version < 2) and self.track_running_stats:
            count = self.num_batches_tracked
            state_dict.setdefault(prefix + "num_batches_tracked", torch.tensor(0, dtype=torch.long) if count is None else count)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, strict, missing_keys, unexpected_keys, error_msgs)


@_own_init
class _BatchNorm(_NormBase):
    def forward(self, input):
        self._check_input_dim(input)
        factor = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:            # the mean over all batches so far
                factor = 1.0 / float(self.num_batches_tracked)
        by_batch = self.training or (self.running_mean is None and self.running_var is None)
        kept = not self.training or self.track_running_stats
        return F.batch_norm(input, self.running_mean if kept else None, self.running_var if kept else None, self.weight, self.bias, by_batch, factor,
                            self.eps)


class BatchNorm1d(_BatchNorm):
    """y = w (x - m) / sqrt(v + eps) + b, m and v over the batch (running ones in eval); x (N, C) or (N, C, L); source: Ioffe and Szegedy 2015."""

    def _check_input_dim(self, input):
        _check_dims(input, 2, 3)


class BatchNorm2d(_BatchNorm):
    """y = w (x - m) / sqrt(v + eps) + b, m and v over batch and places (running ones in eval); x (N, C, H, W); source: Ioffe and Szegedy 2015."""

    def _check_input_dim(self, input):
        _check_dims(input, 4)


class BatchNorm3d(_BatchNorm):
    """y = w (x - m) / sqrt(v + eps) + b, m and v over batch and places (running ones in eval); x (N, C, D, H, W); source: Ioffe and Szegedy 2015."""

    def _check_input_dim(self, input):
        _check_dims(input, 5)


class _LazyNormBase(_Sized, _NormBase):
    """Takes `num_features` from the first input."""

    _sized_by = "num_features"

    def __init__(self, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None, *, bias=True):
        super().__init__(0, eps, momentum, False, False, device, dtype)
        self.affine, self.track_running_stats = affine, track_running_stats
        if affine:
            self._make_lazy(("weight", "bias") if bias else ("weight",), device, dtype)
        if track_running_stats:
            self.running_mean, self.running_var = (UninitializedBuffer(device=device, dtype=dtype) for _ in range(2))
            self.num_batches_tracked = torch.tensor(0, dtype=torch.long, device=device)

    def initialize_parameters(self, input):
        """Take the shape from the input."""
        if not self.has_uninitialized_params():
            return
        self.num_features = input.shape[1]
        shape = (self.num_features,)
        if self.affine:
            self._materialize(weight=shape, bias=shape)
        if self.track_running_stats:
            for name in ("running_mean", "running_var"):
                buffer = getattr(self, name)
                buffer.materialize(shape)
                setattr(self, name, buffer.detach())        # a plain tensor
        self.reset_parameters()


class LazyBatchNorm1d(_LazyNormBase, BatchNorm1d):
    """A BatchNorm1d that takes `num_features` from its first input."""

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNormBase, BatchNorm2d):
    """A BatchNorm2d that takes `num_features` from its first input."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNormBase, BatchNorm3d):
    """A BatchNorm3d that takes `num_features` from its first input."""

    cls_to_become = BatchNorm3d


class SyncBatchNorm(_BatchNorm):
    """BatchNorm over the batches of several processes: in a single one, plain batch normalisation; x (N, C, *)."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, process_group=None, device=None, dtype=None, *,
                 bias=True):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)
        self.process_group = process_group

    def _check_input_dim(self, input):
        if input.dim() < 2:
            raise ValueError(f"expected at least 2D input (got {input.dim()}D input)")
        if input.size(1) == 0:
            raise ValueError("SyncBatchNorm number of input channels should be non-zero")

    @classmethod
    def convert_sync_batchnorm(cls, module, process_group=None):
        """`module` with all its batch norms replaced by SyncBatchNorm with the same parameters."""
        made = module
        if isinstance(module, _BatchNorm):
            sizes = {name: getattr(module, name) for name in _NormBase.__constants__}
            made = cls(**sizes, process_group=process_group, bias=module.bias is not None)
            for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
                setattr(made, name, getattr(module, name))
            made.training = module.training
        for name, child in module.named_children():
            made.add_module(name, cls.convert_sync_batchnorm(child, process_group))
        return made
