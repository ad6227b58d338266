"""Products with Jacobians and Hessians, and the matrices themselves, of functions from Tensors to Tensors."""
from ..core import T, Tensor, _core
from . import forward_ad
from . import grad as _grad
from .grad_mode import enable_grad, set_grad_enabled


# ------------------------------------------------------------------ arguments and results
def _as_tuple(value, name, function):
    """(whether it was a tuple, the tuple); TypeError when something in it is no Tensor."""
    items = value if isinstance(value, tuple) else (value,)
    for i, x in enumerate(items):
        if not isinstance(x, Tensor):
            where = f"value at index {i}" if items is value else f"given {name}"
            raise TypeError(f"The {name} given to {function} must be either a Tensor or a tuple of Tensors but the {where} has type {type(x)}.")
    return items is value, items


def _outputs_of(func, inputs, function, strict):
    is_tuple, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", function)
    if strict:
        _require_grad(outputs, "Output {} of the user-provided function does not require gradients. The outputs must be computed in a differentiable "
                               "manner from the input when running in strict mode.")
    return is_tuple, outputs


def _scalar_of(func, inputs, function, strict):
    """The outputs of a function that has to return one number."""
    is_tuple, outputs = _outputs_of(func, inputs, function, strict)
    if is_tuple:
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {function} should contain a single element")
    return outputs


def _prepare(inputs, create_graph, need_graph):
    """Inputs to differentiate by: leaves of their own, or views of the caller's when those are to be part of the graph."""
    return tuple([x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_(need_graph) for x in inputs])


def _give_back(value, create_graph, is_tuple):
    """The result for the user; one Tensor when what it belongs to was one."""
    if not create_graph:
        value = tuple([x.detach() for x in value])
    return value if is_tuple else value[0]


