"""Compare gradients with finite differences."""
import warnings

import numpy as np

from ..core import DTYPES, T, Tensor, _core
from . import forward_ad


class GradcheckError(RuntimeError):
    """What gradcheck raises when gradients do not match."""


def _flatten(value):
    return [value] if isinstance(value, Tensor) else [x for x in value if isinstance(x, Tensor)]


def _outputs(fn, inputs):
    return [o for o in _flatten(fn(*inputs)) if o.is_floating_point() or o.is_complex()]


def _numeric_jacobian(fn, inputs, which, index_out, eps):
    """d out / d x by central differences; rows are elements of x (real and imaginary part apart for complex ones)."""
    x = inputs[which]
    flat = x.detach()._array
    columns = []

    def value():
        return _outputs(fn, inputs)[index_out].detach().clone().reshape(-1)._array.copy()
    for position in np.ndindex(*flat.shape):
        kept = flat[position].copy()
        row = []
        for step in ((eps, eps * 1j) if x.is_complex() else (eps,)):
            flat[position] = kept + step
            up = value()
            flat[position] = kept - step
            down = value()
            flat[position] = kept
            row.append((up - down) / (2 * eps))
        columns.append(row)
    return columns


def _analytic(outputs, index_out, inputs, which, element, factor):
    seed = T.zeros_like(outputs[index_out])
    seed.reshape(-1)._array[element] = factor
    got = _core.run_backward([outputs[index_out]], [seed], True, False, [inputs[which]], True, False)[0]
    return None if got is None else got


def _fail(text, raise_exception):
    if raise_exception:
        raise GradcheckError(text)
    return False


def _check_rows(outputs, index_out, inputs, i, numeric, rtol, atol, nondet_tol, check_grad_dtypes):
    """What is wrong with the gradient of one output with respect to input `i`, or None."""
    out, x = outputs[index_out], inputs[i]
    for element in range(out.numel()):
        for factor in ((1, 1j) if out.is_complex() else (1,)):
            got = _analytic(outputs, index_out, inputs, i, element, factor)
            again = _analytic(outputs, index_out, inputs, i, element, factor)
            if got is None:
                got = again = T.zeros_like(x)
            if got.shape != x.shape:
                return "grad has wrong size"
            if check_grad_dtypes and got.dtype != x.dtype:
                return "grad has wrong dtype"
            if np.any(np.abs(got._array - again._array) > nondet_tol):
                return ("Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different values, although "
                        "analytical gradient matches numerical gradient.")
            for row, a in zip(numeric, got.reshape(-1)._array, strict=False):
                # the gradient g of <factor, out> satisfies d<factor,out> = Re(conj(g) dx)
                directional = [float(np.real(np.conj(factor) * part[element])) for part in row]
                mine = [float(np.real(a)), float(np.imag(a))][:len(directional)]
                if not np.allclose(mine, directional, rtol=rtol, atol=atol, equal_nan=True):
                    return f"Jacobian mismatch for output {index_out} with respect to input {i},\nnumerical:{directional}\nanalytical:{mine}\n"
    return None


def _check_columns(func, inputs, i, index_out, numeric, rtol, atol):
    """What is wrong with the tangents of one output for unit tangents of input `i`, or None."""
    x = inputs[i]
    for element, parts in enumerate(numeric):
        for factor, wanted in zip((1, 1j), parts, strict=False):
            direction = T.zeros(x.numel(), dtype=x.dtype)
            direction[element] = factor
            with forward_ad.new_level() as level:
                moved = [forward_ad.dual_at(level, x, direction.view(x.shape)) if k == i else y for k, y in enumerate(inputs)]
                out = [o for o in _outputs(func, moved) if o.requires_grad][index_out]
                tangent = forward_ad.tangent_of(out, level)
            mine = np.zeros_like(wanted) if tangent is None else tangent.detach().reshape(-1)._array
            if not np.allclose(mine, wanted, rtol=rtol, atol=atol, equal_nan=True):
                return (f"Jacobian computed with forward mode mismatch for output {index_out} with respect to input {i},\nnumerical:{wanted}\n"
                        f"analytical:{mine}\n")
    return None


