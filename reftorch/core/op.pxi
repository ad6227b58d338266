# Op: one object an operation, built from schema strings.  A call parses its arguments by the overloads in turn, runs the
# overload (a NumPy inner loop, an array function, a view or a composite of other ops) and records the backward node.

cdef enum:
    LOOP = 0
    PRIMITIVE = 1
    VIEW = 2
    COMPOSITE = 3

cdef enum:
    P_NONE = 0          # arrays as they are
    P_DEFAULT = 1       # the common dtype of all operands
    P_FLOAT = 2         # the same, integers become the default float

cdef enum:
    FUNCTION = 0
    METHOD = 1
    INPLACE = 2

cdef enum:
    VIEW_DEFAULT = 0
    VIEW_MULTI_OUTPUT = 1
    VIEW_NO_GRAD = 2
    VIEW_IN_FUNCTION = 3
    VIEW_INFERENCE = 4

cdef enum:
    SRC_GRAD = -1
    SRC_GRADS = -2
    SRC_MASK = -3

DEF MAX_SAVED = 16
cdef long MAX_SEQ = 0x7fffffffffffffff
_PROMOTE = {None: P_NONE, "default": P_DEFAULT, "float": P_FLOAT}
_META = ("shape", "dtype", "strides", "offset")      # a rule may ask for self_shape and leave self unsaved


@cython.final
cdef class Rule:
    """A derivative: `fn` called with the values that its parameter names ask for."""
    cdef object fn
    cdef tuple inputs                # parameter indices whose gradients it gives
    cdef list names                  # its parameters
    cdef bint many                   # gives a tuple, one gradient an input


@cython.final
cdef class Plan:
    """What to save, and how to call the rules, when a certain set of inputs needs gradients."""
    cdef list save                   # (kind, index): "p" parameter, "r" result, "shape" ... of a parameter
    cdef list rules                  # rules to run
    cdef list sources                # for each rule: where its arguments come from
    cdef list needed                 # for each slot: whether its gradient is wanted


@cython.final
cdef class Overload:
    """One schema of an op, compiled."""
    cdef Op op
    cdef readonly object schema
    cdef list args
    cdef int n_positional, varargs, n_out, kind, promote, n_slots
    cdef bint numbers, has_out, half, nograd, single
    cdef int leaf                    # index of a factory's `requires_grad`, or -1
    cdef object ufunc
    cdef str loop_name
    cdef bint resolved
    cdef loopfn loops[NCODES]
    cdef void *loop_data[NCODES]
    cdef int loop_out[NCODES]
    cdef list operands               # indices of the Tensor and Scalar arguments that the loop reads
    cdef object prepare, body, check
    cdef list body_args
    cdef list slots                  # parameter index of every differentiable input, in rule order
    cdef list rules
    cdef dict plans
    cdef readonly object jvp
    cdef object node_type, result_type
    cdef str node_name
    cdef list defaults               # vals of a call that gives the operands alone

    def __repr__(self):
        return f"<overload {self.schema.text}>"


@cython.final
cdef class Op:
    """An operation of the API: calling it is the function face; `.method` and `.inplace` are the others."""
    cdef vectorcallfunc vcall
    cdef readonly str name
    cdef readonly list overloads
    cdef readonly set make
    cdef readonly object ns
    cdef readonly str __doc__
    cdef readonly object method, inplace
    cdef Overload first
    cdef bint list_args
    cdef bint writes                 # named with a trailing underscore: the function, too, writes to its first argument
    cdef object __weakref__

    def __init__(self, name, make, ns, doc):
        self.vcall = <vectorcallfunc>op_vectorcall
        self.name, self.make, self.ns, self.__doc__ = name, make, ns, doc
        self.overloads = []
        self.writes = name.endswith("_") and not name.endswith("__")
        self.method = Method(self, False) if "method" in make and not self.writes else None
        self.inplace = Method(self, True) if "inplace" in make or (self.writes and "method" in make) else None

    @property
    def __name__(self):
        return self.name

    @property
    def __qualname__(self):
        return "_VariableFunctionsClass." + self.name

    @property
    def __module__(self):
        return None

    def __repr__(self):
        if self.ns != "torch":
            return f"<built-in function {self.name}>"
        return f"<built-in method {self.name} of type object at {hex(id(Op))}>"

    def __reduce__(self):
        return _find_op, (self.name,)

    def rule(self, /, **rules):
        """State derivatives: `input=lambda grad, ...`; names separated by `__and__` share one rule that gives a tuple."""
        for ov in self.overloads:
            add_rules(<Overload>ov, rules)
        return self

    @property
    def stated(self):
        """Whether every overload is a composite, has rules, or says that it has no gradient (held by a test)."""
        return all([(<Overload>ov).kind == COMPOSITE or (<Overload>ov).nograd or len((<Overload>ov).rules) > 0 for ov in self.overloads])

    @property
    def has_loop(self):
        return self.first.kind == LOOP

    def loop_codes(self):
        """dtypes for which the compiled inner loop is called directly."""
        resolve(self.first)
        return [DTYPE[c] for c in range(NCODES) if self.first.loops[c] != NULL]

    @property
    def ufunc(self):
        resolve(self.first)
        return self.first.ufunc


@cython.final
cdef class Method:
    """The face of an op that binds: `Tensor.mul`, `Tensor.mul_`."""
    cdef vectorcallfunc vcall
    cdef readonly Op op
    cdef readonly bint writes

    def __init__(self, Op op, writes):
        self.vcall = <vectorcallfunc>method_vectorcall
        self.op = op
        self.writes = writes

    @property
    def __name__(self):
        return self.op.name + "_" if self.writes and not self.op.writes else self.op.name

    @property
    def __qualname__(self):
        return "TensorBase." + self.__name__

    @property
    def __doc__(self):
        return self.op.__doc__

    def __get__(self, obj, cls):
        return self if obj is None else MethodType(self, obj)

    def __repr__(self):
        return f"<method '{self.__name__}' of 'torch._C.TensorBase' objects>"

    def __reduce__(self):
        return _find_method, (self.op.name, self.writes)


OPS = {}


def _find_op(name):
    return OPS[name]


def _find_method(name, writes):
    return OPS[name].inplace if writes else OPS[name].method


# ------------------------------------------------------------------ building
def define(name, schemas, kind, *, body=None, loop=None, promote=None, make=(), ns="torch", prepare=None, half=True, nograd=False,
           numbers=False, check=None, node=None, jvp=None, doc=None, rules=None):
    """Make or extend the op `name`; see ops/__init__.py for the notation."""
    cdef Op op
    cdef Overload ov
    if name in OPS:
        op = OPS[name]
    else:
        op = Op(name, set(make), ns, doc)
        OPS[name] = op
    for schema in schemas:
        ov = Overload.__new__(Overload)
        ov.op, ov.schema, ov.kind = op, schema, kind
        ov.args = [Arg(p, argerror.KEYWORD_ALIASES.get("input" if p.name == "self" else p.name, ())) for p in schema.params]
        ov.n_positional = sum([not p.kwonly for p in schema.params])
        ov.varargs = varargs_position(schema)
        ov.n_out = len(schema.returns)
        ov.single = ov.n_out == 1
        ov.has_out = "out" in make
        ov.leaf = max([-1] + [i for i, p in enumerate(schema.params) if p.name == "requires_grad" and p.kwonly])
        ov.numbers, ov.half, ov.nograd, ov.check, ov.jvp = numbers, half, nograd, check, jvp
        ov.promote = _PROMOTE[promote]
        ov.prepare, ov.body, ov.loop_name = prepare, body, loop
        ov.operands = [i for i, p in enumerate(schema.params) if p.type in ("Tensor", "Scalar") and not p.kwonly and p.size is None]
        ov.slots, ov.rules, ov.plans = [], [], {}
        ov.defaults = [(<Arg>a).default for a in ov.args] + [None]
        if body is not None:
            ov.body_args = body_arguments(body, schema)
        ov.result_type = result_type_of(op, schema)
        ov.node_name = (node or "".join([w[:1].upper() + w[1:] for w in name.split("_")]) + f"Backward{len(op.overloads)}")
        op.list_args = op.list_args or any([p.type == "Tensor" and p.size is not None for p in schema.params])
        op.overloads.append(ov)
        if rules:
            add_rules(ov, rules)
    op.first = op.overloads[0]
    return op


