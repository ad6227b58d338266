"""Channels in another order."""
from .. import functional as F
from .module import Module


class ChannelShuffle(Module):
    """Channels (g, C/g) as (C/g, g), g = groups; x (N, C, *) -> y (N, C, *); source: Zhang et al. 2017."""

    __constants__ = ["groups"]

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, input):
        return F.channel_shuffle(input, self.groups)

    def extra_repr(self):
        return f"groups={self.groups}"
