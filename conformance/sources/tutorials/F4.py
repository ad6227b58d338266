"""Every optimizer, five steps on the same bowl; where they get to and what they remember."""

import torch
from torch import optim


def bowl(point):
    return (point[0] - 1) ** 2 + 10 * (point[1] + 2) ** 2 + (point[0] * point[1]).sin()


def walk(make, steps=5, dtype=torch.float32):
    point = torch.tensor([3.0, 1.0], dtype=dtype, requires_grad=True)
    optimizer = make([point])
    for _ in range(steps):

        def closure():
            optimizer.zero_grad()
            loss = bowl(point)
            loss.backward()
            return loss

        if isinstance(optimizer, optim.LBFGS):
            optimizer.step(closure)
        else:
            closure()
            optimizer.step()
    state = optimizer.state_dict()["state"]
    print(type(optimizer).__name__, point.detach(), bowl(point).item())
    for entries in state.values():
        print({name: value for name, value in entries.items() if name not in ("func_evals", "old_dirs", "old_stps", "ro", "al")})
    return point.detach(), optimizer.state_dict()


sgd = walk(lambda params: optim.SGD(params, lr=0.01))
momentum = walk(lambda params: optim.SGD(params, lr=0.01, momentum=0.9, dampening=0.1, weight_decay=0.01))
nesterov = walk(lambda params: optim.SGD(params, lr=0.01, momentum=0.9, nesterov=True, maximize=False))
adam = walk(lambda params: optim.Adam(params, lr=0.1))
amsgrad = walk(lambda params: optim.Adam(params, lr=0.1, amsgrad=True, weight_decay=0.01, betas=(0.8, 0.95)))
adamw = walk(lambda params: optim.AdamW(params, lr=0.1, weight_decay=0.1))
adamax = walk(lambda params: optim.Adamax(params, lr=0.1))
nadam = walk(lambda params: optim.NAdam(params, lr=0.1))
radam = walk(lambda params: optim.RAdam(params, lr=0.1), steps=8)
adadelta = walk(lambda params: optim.Adadelta(params, lr=1.0, rho=0.9))
adagrad = walk(lambda params: optim.Adagrad(params, lr=0.1, lr_decay=0.01, initial_accumulator_value=0.1))
rmsprop = walk(lambda params: optim.RMSprop(params, lr=0.05, momentum=0.5, centered=True))
rprop = walk(lambda params: optim.Rprop(params, lr=0.1))
asgd = walk(lambda params: optim.ASGD(params, lr=0.01, t0=2))
lbfgs = walk(lambda params: optim.LBFGS(params, lr=0.5, max_iter=3), steps=2)
wolfe = walk(lambda params: optim.LBFGS(params, max_iter=4, line_search_fn="strong_wolfe"), steps=1)
adafactor = walk(lambda params: optim.Adafactor(params, lr=0.1))
single = walk(lambda params: optim.Adam(params, lr=0.1, foreach=False))
together = walk(lambda params: optim.Adam(params, lr=0.1, foreach=True))
precise = walk(lambda params: optim.Adam(params, lr=0.1), dtype=torch.float64)

matrix = torch.full((3, 2), 0.5, requires_grad=True)
muon = optim.Muon([matrix], lr=0.1)
for _ in range(5):
    muon.zero_grad()
    (matrix @ torch.tensor([1.0, -2.0])).square().sum().backward()
    muon.step()
print(matrix.shape, muon)
sparse = torch.ones(4, 2, requires_grad=True)
print(optim.SparseAdam([sparse], lr=0.1))