cdef int varargs_position(schema):
    """`x.view(2, 3)`: the position of an int list that is the only positional argument besides the receiver."""
    positional = [i for i, p in enumerate(schema.params) if not p.kwonly]
    own = [i for i in positional if schema.params[i].name != "self"]
    if len(own) == 1 and schema.params[own[0]].type == "int" and schema.params[own[0]].size is not None:
        return own[0]
    return -1


cdef list body_arguments(body, schema):
    names = [p.name for p in schema.params]
    found = []
    for i, p in enumerate(inspect.signature(body).parameters.values()):
        if p.kind is p.VAR_POSITIONAL or p.kind is p.VAR_KEYWORD:
            raise TypeError(f"{schema.text}: the body takes plain arguments")
        if p.name in names:
            found.append((names.index(p.name), None))
        elif p.default is not p.empty:
            found.append((-1, p.default))
        else:
            raise TypeError(f"{schema.text}: the body asks for {p.name!r}, which the schema does not have")
    return found


class Results(tuple):
    """Base of the named tuples that ops with several results give."""
    __slots__ = ()
    _fields = ()

    def __new__(cls, values):
        return tuple.__new__(cls, values)

    def __repr__(self):
        return f"torch.return_types.{type(self).__name__}(\n" + ",\n".join(f"{n}={v!r}" for n, v in zip(self._fields, self)) + ")"

    def __reduce__(self):
        return _find_results, (type(self).__name__, tuple(self))


RESULT_TYPES = {}


def _find_results(name, values):
    return RESULT_TYPES[name](values)


cdef object result_type_of(Op op, schema):
    fields = tuple([label for _, label in schema.returns])
    if len(fields) < 2 or None in fields:
        return None
    name = op.name
    made = RESULT_TYPES.get(name)
    if made is None:
        members = {f: property(operator.itemgetter(i)) for i, f in enumerate(fields)}
        made = type(name, (Results,), {"__slots__": (), "_fields": fields, "__module__": "reftorch.return_types",
                                       "n_fields": len(fields), "n_sequence_fields": len(fields), "n_unnamed_fields": 0, **members})
        RESULT_TYPES[name] = made
    return made


cdef add_rules(Overload ov, dict rules):
    cdef Rule r
    params = [p.name for p in ov.schema.params]
    for key, fn in rules.items():
        inputs = key.split("__and__")
        if not all([i in params for i in inputs]):
            if any([i in params for i in inputs]):
                raise TypeError(f"{ov.schema.text}: rule for unknown input in {key!r}")
            continue                         # a rule of a sibling overload
        r = Rule.__new__(Rule)
        r.fn, r.inputs, r.many = fn, tuple([params.index(i) for i in inputs]), len(inputs) > 1
        r.names = list(inspect.signature(fn).parameters)
        if r.inputs[0] in ov.slots:
            raise TypeError(f"{ov.schema.text}: two rules for {key!r}")
        ov.slots.extend(r.inputs)
        ov.rules.append(r)
    ov.n_slots = len(ov.slots)
    ov.plans.clear()


cdef Plan plan_for(Overload ov, long mask):
    cdef Plan plan = ov.plans.get(mask)
    cdef Rule r
    if plan is not None:
        return plan
    plan = Plan.__new__(Plan)
    plan.save, plan.rules, plan.sources = [], [], []
    plan.needed = [bool(mask >> i & 1) for i in range(ov.n_slots)]
    params = {p.name: i for i, p in enumerate(ov.schema.params)}
    labels = {label: i for i, (_, label) in enumerate(ov.schema.returns) if label}
    for rule in ov.rules:
        r = <Rule>rule
        if not any([plan.needed[ov.slots.index(i)] for i in r.inputs]):
            continue
        sources = []
        for name in r.names:
            if name == "grad":
                sources.append(SRC_GRAD)
                continue
            if name == "grads":
                sources.append(SRC_GRADS)
                continue
            if name == "mask":
                sources.append(SRC_MASK)
                continue
            stem, _, tail = name.rpartition("_")
            if name in params:
                key = ("p", params[name])
            elif name in labels:
                key = ("r", labels[name])
            elif name == "result":
                key = ("r", 0)
            elif name.startswith("result") and name[6:].isdigit():
                key = ("r", int(name[6:]))
            elif tail in _META and stem in params:
                key = (tail, params[stem])
            else:
                raise TypeError(f"{ov.schema.text}: a rule asks for {name!r}")
            if key not in plan.save:
                plan.save.append(key)
            sources.append(plan.save.index(key))
        plan.rules.append(r)
        plan.sources.append(sources)
    if len(plan.save) > MAX_SAVED:
        raise TypeError(f"{ov.schema.text}: saves more than {MAX_SAVED} values")
    ov.plans[mask] = plan
    return plan


cdef int resolve(Overload ov) except -1:
    """Find the ufunc behind `loop` and its inner loops; SciPy is imported here, on first use."""
    cdef ufunc u
    cdef int i, j, nin, num, code, out
    cdef bint same
    if ov.resolved:
        return 0
    module, _, name = ov.loop_name.partition(":")
    module = {"kernels": "reftorch.kernels.pointwise"}.get(module, module)
    ov.ufunc = getattr(importlib.import_module(module), name)
    u = <ufunc>ov.ufunc
    nin = u.nin
    if u.functions != NULL:
        for i in range(u.ntypes):
            num = u.types[i * (nin + u.nout)]
            if num >= 32 or CODE_OF_NPY[num] == NOCODE:
                continue
            same = True
            for j in range(nin):
                same = same and u.types[i * (nin + u.nout) + j] == num
            code = CODE_OF_NPY[num]
            num = u.types[i * (nin + u.nout) + nin]
            out = CODE_OF_NPY[num] if num < 32 else NOCODE
            # torch: long long and long are one type here; the first loop found is the native one
            if same and code not in (F16,) and out != NOCODE and u.functions[i] != NULL and ov.loops[code] == NULL:
                ov.loops[code] = <loopfn>u.functions[i]
                ov.loop_data[code] = u.data[i] if u.data != NULL else NULL
                ov.loop_out[code] = out
    ov.resolved = True
    return 0


# ------------------------------------------------------------------ promotion
cdef int common_code(list operands) except -2:
    """torch.result_type: dims before 0-dim tensors before Python numbers, each category counting only for its kind."""
    cdef int dim = NOCODE, zero = NOCODE, number = NOCODE, c
    cdef Tensor t
    for v in operands:
        if isinstance(v, Tensor):
            t = <Tensor>v
            if cnp.PyArray_NDIM(t._a):
                dim = promote_codes(dim, t.code)
            else:
                zero = promote_codes(zero, t.code)
        elif v is not None:
            c = B1 if isinstance(v, bool) else I64 if isinstance(v, int) else default_code if isinstance(v, float) else default_complex()
            number = promote_codes(number, c)
    return combine(dim, combine(zero, number))


