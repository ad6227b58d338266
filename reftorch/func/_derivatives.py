"""grad, vjp, jvp and the Jacobians, of functions of pytrees of tensors.

A transform runs its function once, on leaves of its own (reverse mode) or at a level of its own (forward mode), so transforms nest in
any order.  What it gives back keeps its history as far as that leads out to tensors of the caller, and loses the rest.
"""
from functools import wraps

from ..autograd import forward_ad
from ..autograd.grad_mode import enable_grad
from ..core import T, Tensor, _core
from ..utils._pytree import tree_flatten, tree_leaves, tree_map, tree_unflatten
from ._vmap import vmap


# ------------------------------------------------------------------ arguments
def _positions(argnums, count):
    """`argnums` as a tuple of positions counted from the front."""
    given = argnums if isinstance(argnums, tuple) else (argnums,)
    if isinstance(argnums, tuple) and not argnums:
        raise RuntimeError("argnums must be non-empty")
    found = []
    for i in given:
        if not isinstance(i, int):
            raise RuntimeError(f"argnum must be int, got: {type(i)}" if given is argnums else f"argnums must be int or Tuple[int, ...], got: {type(i)}")
        if not -count <= i < count:
            raise RuntimeError(f"Got argnum={i}, but only {count} positional inputs")
        found.append(i % count)
    if len(set(found)) < len(found):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return tuple(found)


def _of_arguments(func, argnums, args, kwargs):
    """(func of the chosen arguments alone, those arguments)."""
    positions = _positions(argnums, len(args))

    def partial(*chosen):
        full = list(args)
        for i, x in zip(positions, chosen, strict=False):
            full[i] = x
        return func(*full, **kwargs)
    return partial, tuple([args[i] for i in positions])


def _split_aux(value, has_aux, who):
    if not has_aux:
        return value, None
    if not (isinstance(value, tuple) and len(value) == 2):
        raise RuntimeError(f"{who}: output of function f should be a tuple: (output, aux) if has_aux is True")
    return value


def _check_output(value, api):
    """The flat outputs of a function; RuntimeError unless they are one Tensor or more, in tuples or lists."""
    leaves, spec = tree_flatten(value)
    if not leaves:
        raise RuntimeError(f"{api}: Expected f to be a function that has non-empty output (got output = [])")
    for x in leaves:
        if not isinstance(x, Tensor):
            raise RuntimeError(f"{api}: expected f(*primals) to return only tensors, got unsupported type {type(x)}")
    return leaves, spec


