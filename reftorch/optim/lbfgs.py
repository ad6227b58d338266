"""L-BFGS."""
import reftorch as torch

from ._per_parameter import require_lr, to_scalar
from .optimizer import Optimizer

__all__ = ["LBFGS"]

_KEPT = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")     # of one step for the next


def _cubic_minimum(x1, f1, g1, x2, f2, g2, bounds=None):
    """Where the cubic through two points with their slopes is least, within bounds; their middle if it has no minimum."""
    low, high = bounds or (min(x1, x2), max(x1, x2))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if square < 0:
        return (low + high) / 2.0
    d2 = square.sqrt()
    left, right = sorted(((x1, g1), (x2, g2)), key=lambda point: point[0])
    least = right[0] - (right[0] - left[0]) * ((right[1] + d2 - d1) / (right[1] - left[1] + 2 * d2))
    return min(max(least, low), high)


class _Point:
    """A step length with the loss, the gradient and the slope along the direction that were found there."""

    def __init__(self, t, loss, grad, slope):
        self.t, self.loss, self.grad, self.slope = t, loss, grad, slope


def _strong_wolfe(evaluate, t, direction, loss, grad, slope, max_evals, c1=1e-4, c2=0.9, tolerance_change=1e-9):
    """A point that meets the strong Wolfe conditions (loss falls by c1, slope by c2), or the best found; and the evaluations made.

    First the step grows until it brackets such a point, then the bracket shrinks.
    """

    def look(t):
        f, g = evaluate(t, direction)
        return _Point(t, f, g, g.dot(direction))

    start = _Point(0, loss, grad.clone(), slope)
    too_high = lambda point: point.loss > loss + c1 * point.t * slope       # noqa: E731
    flat = lambda point: abs(point.slope) <= -c2 * slope                    # noqa: E731

    before, point = start, look(t)
    tries, done, bracket = 0, False, None
    while tries < max_evals:
        if too_high(point) or (tries > 1 and point.loss >= before.loss):
            bracket = [before, point]
            break
        if flat(point):
            bracket, done = [point], True
            break
        if point.slope >= 0:
            bracket = [before, point]
            break
        bounds = point.t + 0.01 * (point.t - before.t), point.t * 10
        t = _cubic_minimum(before.t, before.loss, before.slope, point.t, point.loss, point.slope, bounds)
        before, point = point, look(t)
        tries += 1
    if tries == max_evals:
        bracket = [start, point]

    reach = direction.abs().max()
    stuck = False
    low, high = (0, 1) if bracket[0].loss <= bracket[-1].loss else (1, 0)
    while not done and tries < max_evals:
        first, last = bracket
        if abs(last.t - first.t) * reach < tolerance_change:
            break
        t = _cubic_minimum(first.t, first.loss, first.slope, last.t, last.loss, last.slope)
        left, right = min(first.t, last.t), max(first.t, last.t)
        margin = 0.1 * (right - left)
        near_end = min(right - t, t - left) < margin
        if near_end and (stuck or t >= right or t <= left):
            # twice at an end of the bracket: move inwards by a tenth
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            stuck = False
        else:
            stuck = near_end
        point = look(t)
        tries += 1
        if too_high(point) or point.loss >= bracket[low].loss:
            bracket[high] = point
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
            continue
        if flat(point):
            done = True
        elif point.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
    return bracket[low], tries + 1