cdef int combine(int higher, int lower) except -2:
    if higher == NOCODE:
        return lower
    if lower == NOCODE or KIND[higher] == KIND_COMPLEX:
        return higher
    if KIND[higher] == KIND_FLOAT:
        return complex_code(higher) if KIND[lower] == KIND_COMPLEX else higher
    if KIND[lower] > KIND[higher]:
        return promote_codes(higher, lower)
    return higher


def result_code(*operands):
    """The dtype that an op on these tensors and numbers computes in."""
    return DTYPE[common_code(list(operands))]


cdef int store_scalar(char *p, int code, object v) except -1:
    """Write a Python number as a value of that dtype."""
    cdef long long i
    if code == F32:
        (<float *>p)[0] = <float><double>v
    elif code == F64:
        (<double *>p)[0] = <double>v
    elif code == C64:
        (<float *>p)[0] = <float>(<double>complex(v).real)
        (<float *>p)[1] = <float>(<double>complex(v).imag)
    elif code == C128:
        (<double *>p)[0] = complex(v).real
        (<double *>p)[1] = complex(v).imag
    elif code == B1:
        (<char *>p)[0] = 1 if v else 0
    elif code == I64:
        (<long long *>p)[0] = v
    elif code == U64:
        (<unsigned long long *>p)[0] = v
    else:
        i = v
        info = INT_RANGE[code]
        if i < info[0] or i > info[1]:
            # torch: small negative numbers wrap around in unsigned types
            if not (code in (U8, U16, U32) and -info[1] <= i < 0):
                raise RuntimeError(f"value cannot be converted to type {info[2]} without overflow")
        if ITEMSIZE[code] == 1:
            (<signed char *>p)[0] = <signed char>i
        elif ITEMSIZE[code] == 2:
            (<short *>p)[0] = <short>i
        else:
            (<int *>p)[0] = <int>i
    return 0


cdef dict INT_RANGE = {U8: (0, 255, "uint8_t"), I8: (-128, 127, "int8_t"), I16: (-2**15, 2**15 - 1, "int16_t"), I32: (-2**31, 2**31 - 1, "int"),
                       U16: (0, 2**16 - 1, "uint16_t"), U32: (0, 2**32 - 1, "uint32_t")}


# ------------------------------------------------------------------ shapes
cdef int broadcast_into(cnp.ndarray a, int *nd, cnp.npy_intp *dims) except -1:
    """Widen (nd, dims) to hold `a` too; RuntimeError with torch's text when sizes do not match."""
    cdef int k = cnp.PyArray_NDIM(a), i, shift
    cdef cnp.npy_intp n
    if k > nd[0]:
        shift = k - nd[0]
        for i in range(nd[0] - 1, -1, -1):
            dims[i + shift] = dims[i]
        for i in range(shift):
            dims[i] = 1
        nd[0] = k
    shift = nd[0] - k
    for i in range(k - 1, -1, -1):
        n = cnp.PyArray_DIMS(a)[i]
        if dims[i + shift] == n or n == 1:
            continue
        if dims[i + shift] != 1:
            raise RuntimeError(f"The size of tensor a ({dims[i + shift]}) must match the size of tensor b ({n}) at non-singleton dimension {i + shift}")
        dims[i + shift] = n
    return 0


cdef cnp.ndarray empty_like_order(int nd, cnp.npy_intp *dims, int num, cnp.ndarray ref):
    """A new array; dims lie in memory in the order of `ref` when that has the same shape and is not row-major."""
    cdef cnp.npy_intp st[64]
    cdef int order[64]
    cdef int i, j
    cdef cnp.npy_intp step
    cdef cnp.ndarray r
    if ref is None or PyArray_IS_C_CONTIGUOUS(ref) or cnp.PyArray_NDIM(ref) != nd or not PyArray_CompareLists(dims, cnp.PyArray_DIMS(ref), nd):
        return PyArray_SimpleNew(nd, dims, num)
    for i in range(nd):
        j = i
        while j > 0 and cnp.PyArray_STRIDES(ref)[order[j - 1]] < cnp.PyArray_STRIDES(ref)[i] and dims[i] > 1:
            order[j] = order[j - 1]
            j -= 1
        order[j] = i
    step = cnp.PyArray_DescrFromType(num).itemsize
    for i in range(nd - 1, -1, -1):
        st[order[i]] = step
        step *= dims[order[i]] if dims[order[i]] else 1
    return PyArray_NewStrided(nd, dims, num, st)


def empty_permuted_like(cnp.ndarray ref not None, dtype d=None):
    """A new uninitialised array of `ref`'s shape whose dims lie in memory in `ref`'s order."""
    cdef int num = cnp.PyArray_TYPE(ref)
    if d is not None:
        np_dtype(d)
        num = NPY_TYPE[d.code]
    return empty_like_order(cnp.PyArray_NDIM(ref), cnp.PyArray_DIMS(ref), num, ref)


# ------------------------------------------------------------------ running
cdef cnp.ndarray as_code(Tensor t, int code):
    """The array of `t`, converted when its dtype is another."""
    if t.code == code:
        return t._a
    np_dtype(<dtype>DTYPE[code])
    with np.errstate(all="ignore"):
        if KIND[t.code] == KIND_COMPLEX and KIND[code] < KIND_COMPLEX:
            return t._a.real.astype(np_dtype(<dtype>DTYPE[code]))
        return t._a.astype(np_dtype(<dtype>DTYPE[code]))


cdef cnp.ndarray run_ufunc(Overload ov, list operands, int code):
    """The way round the inner loops: the ufunc itself, on arrays of one dtype."""
    d = np_dtype(<dtype>DTYPE[code])
    arrays = [as_code(<Tensor>v, code) if isinstance(v, Tensor) else np.asarray(v, d) for v in operands]
    with np.errstate(all="ignore"):
        try:
            return np.asarray(ov.ufunc(*arrays))
        except TypeError:
            raise NotImplementedError(f"\"{ov.op.name}_cpu\" not implemented for '{(<dtype>DTYPE[code]).type_name}'") from None


cdef Tensor run_loop(Overload ov, list vals, Tensor dest):
    """Pointwise: promote, broadcast, allocate, call the inner loop. `dest` is the receiver of an in-place call."""
    cdef list operands = [vals[i] for i in ov.operands]
    cdef int code, work, nop = len(operands), k, d, nd = 0, shift, out_code, result
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp st[64][8]
    cdef char *ptr[8]
    cdef double scalars[16]
    cdef cnp.ndarray a, out, ref = None
    cdef list arrays = []
    cdef bint plain = True
    resolve(ov)
    code = common_code(operands)
    if ov.promote == P_FLOAT and KIND[code] < KIND_FLOAT:
        code = default_code
    if ov.check is not None:
        ov.check(DTYPE[code], *operands)
    work = F32 if code == F16 or code == BF16 else code
    for k in range(nop):
        v = operands[k]
        if isinstance(v, Tensor):
            a = as_code(<Tensor>v, work)
            broadcast_into(a, &nd, dims)
            arrays.append(a)
        else:
            arrays.append(None)
    if ov.loops[work] == NULL:
        out = run_ufunc(ov, operands, work)
        out_code = code_of(out)
    else:
        out_code = ov.loop_out[work]
        out = None
        if dest is not None:
            if cnp.PyArray_NDIM(dest._a) != nd or not PyArray_CompareLists(dims, cnp.PyArray_DIMS(dest._a), nd):
                raise_inplace_shape(dest, nd, dims)
            if dest.code == out_code and not overlaps(dest._a, arrays):
                out = dest._a
        if out is None:
            for k in range(nop):
                if arrays[k] is not None and ref is None and cnp.PyArray_NDIM(<cnp.ndarray>arrays[k]) == nd:
                    ref = <cnp.ndarray>arrays[k]
            out = empty_like_order(nd, dims, NPY_TYPE[out_code], ref)
        for k in range(nop):
            if arrays[k] is None:
                ptr[k] = <char *>&scalars[2 * k]
                store_scalar(ptr[k], work, operands[k])
                for d in range(nd):
                    st[d][k] = 0
                continue
            a = <cnp.ndarray>arrays[k]
            ptr[k] = cnp.PyArray_BYTES(a)
            shift = nd - cnp.PyArray_NDIM(a)
            for d in range(nd):
                st[d][k] = 0 if d < shift or cnp.PyArray_DIMS(a)[d - shift] == 1 else cnp.PyArray_STRIDES(a)[d - shift]
        ptr[nop] = cnp.PyArray_BYTES(out)
        for d in range(nd):
            st[d][nop] = cnp.PyArray_STRIDES(out)[d]
        strided_run(ov.loops[work], ov.loop_data[work], nop + 1, ptr, nd, dims, st)
    result = out_code
    if work != code and out_code == F32:
        result = code
    if dest is not None:
        check_result_type(result, dest)
        if out is not dest._a:
            write_array(dest, out)
        return dest
    if result != out_code:
        out = out.astype(np_dtype(<dtype>DTYPE[result]))
    return wrap(out, result)