# ------------------------------------------------------------------ reverse mode
class _Reverse:
    """One run of a function on leaves of its own."""

    def __init__(self, func, primals):
        self.tracked = _core.is_grad_enabled()           # whether results may have a history outside
        flat, self.spec = tree_flatten(primals)
        with enable_grad():
            self.inputs = [self._input(x) for x in flat]
            self.leaves = {id(x): given for x, given in zip(self.inputs, flat, strict=False)}
            self.output = func(*tree_unflatten(self.inputs, self.spec))

    def _input(self, x):
        if not isinstance(x, Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        return x.view_as(x) if self.tracked and x.requires_grad else forward_ad.leaf_like(x)

    def escape(self, tree):
        """What leaves the transform: a history that ends at the leaves of this run is cut off."""
        return tree_map(self._escape, tree)

    def _escape(self, x):
        if id(x) in self.leaves:
            return self.leaves[id(x)]
        if not isinstance(x, Tensor) or not x.requires_grad or self.tracked and _core.leads_elsewhere(x, self.leaves):
            return x
        return forward_ad.detach(x)

    def pull(self, outputs, cotangents, retain_graph=True):
        """The gradients of the inputs, as the caller arranged them; zeros where an output does not depend on one."""
        pairs = [(o, c) for o, c in zip(outputs, cotangents, strict=False) if o.requires_grad]
        outside = self.tracked and _core.is_grad_enabled() and any(c.requires_grad or _core.leads_elsewhere(o, self.leaves) for o, c in pairs)
        found = [None] * len(self.inputs)
        if pairs:
            found = _core.run_backward([o for o, _ in pairs], [c for _, c in pairs], retain_graph or outside, outside, self.inputs, True, False)
        found = [T.zeros_like(x) if g is None else g for g, x in zip(found, self.inputs, strict=False)]
        return tree_unflatten([self._escape(g) for g in found], self.spec)


def grad_and_value(func, argnums=0, has_aux=False):
    """The function that gives (gradient, value) of `func`, which returns one number; ((gradient, (value, aux)) with has_aux)."""
    @wraps(func)
    def wrapper(*args, **kwargs):
        partial, primals = _of_arguments(func, argnums, args, kwargs)
        run = _Reverse(partial, primals)
        output, aux = _split_aux(run.output, has_aux, "grad_and_value(f)(*args)")
        if not isinstance(output, Tensor):
            raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a Tensor, got {type(output)}")
        if output.dim():
            raise RuntimeError(f"grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with {output.dim()} dims. Maybe you "
                               "wanted to use the vjp or jacrev APIs instead?")
        grads = run.pull([output], [T.ones_like(output)], retain_graph=False)
        grads = grads if isinstance(argnums, tuple) else grads[0]
        value = run.escape(output)
        return (grads, (value, run.escape(aux))) if has_aux else (grads, value)
    return wrapper


def grad(func, argnums=0, has_aux=False):
    """The function that gives the gradient of `func`, which returns one number; (gradient, aux) with has_aux."""
    both = grad_and_value(func, argnums, has_aux)

    @wraps(func)
    def wrapper(*args, **kwargs):
        grads, value = both(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads
    return wrapper


def _vjp(func, primals, has_aux=False):
    """(run, flat outputs, their structure, aux)."""
    run = _Reverse(func, primals)
    output, aux = _split_aux(run.output, has_aux, "vjp(f, *primals)")
    outputs, spec = _check_output(output, "vjp(f, *primals)")
    for o in outputs:
        if not (o.is_floating_point() or o.is_complex()):
            raise RuntimeError(f"vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype {o.dtype}")
    return run, outputs, spec, aux


class _Star:
    """A leaf, as it is shown in errors."""

    def __repr__(self):
        return "*"


def _shown(spec):
    return tree_unflatten([_Star()] * spec.num_leaves, spec)


def vjp(func, *primals, has_aux=False):
    """(func(*primals), pull, aux with has_aux): `pull(cotangents)` gives the tuple of v^T J, one for every primal."""
    run, outputs, spec, aux = _vjp(func, primals, has_aux)

    def pull(cotangents, retain_graph=True, create_graph=None):
        given, given_spec = tree_flatten(cotangents)
        if given_spec != spec:
            raise RuntimeError("Expected pytree structure of cotangents to be the same as pytree structure of outputs to the function. cotangents: "
                               f"{_shown(given_spec)}, primal output: {_shown(spec)}")
        return run.pull(outputs, given, retain_graph)

    result = tree_unflatten([run.escape(o) for o in outputs], spec)
    return (result, pull, run.escape(aux)) if has_aux else (result, pull)


# ------------------------------------------------------------------ forward mode
_JVP = "jvp(f, primals, tangents)"


def _check_inputs(flat, name):
    if not flat:
        raise RuntimeError(f"{_JVP}: Expected {name} to contain at least one Tensor.")
    for x in flat:
        if not isinstance(x, Tensor):
            raise RuntimeError(f"{_JVP}: Expected {name} to only contain Tensors, got {type(x)}")


def jvp(func, primals, tangents, *, strict=False, has_aux=False):
    """(func(*primals), J t, aux with has_aux); `tangents` t has the structure of the tuple `primals`."""
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{_JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    flat, spec = tree_flatten(primals)
    directions, directions_spec = tree_flatten(tangents)
    if spec != directions_spec:
        raise RuntimeError(f"{_JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a tuple of 3 tensors, "
                           f"tangents also must be. Got primals with structure {spec} and tangents with structure {directions_spec}")
    _check_inputs(flat, "primals")
    _check_inputs(directions, "tangents")
    with forward_ad.new_level() as level:
        duals = [forward_ad.dual_at(level, x, t) for x, t in zip(flat, directions, strict=False)]
        output, aux = _split_aux(func(*tree_unflatten(duals, spec)), has_aux, _JVP)
        outputs, out_spec = _check_output(output, _JVP)
        pairs = [forward_ad.split(level, o) for o in outputs]
        if strict and any(t is None for _, t in pairs):
            raise RuntimeError("jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. This is not allowed with "
                               "strict=True.")
        aux = tree_map(lambda x: forward_ad.split(level, x)[0] if isinstance(x, Tensor) else x, aux)
        moved = [T.zeros_like(o) if t is None else t for o, t in pairs]
    result = tree_unflatten([o for o, _ in pairs], out_spec), tree_unflatten(moved, out_spec)
    return (*result, aux) if has_aux else result


def linearize(func, *primals):
    """(func(*primals), push): `push(*tangents)` gives J t at these primals without running `func` again.

    The product v^T J is linear in v, so pulling back through it gives J t.
    """
    run, outputs, out_spec, _ = _vjp(func, primals)
    _, push = vjp(lambda *cotangents: run.pull(outputs, cotangents), *map(T.zeros_like, outputs))
    flat, spec = tree_flatten(primals)

    def jvp_fn(*tangents):
        given, given_spec = tree_flatten(tangents)
        if given_spec != spec:
            raise RuntimeError(f"Expected the tangents {given_spec} to have the same argspec as the primals {spec}")
        for i, (x, t) in enumerate(zip(flat, given, strict=False)):
            for what, mine, wanted in (("shape", t.shape, x.shape), ("device", t.device, x.device), ("dtype", t.dtype, x.dtype)):
                if mine != wanted:
                    raise RuntimeError(f"tangent:{i} with {what} {mine} in flattened pytree doesn't match the {what} {wanted} of the corresponding "
                                       "primal.")
        return tree_unflatten([run.escape(t) for t in push(tangents)], out_spec)
    return tree_unflatten([run.escape(o) for o in outputs], out_spec), jvp_fn


# ------------------------------------------------------------------ Jacobians
def _refuse_complex(api, tree, where):
    for i, x in enumerate(tree_leaves(tree)):
        if isinstance(x, Tensor) and x.is_complex():
            raise RuntimeError(f"{api}: Expected all {where} to be real but received complex tensor at flattened input idx: {i}")


def _basis(tensors):
    """The unit vectors of the space of all elements: for every tensor an array (total, *shape)."""
    total, at, made = sum(x.numel() for x in tensors), 0, []
    for x in tensors:
        block = T.zeros((total, x.numel()), dtype=x.dtype)
        block[at:at + x.numel()] = T.eye(x.numel(), dtype=x.dtype)
        made.append(block.view(total, *x.shape))
        at += x.numel()
    return made


def _pieces(rows, tensors):
    """A stack (total, ...) cut into the parts of the single tensors."""
    return rows.split([x.numel() for x in tensors], 0)


def jacrev(func, argnums=0, *, has_aux=False, chunk_size=None, _preallocate_and_copy=False):
    """The function that gives the Jacobian, (*output.shape, *input.shape) for every output and input, by rows: one pull back an element."""
    if not (chunk_size is None or chunk_size > 0):
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @wraps(func)
    def wrapper(*args, **kwargs):
        _refuse_complex("jacrev", args, "inputs")
        partial, primals = _of_arguments(func, argnums, args, kwargs)
        run, outputs, out_spec, aux = _vjp(partial, primals, has_aux)
        _refuse_complex("jacrev", outputs, "outputs")
        rows = [tree_leaves(run.pull(outputs, seeds)) for seeds in zip(*_basis(outputs), strict=False)]
        inputs = run.inputs
        per_output = [[] for _ in outputs]
        for j, x in enumerate(inputs):
            stacked = T.stack([r[j] for r in rows]) if rows else T.zeros((0, *x.shape), dtype=x.dtype)
            for i, part in enumerate(_pieces(stacked, outputs)):
                per_output[i].append(part.view(*outputs[i].shape, *x.shape))
        trees = [tree_unflatten(parts, run.spec) for parts in per_output]
        result = tree_unflatten([t if isinstance(argnums, tuple) else t[0] for t in trees], out_spec)
        return (result, run.escape(aux)) if has_aux else result
    return wrapper


def jacfwd(func, argnums=0, has_aux=False, *, randomness="error"):
    """The function that gives the Jacobian, (*output.shape, *input.shape) for every output and input, by columns: one push forward an element."""
    @wraps(func)
    def wrapper(*args, **kwargs):
        _refuse_complex("jacfwd", args, "inputs")
        partial, primals = _of_arguments(func, argnums, args, kwargs)
        flat, spec = tree_flatten(primals)

        def push(*directions):
            return jvp(partial, primals, tree_unflatten(directions, spec), has_aux=has_aux)
        output, columns, *aux = vmap(push, randomness=randomness)(*_basis(flat))
        outputs, out_spec = tree_flatten(output)
        _refuse_complex("jacfwd", outputs, "outputs")
        trees = []
        for o, stacked in zip(outputs, tree_leaves(columns), strict=False):
            parts = [part.movedim(0, -1).reshape(*o.shape[1:], *x.shape) for part, x in zip(_pieces(stacked, flat), flat, strict=False)]
            trees.append(tree_unflatten(parts, spec))
        result = tree_unflatten([t if isinstance(argnums, tuple) else t[0] for t in trees], out_spec)
        return (result, tree_map(lambda x: x[0], aux[0])) if has_aux else result
    return wrapper


def hessian(func, argnums=0):
    """The function that gives the Hessian: forward mode over reverse mode."""
    return jacfwd(jacrev(func, argnums), argnums)


__all__ = ["grad", "grad_and_value", "vjp", "jvp", "linearize", "jacrev", "jacfwd", "hessian"]
