"""What happens to a graph after backward, and how to do without one."""

import torch

angle = torch.tensor([0.5, 1.5], requires_grad=True)
curve = angle.sin() * angle
height = curve.sum()
height.backward(retain_graph=True)
once = angle.grad.clone()
height.backward()
print(once)
print(angle.grad)

try:
    height.backward()
except RuntimeError as refusal:
    message = str(refusal)
    print(message)

with torch.no_grad():
    quiet = angle * 2
    print(quiet.requires_grad, torch.is_grad_enabled())
print(torch.is_grad_enabled(), (angle * 2).requires_grad)


@torch.no_grad()
def doubled(tensor):
    return tensor * 2


print(doubled(angle).requires_grad)
apart = angle.detach()
apart[0] = 9.0
print(angle, apart.requires_grad)
with torch.set_grad_enabled(False):
    print((angle + 1).grad_fn)
with torch.enable_grad():
    print((angle + 1).requires_grad)
