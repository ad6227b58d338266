"""torch.func: functions of functions. Derivatives, products with Jacobians, and mapping over a batch."""
from ._derivatives import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp
from ._modules import functional_call, replace_all_batch_norm_modules_, stack_module_state
from ._rearrange import rearrange
from ._vmap import vmap


def functionalize(func, *, remove="mutations"):
    """Refused: rewriting a program without its writes needs a trace of it, which reftorch does not make."""
    if remove not in ("mutations", "mutations_and_views"):
        raise RuntimeError(f"functionalize(f, remove='mutations'): received invalid argument for remove={remove}. Valid options are:\n"
                           "     remove='mutations': all inplace and out= operators will be removed from the program, and replaced with their out-of-place "
                           "equivalents.\n     remove='mutations_and_views': In addition to the above, all aliasing operators {view} will be replaced "
                           "with their non-aliasing counterparts, {view}_copy.\n")
    raise NotImplementedError("functionalize(): reftorch runs programs op by op and does not trace them, so it cannot rewrite one without its writes")


def debug_unwrap(tensor, *, recurse=True):
    """The tensor itself: transforms of reftorch work on plain tensors and wrap none."""
    return tensor


__all__ = ["grad", "grad_and_value", "vmap", "replace_all_batch_norm_modules_", "functionalize", "hessian", "jacfwd", "jacrev", "jvp", "linearize", "rearrange",
           "vjp", "functional_call", "stack_module_state", "debug_unwrap"]
