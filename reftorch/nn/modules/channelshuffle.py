"""Channels in another order."""
from ._layer import layer
from .module import Module


@layer("groups", "F.channel_shuffle(input; groups)", shows="groups")
class ChannelShuffle(Module):
    """Channels (g, C/g) as (C/g, g), g = groups; x (N, C, *) -> y (N, C, *); source: Zhang et al. 2017."""
