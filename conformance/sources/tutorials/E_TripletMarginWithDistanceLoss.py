"""The same with a distance of one's own."""

import torch
from torch import nn
from torch.nn import functional as F

torch.manual_seed(65)
anchor = torch.randn(4, 6, requires_grad=True)
positive = torch.randn(4, 6, requires_grad=True)
negative = torch.randn(4, 6, requires_grad=True)


def largest_difference(first, second):
    return (first - second).abs().amax(dim=1)


print(nn.TripletMarginWithDistanceLoss(distance_function=largest_difference))
for reduction in ("mean", "sum", "none"):
    anchor.grad = positive.grad = negative.grad = None
    loss = nn.TripletMarginWithDistanceLoss(distance_function=largest_difference, reduction=reduction)(anchor, positive, negative)
    print(reduction, loss)
    loss.sum().backward()
    print(anchor.grad, positive.grad, negative.grad)
    options = {"distance_function": largest_difference, "reduction": reduction}
    print(torch.equal(loss, F.triplet_margin_with_distance_loss(anchor, positive, negative, **options)))
print(nn.TripletMarginWithDistanceLoss(margin=2.0, swap=True)(anchor, positive, negative))
print(nn.TripletMarginWithDistanceLoss(distance_function=nn.PairwiseDistance())(anchor, positive, negative))