def _prepare_v(v, like, like_is_tuple, create_graph, function, message):
    """The vector `v`, shaped as `like`; left out, for a single number."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(message)
        return None
    _, v = _as_tuple(v, "v", function)
    v = _prepare(v, create_graph, False)
    if len(v) != len(like):
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}." if like_is_tuple
                           else "The given v should contain a single Tensor.")
    for i, (x, wanted) in enumerate(zip(v, like, strict=False)):
        if x.shape != wanted.shape:
            raise RuntimeError(f"{f'Entry {i} in ' if like_is_tuple else ''}v has invalid size: should be {wanted.shape} but got {x.shape}.")
    return v


_V_FOR_OUTPUT = "The vector v can only be None if the user-provided function returns a single Tensor with a single element."
_V_FOR_INPUT = "The vector v can only be None if the input to the user-provided function is a single Tensor with a single element."
_NO_JACOBIAN = ("While computing the hessian, found that the jacobian of the user-provided function with respect to input {} is independent of the input. "
                "This is not allowed in strict mode. You should ensure that your function is twice differentiable and that the jacobian depends on the "
                "inputs (this would be violated by a linear function for example).")


def _require_grad(tensors, message):
    """Strict mode: RuntimeError when one of them has no history."""
    for i, x in enumerate(tensors):
        if x is None or not x.requires_grad:
            if x is None:
                message = "The output of the user-provided function is independent of input {}. This is not allowed in strict mode."
            raise RuntimeError(message.format(i))


def _gradients(outputs, inputs, grad_outputs=None, create_graph=False, retain_graph=None, is_grads_batched=False):
    """`autograd.grad` of those outputs that have a history; None where nothing arrives."""
    pairs = [(o, g) for o, g in zip(outputs, grad_outputs or [None] * len(outputs), strict=False) if o is not None and o.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    return _grad([o for o, _ in pairs], inputs, [g for _, g in pairs], retain_graph=retain_graph, create_graph=create_graph, allow_unused=True,
                 is_grads_batched=is_grads_batched)


_UNUSED = {
    "jacobian": "The output of the user-provided function is independent of input {}. This is not allowed in strict mode.",
    "jvp": "The gradient with respect to the input is independent of entry {} in the grad_outputs when using the double backward trick to compute "
           "forward mode gradients. This is not allowed in strict mode.",
    "hessian": "The jacobian of the user-provided function is independent of input {}. This is not allowed in strict mode.",
    "hvp": "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. This is not allowed in strict mode as it "
           "prevents from using the double backward trick to replace forward mode AD.",
}


def _filled(grads, like, strict, create_graph, stage):
    """Zeros for what did not arrive; in strict mode an error."""
    made = []
    for i, (g, x) in enumerate(zip(grads, like, strict=False)):
        if strict and g is None:
            raise RuntimeError(_UNUSED[stage].format(i))
        if strict and create_graph and not g.requires_grad:
            what = "hessian" if stage in ("hessian", "hvp") else "jacobian"
            raise RuntimeError(f"The {what} of the user-provided function is independent of input {i}. This is not allowed in strict mode when "
                               "create_graph=True.")
        made.append(T.zeros_like(x) if g is None else g)
    return tuple(made)


# ------------------------------------------------------------------ products
def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), v^T J): `v` is shaped as the outputs, the product as the inputs."""
    with enable_grad():
        many_in, inputs = _as_tuple(inputs, "inputs", "vjp")
        inputs = _prepare(inputs, create_graph, True)
        many_out, outputs = _outputs_of(func, inputs, "vjp", strict)
        v = _prepare_v(v, outputs, many_out, create_graph, "vjp", _V_FOR_OUTPUT)
    with set_grad_enabled(create_graph or _core.is_grad_enabled()):
        found = _filled(_gradients(outputs, inputs, v, create_graph), inputs, strict, create_graph, "jacobian")
    return _give_back(outputs, create_graph, many_out), _give_back(found, create_graph, many_in)


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), J v) by differentiating twice: `v` is shaped as the inputs, the product as the outputs."""
    with enable_grad():
        many_in, inputs = _as_tuple(inputs, "inputs", "jvp")
        inputs = _prepare(inputs, create_graph, True)
        v = _prepare_v(v, inputs, many_in, create_graph, "jvp", _V_FOR_INPUT)
        many_out, outputs = _outputs_of(func, inputs, "jvp", strict)
        seeds = tuple([T.zeros_like(o).requires_grad_(True) for o in outputs])
        grads = _gradients(outputs, inputs, seeds, create_graph=True)
        if strict:
            _require_grad(grads, "The gradient with respect to input {} is independent of the inputs of the user-provided function. This is not "
                                 "allowed in strict mode.")
    with set_grad_enabled(create_graph or _core.is_grad_enabled()):
        found = _filled(_gradients(grads, seeds, v, create_graph), outputs, strict, create_graph, "jvp")
    return _give_back(outputs, create_graph, many_out), _give_back(found, create_graph, many_out)


def _first_gradient(func, inputs, v, create_graph, strict, name):
    """What a product with a Hessian begins with: (several inputs?, inputs, v, output, its gradient, to be differentiated again)."""
    many_in, inputs = _as_tuple(inputs, "inputs", name)
    inputs = _prepare(inputs, create_graph, True)
    v = _prepare_v(v, inputs, many_in, create_graph, name, _V_FOR_INPUT)
    outputs = _scalar_of(func, inputs, name, strict)
    jac = _gradients(outputs, inputs, create_graph=True)
    if strict:
        _require_grad(jac, _NO_JACOBIAN)
    return many_in, inputs, v, outputs, jac


def vhp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), v^T H) of a function that returns one number."""
    with enable_grad():
        many_in, inputs, v, outputs, jac = _first_gradient(func, inputs, v, create_graph, strict, "vhp")
    with set_grad_enabled(create_graph or _core.is_grad_enabled()):
        found = _filled(_gradients(jac, inputs, v, create_graph), inputs, strict, create_graph, "hessian")
    return _give_back(outputs, create_graph, False), _give_back(found, create_graph, many_in)


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(func(inputs), H v) of a function that returns one number."""
    with enable_grad():
        many_in, inputs, v, outputs, jac = _first_gradient(func, inputs, v, create_graph, strict, "hvp")
        seeds = tuple([T.zeros_like(x).requires_grad_(True) for x in inputs])
        double = _gradients(jac, inputs, seeds, create_graph=True)
    with set_grad_enabled(create_graph or _core.is_grad_enabled()):
        found = _filled(_gradients(double, seeds, v, create_graph), inputs, strict, create_graph, "hvp")
    return _give_back(outputs, create_graph, False), _give_back(found, create_graph, many_in)


# ------------------------------------------------------------------ matrices
def _nested(rows, many_out, many_in):
    """A table of outputs by inputs, without the levels that single Tensors do not have."""
    rows = tuple([tuple(row) if many_in else row[0] for row in rows])
    return rows if many_out else rows[0]


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """The Jacobian, (*output.shape, *input.shape) for every output and input; rows by backward passes, or columns by forward ones."""
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than inputs, '
                             '"forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".')
    if strategy == "forward-mode":
        return _forward_jacobian(func, inputs, create_graph, strict, vectorize)
    with enable_grad():
        many_in, inputs = _as_tuple(inputs, "inputs", "jacobian")
        inputs = _prepare(inputs, create_graph, True)
        many_out, outputs = _outputs_of(func, inputs, "jacobian", strict)
        if vectorize and strict:
            raise RuntimeError("torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. Please either set "
                               "`strict=False` or `vectorize=False`.")
        table = []
        for i, out in enumerate(outputs):
            found = [_gradients((x,), inputs, create_graph=create_graph, retain_graph=True) for x in out.reshape(-1)]
            if strict:
                _check_rows(found, i, create_graph)
            rows = []
            for j, x in enumerate(inputs):
                of_x = [T.zeros_like(x) if g[j] is None else g[j] for g in found]
                rows.append((T.stack(of_x) if of_x else T.zeros_like(x)).view(*out.shape, *x.shape))
            table.append(rows if create_graph else [r.detach() for r in rows])
    return _nested(table, many_out, many_in)


def _check_rows(found, i, create_graph):
    for grads in found:
        for j, g in enumerate(grads):
            if g is None:
                raise RuntimeError(f"Output {i} of the user-provided function is independent of input {j}. This is not allowed in strict mode.")
            if create_graph and not g.requires_grad:
                raise RuntimeError(f"The jacobian of the user-provided function is independent of input {i}. This is not allowed in strict mode when "
                                   "create_graph=True.")


def _forward_jacobian(func, inputs, create_graph, strict, vectorize):
    for given, name in ((create_graph, "create_graph"), (strict, "strict")):
        if given:
            raise (NotImplementedError if name == "create_graph" else RuntimeError)(
                f'torch.autograd.functional.jacobian: `{name}=True` and `strategy="forward-mode"` are not supported together (yet). Please either set '
                f'`{name}=False` or `strategy="reverse-mode"`.')
    many_in, inputs = _as_tuple(inputs, "inputs", "jacobian")
    if not vectorize:
        raise NotImplementedError("Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for `vectorize=True`.")
    table = None
    for j, x in enumerate(inputs):
        columns = []
        for k in range(x.numel()):
            with forward_ad.new_level() as level:
                direction = T.zeros(x.numel(), dtype=x.dtype)
                direction[k] = 1
                moved = [forward_ad.dual_at(level, y, direction.view(x.shape) if i == j else T.zeros_like(y)) for i, y in enumerate(inputs)]
                many_out, outputs = _as_tuple(func(*moved), "outputs", None)
                pairs = [forward_ad.split(level, o) for o in outputs]
                columns.append([T.zeros_like(o) if t is None else t for o, t in pairs])
        if table is None:
            table = [[] for _ in outputs]
        for i, row in enumerate(table):
            row.append(T.stack([c[i] for c in columns], -1).reshape(*columns[0][i].shape, *x.shape))
    rows = [row if many_in else row[0] for row in table]         # torch: lists, where reverse mode gives tuples
    return rows if many_out else rows[0]


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """The Hessian of a function that returns one number: (*input_i.shape, *input_j.shape) for every pair of inputs."""
    many_in, inputs = _as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def scalar(*args):
        return _scalar_of(func, args, "hessian", strict)[0].squeeze()

    def rows(*args):
        if outer_jacobian_strategy == "forward-mode":
            args = tuple([x.requires_grad_(True) for x in args])
        found = jacobian(scalar, args, create_graph=True)
        if strict:
            _require_grad(found, _NO_JACOBIAN)
        return found

    found = jacobian(rows, inputs, create_graph=create_graph, strict=strict, vectorize=vectorize, strategy=outer_jacobian_strategy)
    return found if many_in else found[0][0]


__all__ = ["vjp", "jvp", "jacobian", "hessian", "hvp", "vhp"]
