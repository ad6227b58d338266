"""The notation in which op files are written: `op`, `primitive`, `view`, `composite`.

    mul = op("mul.Tensor(Tensor self, Tensor other) -> Tensor", loop="numpy:multiply", make="method inplace out",
             self=lambda grad, other: grad * other.conj(), other=lambda grad, self: grad * self.conj())

Several schema strings are overloads, tried in the order given.  `make` names the faces besides the function: `method`, `inplace`
(`mul_`; `function_` where `torch.mul_` exists too), `out` (`out=`; pointwise
ops, composites and those that say `casts` convert to its dtype).  `ns` is the public namespace (`torch`, `torch.linalg` as "linalg", ...),
None for methods alone.
`shown` is for documentation that differs from the schema ("arguments of the function | arguments of the method", see signature.py).

A rule is a lambda named after the input it differentiates.  Its parameter names say what it gets, and so what is saved:
  grad            the gradient of the first result       grads     those of all results, None where nothing arrived
  an argument     as it was passed                       result, result1, a result's own name
  self_shape      (also _dtype, _strides, _offset)       facts about a tensor argument, which is then not saved
  mask            which of the rule's inputs need a gradient (rules named `a__and__b` give a tuple)
The engine sums the gradient to the input's shape and converts it to its dtype; a rule need not.

`quick` is what small calls run without any Python code.  For a primitive or a view it names a compiled function, "quick:select" or "gemm:mm"
in reftorch/kernels (see kernels/quick.pxd): it gets the arrays and integers of a call whose arguments are plain tensors of one dtype, ints and
bools, and gives the result's array (a list of them for several results), or None for all that it does not know, errors too: then the call
takes the general way.  For a composite
it is the expression of such ops that the body comes to, "mm(input, t(weight)) | addmm(bias, input, t(weight))": the first that reads all arguments given
and succeeds; an op with several results stands for its first there, and has no quick way of its own.  The result and the history are those of the general way.
"""
from . import _core

LOOP, PRIMITIVE, VIEW, COMPOSITE = range(4)


def _faces(make):
    words = set(make.split())
    unknown = words - {"method", "inplace", "function_", "out", "casts"}
    if unknown:
        raise TypeError(f"make: {unknown}")
    return words


def _define(kind, schemas, make, options, rules):
    names = {s[:s.index("(")].partition(".")[0] for s in schemas}
    if len(names) != 1:
        raise TypeError(f"overloads of one op share its name: {sorted(names)}")
    return _core.define(names.pop(), schemas, kind, make=_faces(make), rules=rules, **options)


def op(*schemas, loop, make="", promote="default", ns="torch", prepare=None, numbers=False, check=None, node=None, jvp=None, nograd=False,
       doc=None, shown=None, **rules):
    """A pointwise op: a NumPy-style inner loop ("numpy:add", "scipy.special:psi", "kernels:sigmoid") over its Tensor and Scalar arguments.

    promote: "default" (the common dtype) or "float" (integers become the default float first).
    numbers: Tensor arguments also take Python numbers.  prepare(vals) -> vals: fold keyword arguments (alpha) in before the loop;
    a pair (another op, its vals) has that op's loop run instead.
    check(dtype, *operands): raise torch's error for dtypes it refuses.
    """
    return _define(LOOP, schemas, make, dict(loop=loop, promote=promote, ns=ns, prepare=prepare, numbers=numbers, check=check, node=node, jvp=jvp,
                                             nograd=nograd, doc=doc, shown=shown), rules)


def _decorator(kind, schemas, make, options, rules):
    def made(body):
        return _define(kind, schemas, make, dict(options, body=body, doc=body.__doc__), rules)
    return made


def primitive(*schemas, make="", promote=None, half=True, ns="torch", numbers=False, check=None, node=None, jvp=None, nograd=False,
              shares=False, reduce=None, prepare=None, shown=None, quick=None, **rules):
    """An op on arrays: the body gets ndarrays for tensors, returns ndarrays, and has rules or says `nograd=True`.

    promote: None, "default" or "float", as for `op`.  half: float16 and bfloat16 are widened to float32 and float32 results rounded
    back; False hands them over as they are (for ops that only move data); "alone" does where they stand beside another type, which
    the body then refuses.  reduce: the ufunc whose loop does the same to all elements
    of a contiguous float tensor, the quick way of small ones.  shares: the result may lie in an input's memory without being
    known as its view (_unsafe_view); else such results are copied.  prepare(vals) -> vals: what the body gets instead of what is recorded.
    """
    return _decorator(PRIMITIVE, schemas, make, dict(promote=promote, half=half, ns=ns, numbers=numbers, check=check, node=node, jvp=jvp,
                                                     nograd=nograd, shares=shares, reduce=reduce, prepare=prepare, shown=shown, quick=quick), rules)


def view(*schemas, make="method", ns="torch", node=None, jvp="linear", tensors=False, nograd=False, shown=None,
         quick=None, **rules):
    """An op whose result shares its input's memory: the body returns an array (or a list of arrays) on the same buffer.

    tensors: the body gets Tensors instead of arrays (as_strided, which looks at the storage).
    """
    return _decorator(VIEW, schemas, make, dict(ns=ns, node=node, jvp=jvp, tensors=tensors, nograd=nograd, shown=shown, quick=quick), rules)


def composite(*schemas, make="", ns="torch", numbers=False, shown=None, quick=None):
    """An op made of other ops: the body gets and returns Tensors and is differentiated through."""
    return _decorator(COMPOSITE, schemas, make, dict(ns=ns, numbers=numbers, nograd=True, shown=shown, quick=quick), {})