cdef bint overlaps(cnp.ndarray dest, list arrays):
    """Whether writing `dest` could disturb an operand that is not exactly `dest` itself."""
    cdef cnp.ndarray a
    for x in arrays:
        if x is None:
            continue
        a = <cnp.ndarray>x
        if cnp.PyArray_BYTES(a) == cnp.PyArray_BYTES(dest) and same_shape(a, dest) and strides_equal(a, dest):
            continue
        if np.may_share_memory(a, dest):
            return True
    return False


cdef bint strides_equal(cnp.ndarray a, cnp.ndarray b):
    cdef int i
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDES(a)[i] != cnp.PyArray_STRIDES(b)[i]:
            return False
    return True


cdef raise_inplace_shape(Tensor dest, int nd, cnp.npy_intp *dims):
    raise RuntimeError(f"output with shape {list(dest.shape)} doesn't match the broadcast shape {[dims[i] for i in range(nd)]}")


cdef check_result_type(int code, Tensor dest):
    if not can_cast_codes(code, dest.code):
        raise RuntimeError(f"result type {(<dtype>DTYPE[code]).type_name} can't be cast to the desired output type {(<dtype>DTYPE[dest.code]).type_name}")


cdef write_array(Tensor dest, cnp.ndarray a):
    """Copy into the memory of `dest`, converting."""
    if not same_shape(dest._a, a):
        raise RuntimeError(f"output with shape {list(dest.shape)} doesn't match the broadcast shape {list((<object>a).shape)}")
    with np.errstate(all="ignore"):
        np.copyto(dest._a, a, casting="unsafe")


cdef list raw_arguments(Overload ov, list vals, int *half):
    """Arguments of a primitive: arrays for tensors, promoted when the op says so; halves widen to float32."""
    cdef list values = list(vals)
    cdef int code = NOCODE, work, i, nd = 0
    cdef cnp.npy_intp dims[64]
    cdef Tensor t
    half[0] = NOCODE
    if ov.promote != P_NONE:
        code = common_code([vals[i] for i in ov.operands])
        if ov.promote == P_FLOAT and KIND[code] < KIND_FLOAT:
            code = default_code
        if ov.check is not None:
            ov.check(DTYPE[code], *[vals[i] for i in ov.operands])
        work = F32 if code == F16 or code == BF16 else code
        if work != code:
            half[0] = code
        for i in ov.operands:
            v = vals[i]
            if isinstance(v, Tensor):
                broadcast_into((<Tensor>v)._a, &nd, dims)
                values[i] = as_code(<Tensor>v, work)
            elif v is not None:
                values[i] = np.asarray(v, np_dtype(<dtype>DTYPE[work]))
    for i in range(len(values) - 1):
        v = values[i]
        if isinstance(v, Tensor):
            t = <Tensor>v
            if ov.half and (t.code == F16 or t.code == BF16):
                half[0] = t.code
                values[i] = as_code(t, F32)
            else:
                values[i] = t._a
        elif type(v) is list:
            values[i] = [raw_element(ov, x, half) for x in v]
    return values


cdef object raw_element(Overload ov, object x, int *half):
    cdef Tensor t
    if not isinstance(x, Tensor):
        return x
    t = <Tensor>x
    if ov.half and (t.code == F16 or t.code == BF16):
        half[0] = t.code
        return as_code(t, F32)
    return t._a


cdef list body_values(Overload ov, list values):
    return [default if i < 0 else values[i] for i, default in ov.body_args]


cdef Tensor fresh(object r, int half, list values):
    """A result of a primitive as a tensor of its own: never an alias of an argument."""
    cdef cnp.ndarray a
    cdef int code
    if type(r) is not np.ndarray:
        r = np.asarray(r)
    a = <cnp.ndarray>r
    code = code_of(a)
    if half != NOCODE and code == F32:
        return wrap(a.astype(np_dtype(<dtype>DTYPE[half])), half)
    for v in values:
        if v is r:
            return wrap(a.copy(order="K"), code)
    if cnp.PyArray_BASE(a) != NULL:
        root = a
        while isinstance(root, np.ndarray) and root.base is not None:
            root = root.base
        for v in values:
            for x in (v if type(v) is list else (v,)):
                if isinstance(x, np.ndarray):
                    mine = x
                    while isinstance(mine, np.ndarray) and mine.base is not None:
                        mine = mine.base
                    if mine is root:
                        return wrap(a.copy(order="K"), code)
    if code == I64 and cnp.PyArray_TYPE(a) != cnp.NPY_INT64 or not cnp.PyArray_ISNOTSWAPPED(a):
        a = a.astype(np_dtype(<dtype>DTYPE[code]))
    return wrap(a, code)


cdef object run_primitive(Overload ov, list vals):
    cdef int half
    cdef list values = raw_arguments(ov, vals, &half)
    with np.errstate(all="ignore"):
        r = ov.body(*body_values(ov, values))
    if ov.single and type(r) is not list:
        return fresh(r, half, values)
    return [None if x is None else fresh(x, half, values) for x in r]


cdef write_primitive(Overload ov, list vals, Tensor dest):
    """The in-place call: the body either writes to the receiver's own array and returns it, or gives the new values."""
    cdef int half
    cdef list values = raw_arguments(ov, vals, &half)
    cdef Tensor t
    with np.errstate(all="ignore"):
        r = ov.body(*body_values(ov, values))
    if r is dest._a:
        return
    t = fresh(r, half, values)
    check_result_type(t.code, dest)
    write_array(dest, t._a)


cdef Tensor make_view(Tensor t, object r, int creation):
    cdef cnp.ndarray a = <cnp.ndarray>r
    cdef Tensor v = Tensor.__new__(Tensor)
    v._a = a
    v.code = t.code if cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(t._a) else code_of(a)
    v._st = storage_of(t)
    v.inference = t.inference
    if not (t.inference or tls_inference):
        v._base_ = t if t._base_ is None else t._base_
        v.fn_version = v._st.version
        v.creation = creation if creation != VIEW_DEFAULT else VIEW_NO_GRAD if tls_no_grad else t.creation
    return v


cdef object run_view(Overload ov, list vals):
    cdef Tensor t = <Tensor>vals[0]
    cdef list values = [(<Tensor>v)._a if isinstance(v, Tensor) else v for v in vals]
    r = ov.body(*body_values(ov, values))
    if type(r) is list or type(r) is tuple:
        return [make_view(t, x, VIEW_NO_GRAD if tls_no_grad else VIEW_MULTI_OUTPUT) for x in r]
    return make_view(t, r, VIEW_DEFAULT)