class LBFGS(Optimizer):
    """L-BFGS: Newton steps whose inverse Hessian is built from the last `history_size` changes of parameters s and gradients y.

    H y = s for the pairs kept, applied to -g by the two-loop recursion; `step` takes up to max_iter steps and needs a closure.
    """

    def __init__(self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7, tolerance_change=1e-9, history_size=100,
                 line_search_fn=None):
        require_lr(lr)
        super().__init__(params, dict(lr=lr, max_iter=max_iter, max_eval=max_iter * 5 // 4 if max_eval is None else max_eval,
                                      tolerance_grad=tolerance_grad, tolerance_change=tolerance_change, history_size=history_size,
                                      line_search_fn=line_search_fn))
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    # ---- all parameters as one vector
    def _flat_grad(self):
        parts = []
        for p in self._params:
            part = p.grad if p.grad is not None else torch.zeros_like(p)
            parts.append((torch.view_as_real(part) if torch.is_complex(part) else part).reshape(-1))
        return torch.cat(parts)

    def _move(self, length, direction):
        start = 0
        for p in self._params:
            p = torch.view_as_real(p) if torch.is_complex(p) else p
            p.add_(direction[start:start + p.numel()].view_as(p), alpha=length)
            start += p.numel()

    def _direction(self, state, weights, grad, history_size):
        """-H grad, after the newest change has joined the history; `weights` is room for one number a pair."""
        change, step = grad.sub(state["prev_flat_grad"]), state["d"].mul(state["t"])
        changes, steps, factors = state["old_dirs"], state["old_stps"], state["ro"]
        curvature = change.dot(step)
        if curvature > 1e-10:
            if len(changes) == history_size:
                for kept in (changes, steps, factors):
                    kept.pop(0)
            changes.append(change)
            steps.append(step)
            factors.append(1.0 / curvature)
            state["H_diag"] = curvature / change.dot(change)
        q = grad.neg()
        for i in reversed(range(len(changes))):
            weights[i] = steps[i].dot(q) * factors[i]
            q.add_(changes[i], alpha=-weights[i])
        r = torch.mul(q, state["H_diag"])
        for i in range(len(changes)):
            r.add_(steps[i], alpha=weights[i] - changes[i].dot(r) * factors[i])
        return r

    def _search(self, closure, state, loss, grad, slope, max_evals):
        """The loss, gradient and step length of a line search from here, and how often it called the closure."""
        start = [p.clone() for p in self._params]

        def evaluate(t, direction):
            self._move(t, direction)
            value = float(closure())
            found = self._flat_grad()
            for p, value_then in zip(self._params, start, strict=True):
                p.copy_(value_then)
            return value, found

        point, evals = _strong_wolfe(evaluate, state["t"], state["d"], loss, grad, slope, max_evals)
        state["t"] = point.t
        return point.loss, point.grad, evals

    @torch.no_grad()
    def step(self, closure):
        """Up to max_iter steps; `closure` clears the gradients, computes the loss and its gradient, and gives the loss."""
        if len(self.param_groups) != 1:
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}")
        closure = torch.enable_grad()(closure)
        group = self.param_groups[0]
        lr, max_iter, tolerance = to_scalar(group["lr"]), group["max_iter"], group["tolerance_change"]
        stored = self.state[self._params[0]]
        stored.setdefault("func_evals", 0)
        stored.setdefault("n_iter", 0)

        first_loss = closure()
        loss = float(first_loss)
        evals = 1
        stored["func_evals"] += 1
        grad = self._flat_grad()
        if grad.abs().max() <= group["tolerance_grad"]:
            return first_loss

        state = {key: stored.get(key) for key in _KEPT}
        for n in range(1, max_iter + 1):
            stored["n_iter"] += 1
            first = stored["n_iter"] == 1
            if first:
                state.update(d=grad.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
            else:
                weights = stored.setdefault("al", [None] * group["history_size"])
                state["d"] = self._direction(state, weights, grad, group["history_size"])
            if state["prev_flat_grad"] is None:
                state["prev_flat_grad"] = grad.clone()
            else:
                state["prev_flat_grad"].copy_(grad)     # in place: a state_dict shares it
            state["prev_loss"] = loss
            state["t"] = min(1.0, 1.0 / grad.abs().sum()) * lr if first else lr
            slope = grad.dot(state["d"])
            if slope > -tolerance:
                break
            new_evals = 0
            if group["line_search_fn"] is not None:
                if group["line_search_fn"] != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                loss, grad, new_evals = self._search(closure, state, loss, grad, slope, group["max_eval"] - evals)
                self._move(state["t"], state["d"])
            else:
                self._move(state["t"], state["d"])
                if n != max_iter:       # after the last step nobody asks
                    loss, grad, new_evals = float(closure()), self._flat_grad(), 1
            evals += new_evals
            stored["func_evals"] += new_evals
            if (n == max_iter or evals >= group["max_eval"] or grad.abs().max() <= group["tolerance_grad"]
                    or state["d"].mul(state["t"]).abs().max() <= tolerance or abs(loss - state["prev_loss"]) < tolerance):
                break
        stored.update(state)
        return first_loss
