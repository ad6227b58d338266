"""A custom function behind one of the modules."""
from ...autograd import Function
from .. import functional as F


def _sum_channels(x, before, after):
    """s[c] = sum of x[j] for c - before <= j <= c + after, of the channels that there are; x (N, C, H, W)."""
    return F.pad(x, (0, 0, 0, 0, before, after)).unfold(1, before + after + 1, 1).sum(-1)


class CrossMapLRN2d(Function):
    """y[c] = x[c] scale[c]^-beta, scale[c] = k + alpha / size * sum of x[j]^2 over channels j near c."""

    @staticmethod
    def forward(ctx, input, size, alpha=1e-4, beta=0.75, k=1):
        if input.dim() != 4:
            raise ValueError(f"CrossMapLRN2d: Expected input to be 4D, got {input.dim()}D instead.")
        squares = input.square()
        reach = int((size - 1) / 2 + 1) - 1
        # torch: channel 0 stays in every sum, however far away
        first = squares[:, :1].clone()
        squares[:, :1] = 0
        scale = (_sum_channels(squares, reach, reach) + first) * (alpha / size) + k
        output = input * scale ** -beta
        ctx.size, ctx.alpha, ctx.beta = size, alpha, beta
        ctx.save_for_backward(input, output, scale)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, output, scale = ctx.saved_tensors
        before = int(ctx.size - (ctx.size - 1) / 2)      # torch: one channel more to the left than in forward
        shared = _sum_channels(grad_output * output / scale, before, ctx.size - 1 - before)
        return grad_output * scale ** -ctx.beta - (2 * ctx.alpha * ctx.beta / ctx.size) * input * shared, None, None, None, None