# ------------------------------------------------------------------ recording
cdef class OpNode(Node):
    """The backward step of an op: calls its rules with what was saved."""
    cdef Overload ov
    cdef Plan plan
    cdef list saved
    cdef list counts                 # lengths of the tensor lists among the inputs
    cdef long vers[MAX_SAVED]
    cdef bint freed

    cdef object unpack(self, int i):
        cdef Tensor t, r
        cdef int n
        if self.saved is None:
            raise RuntimeError(FREED)
        v = self.saved[i]
        if type(v) is Packed:
            return (<Packed>v).unpack(self)
        if isinstance(v, Tensor):
            t = <Tensor>v
            kind, n = self.plan.save[i]
            if self.vers[i] != version_of(t):
                raise_modified(self, t, self.vers[i], kind, n)
            if kind == "r":
                r = share(t)
                if KIND[r.code] >= KIND_FLOAT:
                    r._fn = self
                    r.out_nr = n
                return r
        return v

    cdef list apply(self, list grads):
        cdef Rule r
        cdef int k, s, edge, src
        cdef list out = [None] * len(self.edges), sources, args
        cdef Overload ov = self.ov
        if self.freed:
            raise RuntimeError(FREED)
        cdef list first = []
        edge = 0
        for s in range(ov.n_slots):
            first.append(edge)
            edge += 1 if self.counts is None or self.counts[s] < 0 else self.counts[s]
        for k in range(len(self.plan.rules)):
            r = <Rule>self.plan.rules[k]
            sources = <list>self.plan.sources[k]
            args = []
            for src in sources:
                if src == SRC_GRAD:
                    if grads[0] is None:
                        grads[0] = zeros_of(self, 0)
                    args.append(grads[0])
                elif src == SRC_GRADS:
                    args.append(tuple(grads))
                elif src == SRC_MASK:
                    args.append(tuple([self.plan.needed[ov.slots.index(i)] for i in r.inputs]))
                else:
                    args.append(self.unpack(src))
            got = r.fn(*args)
            if not r.many:
                got = (got,)
            for n, i in enumerate(r.inputs):
                s = ov.slots.index(i)
                g = got[n]
                if g is None:
                    continue
                if self.counts is None or self.counts[s] < 0:
                    out[<int>first[s]] = g
                else:
                    for j in range(self.counts[s]):
                        out[<int>first[s] + j] = g[j]
        return out

    cdef int release(self) except -1:
        cdef list saved = self.saved
        if saved is not None:
            for v in saved:
                if isinstance(v, Tensor) or type(v) is Packed or type(v) is list:
                    self.freed = True
                    self.saved = None
                    break
        return 0

    def __getattr__(self, name):
        cdef int i
        if name.startswith("_saved_") or name.startswith("_raw_saved_"):
            wanted = name[name.index("saved_") + 6:]
            params = [p.name for p in self.ov.schema.params]
            for i, (kind, n) in enumerate(self.plan.save):
                label = params[n] if kind != "r" else self.ov.schema.returns[n][1] or "result"
                if kind in ("p", "r") and label == wanted:
                    return self.unpack(i)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


FREED = ("Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved "
         "intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to "
         "backward through the graph a second time or if you need to access saved tensors after calling backward.")


@cython.final
cdef class Packed:
    """A saved tensor in the hands of saved_tensors_hooks."""
    cdef object packed, unpack_hook
    cdef bint output
    cdef int nr

    cdef object unpack(self, Node node):
        cdef Tensor r
        t = self.unpack_hook(self.packed)
        if not isinstance(t, Tensor):
            raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(t).__name__}")
        if self.output:
            r = share(<Tensor>t)
            r._fn = node
            r.out_nr = self.nr
            return r
        return t


cdef list saved_hooks = []               # (pack, unpack) pairs, innermost last


def push_saved_hooks(pack, unpack):
    """Route tensors saved for backward through `pack` now and `unpack` at backward."""
    saved_hooks.append((pack, unpack))


def pop_saved_hooks():
    """Undo the last push_saved_hooks."""
    saved_hooks.pop()


cdef raise_modified(Node node, Tensor t, long version, str kind, int n):
    what = f"which is output {n} of {node.name()}, " if kind == "r" else (
        f"which is output {t.out_nr} of {t._fn.name()}, " if t._fn is not None else "")
    hint = ("Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in "
            "there or anywhere later. Good luck!" if anomaly else
            "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch.autograd.set_detect_anomaly(True).")
    raise RuntimeError("one of the variables needed for gradient computation has been modified by an inplace operation: "
                       f"[torch.{legacy_type_name(t)} {list(t.shape)}], {what}is at version {version_of(t)}; expected version {version} instead. {hint}")


cdef str legacy_type_name(Tensor t):
    return (<dtype>DTYPE[t.code]).type_name + "Tensor"


cdef object node_type_of(Overload ov):
    if ov.node_type is None:
        ov.node_type = type(ov.node_name, (OpNode,), {"__slots__": (), "__module__": "reftorch.autograd"})
    return ov.node_type


cdef OpNode make_node(Overload ov, list vals, list outs, long mask, bint inplace):
    """The node of one call; `outs` are its results (the receiver itself when in place)."""
    global sequence
    cdef object kind_of_node = node_type_of(ov)
    cdef OpNode node = <OpNode>type_alloc(<PyTypeObject *>kind_of_node, _empty)
    cdef Plan plan = plan_for(ov, mask)
    cdef int i, j
    cdef Tensor t
    cdef list edges = [], counts = None, nrs = None
    cdef object v, e
    node.ov, node.plan = ov, plan
    node.seq = sequence
    sequence += 1
    for i in range(ov.n_slots):
        v = vals[<int>ov.slots[i]]
        if isinstance(v, Tensor):
            t = <Tensor>v
            e = edge_of(t)
            edges.append(e)
            if e is not None and t.out_nr:
                if nrs is None:
                    nrs = []
                while len(nrs) < len(edges) - 1:
                    nrs.append(0)
                nrs.append(t.out_nr)
        elif type(v) is list:
            if counts is None:
                counts = [-1] * ov.n_slots
            counts[i] = len(v)
            for x in v:
                e = edge_of(<Tensor>x) if isinstance(x, Tensor) else None
                edges.append(e)
                if e is not None and (<Tensor>x).out_nr:
                    if nrs is None:
                        nrs = []
                    while len(nrs) < len(edges) - 1:
                        nrs.append(0)
                    nrs.append((<Tensor>x).out_nr)
        else:
            edges.append(None)
    if nrs is not None:
        while len(nrs) < len(edges):
            nrs.append(0)
    node.edges, node.edge_nrs, node.counts = edges, nrs, counts
    node.saved = [None] * len(plan.save)
    for i in range(len(plan.save)):
        kind, n = plan.save[i]
        if kind == "r":
            continue                         # filled by finish_node, when the results are there
        v = vals[<int>n]
        if kind == "p":
            if isinstance(v, Tensor):
                t = <Tensor>v
                if t.inference and not tls_inference:
                    raise RuntimeError("Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in "
                                       "computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use "
                                       "it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`.")
                if inplace and <int>n == 0:
                    t = wrap(t._a.copy(order="K"), t.code)       # the value before the write
                node.vers[i] = version_of(t)
                v = pack(t, False, 0) if saved_hooks else t
            node.saved[i] = v
        elif isinstance(v, Tensor):
            node.saved[i] = meta_of(<Tensor>v, kind)
        elif type(v) is list:
            node.saved[i] = [meta_of(<Tensor>x, kind) for x in v]
        else:
            node.saved[i] = () if kind == "shape" else None
    if anomaly:
        note_origin(node)
    return node


