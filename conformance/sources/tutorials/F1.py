"""Stochastic gradient descent on one weight: a step, its groups and its state."""

import torch
import torch.optim as optim

torch.manual_seed(61)
weight = torch.randn((2, 2), requires_grad=True)
weight.grad = torch.ones((2, 2))
optimizer = optim.SGD([weight], lr=0.1, momentum=0.9)
print(weight.data)
optimizer.step()
print(weight.data)
print(weight.grad)
optimizer.zero_grad()
print(weight.grad)
print(optimizer)

extra = torch.randn((3, 3), requires_grad=True)
optimizer.add_param_group({"params": extra, "lr": 0.0001, "nesterov": True})
print(optimizer.param_groups)
print(id(optimizer.param_groups[0]["params"][0]) == id(weight))

again = torch.randn((2, 2), requires_grad=True)
again.grad = torch.ones((2, 2))
walker = optim.SGD([again], lr=0.1, momentum=0.9)
print(walker.state_dict())
for _ in range(50):
    walker.step()
print(walker.state_dict())
torch.save(walker.state_dict(), "sgd.state")

fresh = torch.zeros((2, 2), requires_grad=True)
successor = optim.SGD([fresh], lr=0.5)
successor.load_state_dict(torch.load("sgd.state"))
print(successor.state_dict())
fresh.grad = torch.ones((2, 2))
successor.step()
print(fresh)