def gradcheck(func, inputs, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, nondet_tol=0.0, check_undefined_grad=True,
              check_grad_dtypes=False, check_batched_grad=False, check_batched_forward_grad=False, check_forward_ad=False, check_backward_ad=True,
              fast_mode=False, masked=None):
    """Check the gradients of `func` at `inputs` (and with check_forward_ad its tangents) against central differences of step `eps`.

    Every element is checked, whatever `fast_mode` says.  GradcheckError (or False) when |analytic - numeric| > atol + rtol * |numeric|,
    when a gradient is not reproducible to `nondet_tol`, or has another shape or layout than its input.
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    checked = [i for i, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of the them have requires_grad=True.")
    for i in checked:
        x = inputs[i]
        if x.dtype not in (DTYPES["float64"], DTYPES["complex128"]):
            warnings.warn(f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will likely fail if all "
                          "the inputs are not of double precision floating point or complex. ", stacklevel=2)
        if any(s == 0 and n > 1 for s, n in zip(x.stride(), x.shape, strict=False)):
            raise RuntimeError(f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping to be able to "
                               "compute the numerical gradients correctly. You should call .contiguous on the input before passing it to gradcheck.")
        x.retain_grad()
    raw = _flatten(func(*inputs))
    outputs = [o for o in raw if o.requires_grad]
    if not outputs:
        for index_out in range(len(_outputs(func, inputs))):
            for i in checked:
                numeric = _numeric_jacobian(func, inputs, i, index_out, eps)
                if any(np.any(np.abs(part) > 0) for row in numeric for part in row):
                    return _fail("Numerical gradient for function expected to be zero", raise_exception)
        return True
    for index_out in range(len(outputs)):
        for i in checked:
            numeric = _numeric_jacobian(func, inputs, i, index_out, eps)
            problem = None
            if check_forward_ad:
                problem = _check_columns(func, inputs, i, index_out, numeric, rtol, atol)
            if check_backward_ad and problem is None:
                problem = _check_rows(outputs, index_out, inputs, i, numeric, rtol, atol, nondet_tol, check_grad_dtypes)
            if problem is not None:
                return _fail(problem, raise_exception)
    if check_backward_ad and check_undefined_grad and not _undefined_ok(func, inputs, checked):
        return _fail("Expected backward function to handle undefined output grads. Please look at 'Notes about undefined output gradients' in "
                     "'tools/autograd/derivatives.yaml'", raise_exception)
    return True


def _undefined_ok(func, inputs, checked):
    """Backward must cope with outputs whose gradient never arrives."""
    outputs = [o for o in _flatten(func(*inputs)) if o.requires_grad]
    if len(outputs) < 2:
        return True
    for out in outputs:
        try:
            _core.run_backward([out], [T.zeros_like(out)], True, False, [inputs[i] for i in checked], True, False)
        except (TypeError, AttributeError):
            return False
    return True


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, gen_non_contig_grad_outputs=False, raise_exception=True,
                  nondet_tol=0.0, check_undefined_grad=True, check_grad_dtypes=False, check_batched_grad=False, check_fwd_over_rev=False,
                  check_rev_over_rev=True, fast_mode=False, masked=False):
    """gradcheck of the gradient of `func`: checks second derivatives."""
    inputs = (inputs,) if isinstance(inputs, Tensor) else tuple(inputs)
    if grad_outputs is None:
        outputs = [o for o in _outputs(func, inputs) if o.requires_grad]
        grad_outputs = tuple(T.randn_like(o).requires_grad_(True) for o in outputs)
    else:
        grad_outputs = tuple(_flatten(grad_outputs))
    n = len(grad_outputs)

    def first(*args):
        from . import grad
        own, given = args[:-n], args[-n:]
        outs = [o for o in _outputs(func, own) if o.requires_grad]
        wanted = [x for x in own if isinstance(x, Tensor) and x.requires_grad]
        return tuple(g for g in grad(outs, wanted, given, create_graph=True, allow_unused=True) if g is not None)
    return gradcheck(first, inputs + grad_outputs, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol,
                     check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes, fast_mode=fast_mode,
                     check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev)


GradcheckError.__module__ = "reftorch.autograd.gradcheck"