cdef object meta_of(Tensor t, str kind):
    if kind == "shape":
        return t.shape
    if kind == "dtype":
        return t.dtype
    return t.stride() if kind == "strides" else t.storage_offset()


cdef object pack(Tensor t, bint output, int nr):
    cdef Packed p = Packed.__new__(Packed)
    hook, p.unpack_hook = saved_hooks[len(saved_hooks) - 1]
    p.output, p.nr = output, nr
    p.packed = hook(share(t) if output else t)
    return p


cdef finish_node(OpNode node, list outs):
    """Give the results their history and save those that rules ask for."""
    cdef int i, k
    cdef Tensor t, alias
    cdef Plan plan = node.plan
    node.n_grads = len(outs)
    if len(outs) == 1:
        set_meta(node, <Tensor>outs[0])
    else:
        node.metas = [None if o is None else ((<Tensor>o).shape, (<Tensor>o).code) for o in outs]
    for k in range(len(outs)):
        if outs[k] is None:
            continue
        t = <Tensor>outs[k]
        if KIND[t.code] >= KIND_FLOAT:
            t._fn = node
            t.out_nr = k
            t.fn_version = version_of(t)
    for i in range(len(plan.save)):
        kind, n = plan.save[i]
        if kind == "r":
            if outs[<int>n] is None:
                continue
            t = <Tensor>outs[<int>n]
            if saved_hooks:
                node.saved[i] = pack(t, True, n)
            else:
                alias = share(t)
                node.vers[i] = version_of(alias)
                node.saved[i] = alias


cdef long gradient_mask(Overload ov, list vals) except -1:
    """Which differentiable inputs need a gradient; RuntimeError when one does that has no rule."""
    cdef long mask = 0
    cdef int i
    if tls_no_grad or tls_inference:
        return 0
    for i in range(ov.n_slots):
        v = vals[<int>ov.slots[i]]
        if isinstance(v, Tensor):
            if requires_grad(<Tensor>v):
                mask |= 1 << i
        elif type(v) is list:
            for x in v:
                if isinstance(x, Tensor) and requires_grad(<Tensor>x):
                    mask |= 1 << i
                    break
    if not ov.nograd:
        for i in range(len(ov.args)):
            v = vals[i]
            if isinstance(v, Tensor) and i not in ov.slots and requires_grad(<Tensor>v):
                raise RuntimeError(f"the derivative for '{(<Arg>ov.args[i]).name}' is not implemented.")
    return mask


cdef check_inplace(Tensor t, bint tracked):
    """torch's rules for writing to a tensor that autograd watches."""
    cdef int i
    if t.inference and not tls_inference:
        raise RuntimeError("Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor "
                           "before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.")
    for i in range(cnp.PyArray_NDIM(t._a)):
        if cnp.PyArray_STRIDES(t._a)[i] == 0 and cnp.PyArray_DIMS(t._a)[i] > 1:
            raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please "
                               "clone() the tensor before performing the operation.")
    if not tracked or tls_no_grad:
        return
    if t._base_ is not None:
        grad_fn_of(t)
        if t.creation != VIEW_DEFAULT:
            raise_view_write(t)
        if requires_grad(t) and t._base_.rg and t._base_._fn is None:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if t.rg and t._fn is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


cdef raise_view_write(Tensor t):
    fn = grad_fn_of(t)
    head = f"Output {t.out_nr} of {fn.name() if fn is not None else 'None'} is a view and is being modified inplace. "
    if t.creation == VIEW_MULTI_OUTPUT:
        raise RuntimeError(head + "This view is the output of a function that returns multiple views. Such functions do not allow the output views to "
                           "be modified inplace. You should replace the inplace operation by an out-of-place one.")
    if t.creation == VIEW_IN_FUNCTION:
        raise RuntimeError(head + "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to "
                           "handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect "
                           "gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function.")
    if t.creation == VIEW_NO_GRAD:
        raise RuntimeError("A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case is "
                           "ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either "
                           "both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to "
                           "be tracked).")


cdef class CopySlices(Node):
    """History of a base that was written to through a view: the slice's gradient goes through `fn`, the rest passes."""
    cdef Node fn
    cdef tuple geometry              # shape, strides, offset of the view, relative to the base's first element

    cdef list apply(self, list grads):
        cdef list out, inner
        grad = grads[0]
        if grad is None:
            return [None] * len(self.edges)
        result = T.clone(grad, memory_format=MEMORY_FORMATS["contiguous_format"]) if not tls_no_grad else T.clone(grad)
        shape, strides, offset = self.geometry
        base_shape, base_strides = self.extra["base"]
        if tuple(result.stride()) != base_strides:
            result = T.new_empty_strided(grad, base_shape, base_strides).copy_(grad)
        piece = result.as_strided(shape, strides, offset + result.storage_offset())
        inner = self.fn.apply([piece.clone()])
        out = list(inner)
        if out:
            if out[0] is None:
                piece.zero_()
            else:
                piece.copy_(sum_to_shape(out[0], shape))
            out[0] = result
        return out

    cdef int release(self) except -1:
        return self.fn.release()


cdef Node view_node(Tensor t):
    """The node of a view as seen from its base now: AsStridedBackward0."""
    cdef Tensor base = t._base_
    cdef OpNode node
    cdef Overload ov = (<Op>OPS["as_strided"]).first
    cdef list vals = [base, t.shape, t.stride(), t.storage_offset(), None]
    node = make_node(ov, vals, [t], 1, False)
    node.n_grads = 1
    set_meta(node, t)
    return node


cdef rebase(Tensor t, OpNode node):
    """`t` was written to by the op of `node`: its history, and that of the base it views, now leads there."""
    global sequence
    cdef Tensor base = t._base_
    cdef CopySlices cs
    if base is None:
        finish_node(node, [t])
        return
    node.n_grads = 1
    set_meta(node, t)
    cs = CopySlices.__new__(CopySlices)
    cs.seq = sequence
    sequence += 1
    e = edge_of(base)
    cs.edges = [e] + node.edges[1:]
    if node.edge_nrs is not None or base.out_nr:
        cs.edge_nrs = [base.out_nr] + (node.edge_nrs[1:] if node.edge_nrs is not None else [0] * (len(node.edges) - 1))
    cs.fn = node
    cs.n_grads = 1
    cs.geometry = (t.shape, t.stride(), t.storage_offset() - base.storage_offset())
    cs.extra = {"base": (base.shape, tuple(base.stride()))}
    set_meta(cs, base)
    base._fn = cs
    base.out_nr = 0
    base.rg = False
    base.fn_version = version_of(base)
    # rules that want the result see the view's new value
    for i, (kind, n) in enumerate(node.plan.save):
        if kind == "r":
            node.vers[i] = version_of(t)
            node.saved[i] = share(t)
    t.fn_version = -1                        # made anew on the next read
    t.rg = False


