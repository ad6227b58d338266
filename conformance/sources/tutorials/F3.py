"""Lowering the learning rate: by hand, with a new optimizer, and with every scheduler."""

import torch
from torch import nn, optim
from torch.optim import lr_scheduler as schedules

torch.manual_seed(63)
net = nn.Linear(2, 1)
optimizer = optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
net(torch.ones(1, 2)).sum().backward()
optimizer.step()
for group in optimizer.param_groups:
    group["lr"] *= 0.1
print(optimizer.param_groups[0]["lr"], len(optimizer.state))
optimizer = optim.SGD(net.parameters(), lr=0.1 * 0.5, momentum=0.9)
print(optimizer.param_groups[0]["lr"], len(optimizer.state))


def rates(make, steps=12, **options):
    """The learning rate before each step."""
    weight = torch.ones(1, requires_grad=True)
    descent = optim.SGD([weight], lr=0.5, momentum=0.9)
    schedule = make(descent)
    seen = []
    for _ in range(steps):
        seen.append(round(descent.param_groups[0]["lr"], 8))
        weight.grad = torch.ones(1)
        descent.step()
        schedule.step(**options)
    print(type(schedule).__name__, seen, schedule.get_last_lr())
    return seen


step_lr = rates(lambda descent: schedules.StepLR(descent, step_size=3, gamma=0.1))
multi_step = rates(lambda descent: schedules.MultiStepLR(descent, milestones=[2, 5, 9], gamma=0.5))
exponential = rates(lambda descent: schedules.ExponentialLR(descent, gamma=0.9))
constant = rates(lambda descent: schedules.ConstantLR(descent, factor=0.25, total_iters=4))
linear = rates(lambda descent: schedules.LinearLR(descent, start_factor=0.2, total_iters=6))
polynomial = rates(lambda descent: schedules.PolynomialLR(descent, total_iters=8, power=2.0))
cosine = rates(lambda descent: schedules.CosineAnnealingLR(descent, T_max=6, eta_min=0.01))
restarts = rates(lambda descent: schedules.CosineAnnealingWarmRestarts(descent, T_0=3, T_mult=2))
lambdas = rates(lambda descent: schedules.LambdaLR(descent, lambda epoch: 0.8**epoch))
multiplied = rates(lambda descent: schedules.MultiplicativeLR(descent, lambda epoch: 0.95))
cyclic = rates(lambda descent: schedules.CyclicLR(descent, base_lr=0.1, max_lr=0.9, step_size_up=3, mode="triangular2"))
one_cycle = rates(lambda descent: schedules.OneCycleLR(descent, max_lr=0.9, total_steps=12), steps=11)
three_phase = rates(
    lambda descent: schedules.OneCycleLR(descent, max_lr=0.9, total_steps=12, three_phase=True, anneal_strategy="linear"),
    steps=11,
)
chained = rates(
    lambda descent: schedules.ChainedScheduler(
        [schedules.ExponentialLR(descent, 0.9), schedules.ConstantLR(descent, 0.5, total_iters=3)]
    )
)
sequential = rates(
    lambda descent: schedules.SequentialLR(
        descent, [schedules.ConstantLR(descent, 0.1, total_iters=3), schedules.ExponentialLR(descent, 0.9)], milestones=[3]
    )
)
plateau = rates(lambda descent: schedules.ReduceLROnPlateau(descent, patience=2, factor=0.5), metrics=1.0)

weight = torch.ones(1, requires_grad=True)
first = schedules.StepLR(optim.SGD([weight], lr=0.5), step_size=2)
for _ in range(3):
    first.optimizer.step()
    first.step()
print(first.state_dict())
second = schedules.StepLR(optim.SGD([weight], lr=0.5), step_size=5)
second.load_state_dict(first.state_dict())
print(second.step_size, second.last_epoch, second.get_last_lr())

averaged = optim.swa_utils.AveragedModel(net)
with torch.no_grad():
    net.weight.fill_(1.0)
averaged.update_parameters(net)
with torch.no_grad():
    net.weight.fill_(3.0)
averaged.update_parameters(net)
print(averaged.module.weight, averaged.n_averaged)
swa = rates(lambda descent: optim.swa_utils.SWALR(descent, swa_lr=0.05, anneal_epochs=4))