# ------------------------------------------------------------------ calling
cdef object run_overload(Overload ov, list vals, int mode):
    """Run one overload on parsed values and record its history."""
    cdef Tensor t, r
    cdef OpNode node
    cdef long mask = 0
    cdef list outs
    cdef object out = vals[len(ov.args)], result
    if ov.kind == COMPOSITE:
        result = ov.body(*body_values(ov, vals))
        if mode == INPLACE:
            return result if result is vals[0] else T.copy_(vals[0], result)
        if out is not None:
            return write_out(ov, result, out, vals)
        if ov.result_type is not None and type(result) is tuple:
            return ov.result_type(result)
        return result
    if ov.prepare is not None:
        vals = ov.prepare(vals)
    if (not tls_no_grad) and (ov.n_slots or not ov.nograd):
        mask = gradient_mask(ov, vals)
    if mode == INPLACE:
        t = <Tensor>vals[0]
        check_inplace(t, mask != 0 or requires_grad(t))
        node = make_node(ov, vals, [t], mask, True) if mask else None
        if ov.kind == LOOP:
            run_loop(ov, vals, t)
        else:
            write_primitive(ov, vals, t)
        bump(t)
        if node is not None:
            rebase(t, node)
        return t
    if ov.kind == LOOP:
        r = run_loop(ov, vals, None)
        outs = [r]
    elif ov.kind == PRIMITIVE:
        result = run_primitive(ov, vals)
        outs = result if type(result) is list else [result]
    else:
        result = run_view(ov, vals)
        outs = result if type(result) is list else [result]
    if mask and out is None:
        finish_node(make_node(ov, vals, outs, mask, False), outs)
    if forward_hook is not None:
        forward_hook(ov, vals, outs)
    result = outs[0] if ov.single and not (ov.kind == VIEW and type(result) is list) else (
        ov.result_type(outs) if ov.result_type is not None else tuple(outs))
    if ov.kind != LOOP and ov.single and (<str>(ov.schema.returns[0][0])).endswith("[]"):
        result = tuple(outs)
    if out is not None:
        return write_out(ov, result, out, vals)
    return result


cdef object write_out(Overload ov, object result, object out, list vals):
    """`out=`: resize (with torch's warning when it held something), check the dtype, copy."""
    cdef Tensor dest, r
    if not tls_no_grad:
        for v in vals[:len(ov.args)] + (list(out) if isinstance(out, (tuple, list)) else [out]):
            for x in (v if type(v) is list else (v,)):
                if isinstance(x, Tensor) and requires_grad(<Tensor>x):
                    raise RuntimeError(f"{ov.op.name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
                                       "arguments requires grad.")
    if isinstance(out, Tensor):
        dest, r = <Tensor>out, <Tensor>result
        check_result_type(r.code, dest)
        if not same_shape(dest._a, r._a):
            if cnp.PyArray_SIZE(dest._a):
                import warnings
                warnings.warn(f"An output with one or more elements was resized since it had shape {list(dest.shape)}, which does not match the required "
                              f"output shape {list(r.shape)}. This behavior is deprecated, and in a future PyTorch release outputs will not be "
                              "resized unless they have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero "
                              "elements with t.resize_(0).", UserWarning, stacklevel=2)
            T.resize_(dest, r.shape)
        write_array(dest, r._a)
        bump(dest)
        return dest
    for d, x in zip(out, result):
        write_out(ov, x, d, [None] * len(vals))
    return ov.result_type(tuple(out)) if ov.result_type is not None else tuple(out)


cdef object forward_hook = None          # forward-mode differentiation, when a dual level is open
cdef int function_modes = 0              # depth of TorchFunctionMode
cdef object torch_function_handler = None


cdef bint any_override(list args, dict kwargs, bint lists) except -1:
    if function_modes and tls_no_dispatch < 2:
        return True
    for v in args:
        if type(v) is Tensor or type(v) in _never_overriding:
            if lists and (type(v) is tuple or type(v) is list):
                for x in v:
                    if type(x) is not Tensor and is_overriding(x):
                        return True
            continue
        if is_overriding(v):
            return True
    if kwargs is not None:
        for v in kwargs.values():
            if type(v) is not Tensor and is_overriding(v):
                return True
    return False


cdef object call_op(Op op, list args, dict kwargs, int mode, bint operator=False):
    """The general call: overrides, then the first overload that fits; an operator gives NotImplemented when none does."""
    cdef Overload ov
    cdef list vals
    if (tls_no_dispatch < 2) and any_override(args, kwargs, op.list_args):
        return torch_function_handler(op if mode == FUNCTION else op.method if mode == METHOD else op.inplace, tuple(args), kwargs or {})
    for o in op.overloads:
        ov = <Overload>o
        vals = [None] * (len(ov.args) + 1)
        if parse(ov, args, kwargs, mode != FUNCTION, vals):
            result = run_overload(ov, vals, INPLACE if op.writes else mode)
            if ov.leaf >= 0 and vals[ov.leaf]:
                result.requires_grad_(True)
            return result
    if operator:
        return NotImplemented
    raise argerror.argument_error(op.name + "_" if mode == INPLACE and not op.writes else op.name, [(o.schema, (<Overload>o).has_out) for o in op.overloads],
                                  tuple(args) if mode == FUNCTION else tuple(args[1:]), kwargs or {}, mode != FUNCTION)


cdef inline Tensor fast_binary(Op op, object a, object b):
    """Two tensors of one type, shape and layout, or a tensor and a Python number: straight to the loop."""
    cdef Overload ov = op.first
    cdef Tensor x, y, r
    cdef char *ptr[3]
    cdef cnp.npy_intp st[3]
    cdef cnp.npy_intp n
    cdef double scalar[2]
    cdef int code
    cdef OpNode node
    cdef list vals
    cdef bint tracked
    if type(a) is not Tensor or ov.kind != LOOP or forward_hook is not None or function_modes or tls_inference:
        return None
    x = <Tensor>a
    code = x.code
    if ov.loops[code] == NULL or (ov.promote == P_FLOAT and KIND[code] < KIND_FLOAT) or not PyArray_IS_C_CONTIGUOUS(x._a) or ov.check is not None:
        return None
    ptr[0] = cnp.PyArray_BYTES(x._a)
    st[0] = ITEMSIZE[code]
    if type(b) is Tensor:
        y = <Tensor>b
        if y.code != code or not same_shape(x._a, y._a) or not PyArray_IS_C_CONTIGUOUS(y._a):
            return None
        ptr[1] = cnp.PyArray_BYTES(y._a)
        st[1] = st[0]
    elif (type(b) is float and KIND[code] == KIND_FLOAT) or (type(b) is int and (code == F32 or code == F64)):
        store_scalar(<char *>scalar, code, b)
        y = None
        ptr[1] = <char *>scalar
        st[1] = 0
    else:
        return None
    n = cnp.PyArray_SIZE(x._a)
    if n > 16384:
        return None                          # threads: the general way
    r = Tensor.__new__(Tensor)
    r.code = ov.loop_out[code]
    r._a = PyArray_SimpleNew(cnp.PyArray_NDIM(x._a), cnp.PyArray_DIMS(x._a), NPY_TYPE[r.code])
    ptr[2] = cnp.PyArray_BYTES(r._a)
    st[2] = ITEMSIZE[r.code]
    ov.loops[code](ptr, &n, st, ov.loop_data[code])
    if not tls_no_grad:
        tracked = requires_grad(x)
        if tracked or (y is not None and requires_grad(y)):
            vals = list(ov.defaults)
            vals[0] = x
            vals[1] = b
            if ov.n_slots:
                node = make_node(ov, vals, None, gradient_mask(ov, vals), False)
                finish_node(node, [r])
    return r


cdef inline Tensor fast_unary(Op op, object a):
    cdef Overload ov = op.first
    cdef Tensor x, r
    cdef char *ptr[2]
    cdef cnp.npy_intp st[2]
    cdef cnp.npy_intp n
    cdef int code
    cdef list vals
    if type(a) is not Tensor or ov.kind != LOOP or forward_hook is not None or function_modes or tls_inference:
        return None
    x = <Tensor>a
    code = x.code
    if ov.loops[code] == NULL or (ov.promote == P_FLOAT and KIND[code] < KIND_FLOAT) or not PyArray_IS_C_CONTIGUOUS(x._a) or ov.check is not None:
        return None
    n = cnp.PyArray_SIZE(x._a)
    if n > 16384:
        return None
    r = Tensor.__new__(Tensor)
    r.code = ov.loop_out[code]
    r._a = PyArray_SimpleNew(cnp.PyArray_NDIM(x._a), cnp.PyArray_DIMS(x._a), NPY_TYPE[r.code])
    ptr[0] = cnp.PyArray_BYTES(x._a)
    ptr[1] = cnp.PyArray_BYTES(r._a)
    st[0] = ITEMSIZE[code]
    st[1] = ITEMSIZE[r.code]
    ov.loops[code](ptr, &n, st, ov.loop_data[code])
    if not tls_no_grad and requires_grad(x):
        vals = list(ov.defaults)
        vals[0] = x
        if ov.n_slots:
            finish_node(make_node(ov, vals, None, gradient_mask(ov, vals), False), [r])
    return r


cdef object call_vector(Op op, PyObject *const *args, Py_ssize_t n, PyObject *names, int mode):
    cdef Tensor r
    cdef list values
    cdef dict kwargs = None
    cdef Py_ssize_t i
    if names == NULL and mode != INPLACE and op.first.kind == LOOP:
        if n == 2 and len(op.first.operands) == 2:
            r = fast_binary(op, <object>args[0], <object>args[1])
            if r is not None:
                return r
        elif n == 1 and len(op.first.operands) == 1:
            r = fast_unary(op, <object>args[0])
            if r is not None:
                return r
    values = [<object>args[i] for i in range(n)]
    if names != NULL:
        kwargs = {}
        for i in range(len(<tuple>names)):
            kwargs[(<tuple>names)[i]] = <object>args[n + i]
    return call_op(op, values, kwargs, mode)


cdef PyObject *op_vectorcall(PyObject *self, PyObject *const *args, size_t nf, PyObject *names) except NULL:
    r = call_vector(<Op>self, args, PyVectorcall_NARGS(nf), names, FUNCTION)
    Py_INCREF(r)
    return <PyObject *>r


cdef PyObject *method_vectorcall(PyObject *self, PyObject *const *args, size_t nf, PyObject *names) except NULL:
    cdef Method m = <Method>self
    cdef Py_ssize_t n = PyVectorcall_NARGS(nf)
    if n == 0 or not isinstance(<object>args[0], Tensor):
        got = f"but received a '{type(<object>args[0]).__name__}'" if n else ""
        raise TypeError(f"descriptor '{m.__name__}' for 'torch._C.TensorBase' objects doesn't apply to a '{type(<object>args[0]).__name__}' object"
                        if n else f"unbound method TensorBase.{m.__name__}() needs an argument")
    r = call_vector(m.op, args, n, names, INPLACE if m.writes else METHOD)
    Py_INCREF(r)
    return <PyObject *>r


# ------------------------------------------------------------------ operators
cdef enum:
    SLOT_ADD = 0
    SLOT_SUB = 1
    SLOT_MUL = 2
    SLOT_DIV = 3
    SLOT_FLOORDIV = 4
    SLOT_MOD = 5
    SLOT_POW = 6
    SLOT_MATMUL = 7
    SLOT_AND = 8
    SLOT_OR = 9
    SLOT_XOR = 10
    SLOT_LSHIFT = 11
    SLOT_RSHIFT = 12
    SLOT_NEG = 13
    SLOT_POS = 14
    SLOT_ABS = 15
    SLOT_INVERT = 16
    SLOT_LT = 17                     # then le, eq, ne, gt, ge: Python's own numbering

SLOTS = ("add", "sub", "mul", "div", "floor_divide", "remainder", "pow", "matmul", "bitwise_and", "bitwise_or", "bitwise_xor",
         "bitwise_left_shift", "bitwise_right_shift", "neg", "positive", "abs", "bitwise_not", "lt", "le", "eq", "ne", "gt", "ge")
SYMBOLS = (("+", "__radd__"), ("-", "__rsub__"), ("*", "__rmul__"), ("/", "__rtruediv__"), ("//", "__rfloordiv__"), ("%", "__rmod__"),
           ("** or pow()", "__rpow__"), ("@", "__rmatmul__"), ("&", "__rand__"), ("|", "__ror__"), ("^", "__rxor__"), ("<<", "__rlshift__"),
           (">>", "__rrshift__"), None, None, None, None, ("<", "__gt__"), ("<=", "__ge__"), ("==", ""), ("!=", ""), (">", "__lt__"),
           (">=", "__le__"))
cdef list slot_ops = [None] * 23
cdef dict slot_methods = {}


cdef object operate(int slot, object a, object b):
    """A binary operator; arguments that do not fit give NotImplemented, so that Python tries the other side."""
    cdef Op op = <Op>slot_ops[slot]
    cdef Tensor r
    if op is None:
        return NotImplemented
    r = fast_binary(op, a, b)
    if r is not None:
        return r
    if not isinstance(a, Tensor):
        return operate_reversed(slot, op, a, b)
    got = call_op(op, [a, b], None, FUNCTION, True)
    if got is NotImplemented:
        return refuse(slot, a, b)
    return got


cdef object refuse(int slot, object a, object b):
    """NotImplemented when the other operand may know what to do; else Python's own error, with the short name of Tensor."""
    symbol, reflected = SYMBOLS[slot]
    if slot == SLOT_LT + 2 or slot == SLOT_LT + 3 or hasattr(type(b), reflected):
        return NotImplemented
    if slot >= SLOT_LT:
        raise TypeError(f"'{symbol}' not supported between instances of '{type(a).__name__}' and '{type(b).__name__}'")
    raise TypeError(f"unsupported operand type(s) for {symbol}: '{type(a).__name__}' and '{type(b).__name__}'")


cdef object operate_reversed(int slot, Op op, object a, object b):
    """`2 - x` and its like, by the ops that PyTorch takes for them."""
    if slot == SLOT_ADD or slot == SLOT_MUL:
        return call_op(op, [b, a], None, FUNCTION, True)
    if slot == SLOT_SUB:
        return call_op(<Op>OPS["rsub"], [b, a], None, FUNCTION, True)
    if slot == SLOT_DIV:
        return call_op(<Op>slot_ops[SLOT_MUL], [T.reciprocal(b), a], None, FUNCTION, True)
    return call_op(op, [a, b], None, FUNCTION, True)


cdef object operate1(int slot, object a):
    cdef Op op = <Op>slot_ops[slot]
    cdef Tensor r = fast_unary(op, a)
    return r if r is not None else call_op(op, [a], None, FUNCTION)


cdef object operate_inplace(int slot, object a, object b):
    cdef Op op = <Op>slot_ops[slot]
    if op.inplace is None:
        return NotImplemented
    return call_op(op, [a, b], None, INPLACE, True)


def install_operators():
    """Bind Python's operators to the ops of the same meaning; fill the faces of Tensor."""
    cdef Op op
    cdef Overload ov
    argerror.set_tensor_type(Tensor)
    for i, name in enumerate(SLOTS):
        slot_ops[i] = OPS.get(name)
    for op in OPS.values():
        for o in op.overloads:
            ov = <Overload>o
            if ov.kind == LOOP and not ov.loop_name.startswith("scipy"):
                resolve(ov)
        if op.method is not None:
            set_type_attribute(Tensor, op.name, op.method)
        if op.inplace is not None:
            set_type_attribute(Tensor, op.inplace.__name__, op.inplace)


def set_type_attribute(cls, str name, value):
    """Put an attribute on the compiled class."""
    (<dict>(<PyTypeObject *>cls).tp_dict)[name] = value
    PyType_Modified(<PyTypeObject *>cls)
