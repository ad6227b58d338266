# Op: one object an operation, built from schema strings: its overloads, faces and derivative rules.


cdef enum:
    LOOP = 0
    PRIMITIVE = 1
    VIEW = 2
    COMPOSITE = 3

cdef enum:
    HALF_ALONE = 2      # halves widen where no other type stands beside them

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
DEF MAX_SLOTS = 32
DEF MAX_ASKED = 24                  # parameters of a rule
DEF QUICK_ARGS = 9                  # most arguments of a call that goes a quick way
DEF QUICK_LIMIT = 16384             # elements up to which the quick ways serve where there are threads to share the work
cdef long MAX_SEQ = 0x7fffffffffffffff
_PROMOTE = {None: P_NONE, "default": P_DEFAULT, "float": P_FLOAT}
_META = ("shape", "dtype", "strides", "offset", "turned")    # a rule may ask for self_shape and leave self unsaved


@cython.final
cdef class Rule:
    """A derivative: `fn` called with the values that its parameter names ask for."""
    cdef object fn
    cdef tuple inputs                # parameter indices whose gradients it gives
    cdef list names                  # its parameters
    cdef int slot                    # place of its first input among the differentiable ones
    cdef tuple slots                 # those of all its inputs
    cdef bint many                   # gives a tuple, one gradient an input


@cython.final
cdef class Ask:
    """How a plan calls one rule: where each of its arguments comes from."""
    cdef Rule rule
    cdef int count
    cdef int source[MAX_ASKED]       # a place among what is saved, or SRC_*


cdef enum:
    SAVE_PARAM = 0
    SAVE_RESULT = 1
    SAVE_FACT = 2
    SAVE_SHAPE = 3                   # the first fact that is a tensor's shape: it lies in the node itself


@cython.final
cdef class Plan:
    """What to save, and how to call the rules, when a certain set of inputs needs gradients."""
    cdef long mask                   # of those inputs
    cdef list save                   # (kind, index): "p" parameter, "r" result, "shape" ... of a parameter
    cdef int n_save, n_results, n_shapes
    cdef int kind[MAX_SAVED]         # the same: SAVE_*
    cdef int index[MAX_SAVED]
    cdef bint tensors[MAX_SAVED]     # whether the value stands for a Tensor
    cdef list asks                   # an Ask for every rule to run
    cdef list needed                 # for each slot: whether its gradient is wanted


@cython.final
cdef class Overload:
    """One schema of an op, compiled."""
    cdef Op op
    cdef Overload written            # the same in place, where that has rules of its own
    cdef readonly object schema
    cdef list args
    cdef int n_positional, varargs, n_out, kind, promote, n_slots
    cdef int half                    # whether halves widen to float32 for the body; HALF_ALONE
    cdef int receiver                # place of `self`, which a method gets first
    cdef bint takes_number           # the fast way round serves `x op 2` as well
    cdef bint numbers, has_out, casts, nograd, single, is_method, tensors, shares, listed
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
    cdef int slot[MAX_SLOTS]         # the same
    cdef list unruled                # Tensor parameters that have no rule
    cdef list rules
    cdef dict plans
    cdef Plan plan                   # the one used last
    cdef readonly object jvp
    cdef object node_type, result_type
    cdef quickfn quick               # what answers a plain call of a primitive or a view; NULL: nothing does
    cdef bint mixed                  # whether that takes tensors of several dtypes
    cdef list steps                  # the same of a composite: expressions of ops that have one
    cdef str reduce                  # ufunc that reduces all elements (sum), for the quick way
    cdef str node_name
    cdef bint refuses                # whether that says that there is no derivative
    cdef list defaults               # vals of a call that gives the operands alone

    def __repr__(self):
        return f"<overload {self.schema.text}>"

    @property
    def is_view(self):
        return self.kind == VIEW

    @property
    def differentiable(self):
        """Positions of the arguments that have a rule."""
        return tuple(self.slots)

    def run(self, list vals):
        """Call the overload on parsed values (one a parameter, then `out`)."""
        return run_overload(self, vals, INPLACE if self.op.writes else FUNCTION)

    @property
    def writes(self):
        """Whether it always writes to its first argument."""
        return self.op.writes


@cython.final
cdef class Op:
    """An operation of the API: calling it is the function face; `.method` and `.inplace` are the others."""
    cdef vectorcallfunc vcall
    cdef readonly str name
    cdef list built                  # overloads, in PyTorch's order
    cdef list pending                # definitions not built yet: most ops of a program are never called
    cdef readonly set make
    cdef readonly object ns
    cdef readonly str doc            # what it does, in a sentence
    cdef readonly str shown          # arguments as documented, where they do not follow from the schemas
    cdef readonly object method, inplace
    cdef Overload first
    cdef list quick                  # overloads that have a quick way
    cdef bint list_args
    cdef public bint real_is_self    # gives a real tensor back as it is: conj and its like, which many rules call
    cdef public str wrong_out        # torch's words for an `out` of another dtype, with {want} and {got}; None: the usual ones
    cdef public int apart            # what is written to may not be an operand itself: 1 for all operands, 2 for all but the first
    cdef public bint grows           # in place, the receiver takes the shape of the result
    cdef public object expanded      # writing to an expanded tensor: None refuses, "" is silent, another text is a warning
    cdef bint writes                 # named with a trailing underscore: the function, too, writes to its first argument
    cdef object __weakref__

    def __init__(self, name, make, ns):
        self.vcall = <vectorcallfunc>op_vectorcall
        self.name, self.make, self.ns = name, make, ns
        self.built, self.pending = [], []
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

    @property
    def __doc__(self):
        return _document(self)

    def __repr__(self):
        if self.ns != "torch":
            return f"<built-in function {self.name}>"
        return f"<built-in method {self.name} of type object at {hex(id(Op))}>"

    def __reduce__(self):
        return _find_op, (self.name,)

    @property
    def overloads(self):
        """The compiled schemas, in the order in which they are tried."""
        build(self)
        return self.built

    def rule(self, /, **rules):
        """State derivatives: `input=lambda grad, ...`; names separated by `__and__` share one rule that gives a tuple."""
        for _, _, options in self.pending:
            options["rules"] = {**(options.get("rules") or {}), **rules}
        return self

    def written(self, /, **rules):
        """State the derivatives of the in-place call, where they are not those of the function."""
        for _, _, options in self.pending:
            options["written"] = rules
        return self

    def alias(self, name, ns=None, shown=None):
        """Another op of the same definitions, under another public name."""
        cdef Op made
        for kind, schemas, options in self.pending:
            made = define(name, [name + s[len(self.name):] for s in schemas], kind, make=self.make, ns=ns or self.ns, doc=self.doc,
                          shown=shown or self.shown, **dict(options, stem=options.get("stem") or self.name))
        made.real_is_self, made.wrong_out = self.real_is_self, self.wrong_out
        return made

    @property
    def stated(self):
        """Whether every overload is a composite, has rules, or says that it has no gradient (held by a test)."""
        return all([(<Overload>ov).kind == COMPOSITE or (<Overload>ov).nograd or len((<Overload>ov).rules) > 0 for ov in self.overloads])

    def loop_codes(self):
        """dtypes for which the compiled inner loop is called directly."""
        build(self)
        return [DTYPE[c] for c in range(NCODES) if self.first.kind == LOOP and self.first.loops[c] != NULL]

    def run_loop(self, *operands):
        """The compiled loop on tensors, whatever the overload does around it."""
        build(self)
        vals = list(self.first.defaults)
        for i, x in zip(self.first.operands, operands):
            vals[i] = x
        return run_loop(self.first, vals, None)

    @property
    def ufunc(self):
        """The NumPy-style ufunc behind a pointwise op; None for others."""
        build(self)
        if self.first.kind == LOOP:
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
        # celu_ is a function alone
        return _document(self.op, "method" in self.op.make, self.writes)

    def __get__(self, obj, cls):
        return self if obj is None else MethodType(self, obj)

    def __repr__(self):
        return f"<method '{self.__name__}' of 'torch._C.TensorBase' objects>"

    def __reduce__(self):
        return _find_method, (self.op.name, self.writes)


OPS = {}


def _document(op, method=False, writes=False):
    from .signature import document      # few programs read it
    return document(op, method, writes)


def _find_op(name):
    return OPS[name]


def _find_method(name, writes):
    return OPS[name].inplace if writes else OPS[name].method


# ------------------------------------------------------------------ building
def define(name, schemas, kind, *, make=(), ns="torch", doc=None, shown=None, **options):
    """Make or extend the op `name`; see define.py for the notation.  Schemas are read when the op is first used."""
    cdef Op op = OPS.get(name)
    if op is None:
        op = OPS[name] = Op(name, set(make), ns)
    op.doc, op.shown = op.doc or doc, op.shown or shown
    op.pending.append((kind, schemas, dict({"has_out": "out" in make, "casts": "casts" in make}, **options)))
    return op


cdef int build(Op op) except -1:
    """Compile the pending definitions of an op."""
    cdef list found
    cdef Overload made
    if not op.pending:
        return 0
    pending, op.pending = op.pending, []
    for kind, schemas, options in pending:
        written = options.pop("written", None)
        for text in schemas:
            made = build_overload(op, kind, parse_schema(text), **options)
            if written is not None:          # torch: its node counts as the second of the name
                other = dict(options, rules=written, node=made.node_name.removesuffix("0") + "1")
                made.written = build_overload(op, kind, made.schema, **other)
            op.built.append(made)
    if op.first is None:
        op.first = <Overload>op.built[0]
        if op.first.reduce is not None:
            op.first.loop_name = op.first.reduce
        if op.first.loop_name is not None and not op.first.loop_name.startswith("scipy"):
            resolve(op.first)
    if len(op.built) > 1:
        found = argerror.order([((<Overload>o).schema, (<Overload>o).has_out) for o in op.built])
        rank = {id(schema): i for i, (schema, _) in enumerate(found)}
        op.built.sort(key=lambda o: rank[id((<Overload>o).schema)])
    op.quick = [o for o in op.built if (<Overload>o).quick != NULL or (<Overload>o).steps is not None or (<Overload>o).kind == LOOP] or None
    op.first.takes_number = op.first.numbers or any([same_but_number(op.first, <Overload>o) for o in op.built])
    op.list_args = any([p.type == "Tensor" and p.size is not None for o in op.built for p in (<Overload>o).schema.params])
    return 0


cdef bint same_but_number(Overload a, Overload b):
    """Whether `b` is `a` with a number as second operand: same loop, same node."""
    params = b.schema.params
    return a is not b and a.loop_name == b.loop_name and a.node_name == b.node_name and len(params) > 1 and params[1].type == "Scalar"


def build_overload(Op op, int kind, schema, body=None, loop=None, promote=None, prepare=None, half=True, nograd=False, numbers=False,
                   check=None, node=None, jvp=None, rules=None, has_out=False, casts=False, stem=None, tensors=False, shares=False,
                   reduce=None, quick=None):
    cdef Overload ov = Overload.__new__(Overload)
    ov.op, ov.schema, ov.kind = op, schema, kind
    ov.args = [Arg(p, argerror.KEYWORD_ALIASES.get("input" if p.name == "self" else p.name, ())) for p in schema.params]
    ov.n_positional = sum([not p.kwonly for p in schema.params])
    ov.leaf = max([-1] + [i for i, p in enumerate(schema.params) if p.name == "requires_grad" and p.kwonly])
    ov.varargs = varargs_position(schema)
    ov.receiver = max([0] + [i for i, p in enumerate(schema.params) if p.name == "self"])
    ov.n_out = len(schema.returns)
    ov.single = ov.n_out == 1
    ov.listed = ov.single and schema.returns[0][0].endswith("[]")
    ov.half = HALF_ALONE if half == "alone" else half
    ov.numbers, ov.nograd, ov.check, ov.jvp, ov.has_out = numbers, nograd, check, jvp, has_out
    ov.tensors, ov.shares = tensors, shares
    ov.is_method = argerror.is_method(schema)
    ov.reduce = reduce
    ov.promote = _PROMOTE[promote]
    ov.casts = casts or kind != PRIMITIVE or ov.promote != P_NONE        # `out=` of another dtype is converted to
    ov.prepare, ov.body, ov.loop_name = prepare, body, loop
    ov.operands = [i for i, p in enumerate(schema.params) if p.type in ("Tensor", "Scalar") and not p.kwonly and p.size is None]
    ov.slots, ov.rules, ov.plans = [], [], {}
    ov.defaults = [(<Arg>a).default for a in ov.args] + [None]
    if body is not None:
        ov.body_args = body_arguments(body, schema)
    ov.result_type = result_type_of(op, schema)
    ov.node_name = node or "".join([w[:1].upper() + w[1:] for w in (stem or op.name).split("_")]) + f"Backward{len(op.built)}"
    ov.refuses = ov.node_name == "NotImplemented"
    add_rules(ov, rules or {})
    if quick is not None:
        state_quick(ov, quick)
    if len(ov.args) > QUICK_ARGS and (quick is not None or reduce is not None or kind == LOOP):
        raise TypeError(f"{schema.text}: too many arguments for a quick way")
    return ov


cdef int varargs_position(schema):
    """`x.view(2, 3)`: the position of an int list that is the only positional argument besides the receiver."""
    positional = [i for i, p in enumerate(schema.params) if not p.kwonly]
    own = [i for i in positional if schema.params[i].name != "self"]
    if len(own) == 1 and schema.params[own[0]].type == "int" and schema.params[own[0]].size is not None:
        return own[0]
    return -1


cdef list body_arguments(body, schema):
    """For each parameter of a body: its place among the schema's arguments, or -1 and its default."""
    names = [p.name for p in schema.params]
    found = []
    wanted, defaults = parameters_of(body)
    for i, name in enumerate(wanted):
        if name not in names:
            name = name.removesuffix("_")        # `from` is `from_` in a body
        if name in names:
            found.append((names.index(name), None))
        elif i >= len(wanted) - len(defaults):
            found.append((-1, defaults[i - len(wanted) + len(defaults)]))
        else:
            raise TypeError(f"{schema.text}: the body asks for {name!r}, which the schema does not have")
    return found


cdef tuple parameters_of(fn):
    """(names, defaults) of a function's positional parameters; the inspect module is slow to import and to ask."""
    code = getattr(fn, "__code__", None)
    if code is not None and not hasattr(fn, "__wrapped__") and not code.co_flags & 12 and not code.co_kwonlyargcount:
        return list(code.co_varnames[:code.co_argcount]), fn.__defaults__ or ()
    import inspect
    parameters = inspect.signature(fn).parameters.values()
    return [p.name for p in parameters], tuple([p.default for p in parameters if p.default is not p.empty])


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
    return find_result_type(name)(values)


def find_result_type(name):
    """`torch.return_types.max` and its like."""
    base = name.removesuffix("_out")
    if base not in RESULT_TYPES:
        build(<Op>OPS[base])
    return RESULT_TYPES[name] if name == base else out_type_of(RESULT_TYPES[base])


cdef object out_type_of(made):
    """torch: with `out=` the same fields come in a type of another name, `max_out`."""
    return results_type(made.__name__ + "_out", made._fields)


cdef object results_type(name, fields):
    """The named tuple `name` of these fields, made once."""
    made = RESULT_TYPES.get(name)
    if made is None:
        members = {f: property(operator.itemgetter(i)) for i, f in enumerate(fields)}
        made = type(name, (Results,), {"__slots__": (), "_fields": fields, "__module__": "reftorch.return_types",
                                       "n_fields": len(fields), "n_sequence_fields": len(fields), "n_unnamed_fields": 0, **members})
        RESULT_TYPES[name] = made
    return made


cdef object result_type_of(Op op, schema):
    fields = tuple([label for _, label in schema.returns])
    if len(fields) < 2 or None in fields:
        return None
    return results_type(op.name, fields)


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
        r.names = parameters_of(fn)[0]
        if r.inputs[0] in ov.slots:
            raise TypeError(f"{ov.schema.text}: two rules for {key!r}")
        r.slot = len(ov.slots)
        ov.slots.extend(r.inputs)
        r.slots = tuple(range(r.slot, len(ov.slots)))
        ov.rules.append(r)
    if len(ov.slots) > MAX_SLOTS:
        raise TypeError(f"{ov.schema.text}: more than {MAX_SLOTS} inputs with gradients")
    ov.n_slots = len(ov.slots)
    for at, i in enumerate(ov.slots):
        ov.slot[<int>at] = i
    ov.unruled = [i for i, p in enumerate(ov.schema.params) if p.type == "Tensor" and i not in ov.slots]
    ov.plans.clear()
    ov.plan = None


cdef Plan plan_for(Overload ov, long mask):
    cdef Plan plan = ov.plan
    cdef Rule r
    cdef Ask ask
    if plan is not None and plan.mask == mask:
        return plan
    plan = ov.plans.get(mask)
    if plan is not None:
        ov.plan = plan
        return plan
    plan = Plan.__new__(Plan)
    plan.mask = mask
    plan.save, plan.asks = [], []
    plan.needed = [bool(mask >> i & 1) for i in range(ov.n_slots)]
    params = {p.name: i for i, p in enumerate(ov.schema.params)}
    labels = {label: i for i, (_, label) in enumerate(ov.schema.returns) if label}
    for rule in ov.rules:
        r = <Rule>rule
        if not any([plan.needed[at] for at in r.slots]):
            continue
        if len(r.names) > MAX_ASKED:
            raise TypeError(f"{ov.schema.text}: a rule with more than {MAX_ASKED} parameters")
        sources = []
        for name in r.names:
            if name == "grad":
                sources.append(SRC_GRAD)
                continue
            if name == "grads":
                sources.append(SRC_GRADS)
                continue
            if name == "mask" and name not in params:
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
        ask = Ask.__new__(Ask)
        ask.rule, ask.count = r, len(sources)
        for at, source in enumerate(sources):
            ask.source[<int>at] = source
        plan.asks.append(ask)
    if len(plan.save) > MAX_SAVED:
        raise TypeError(f"{ov.schema.text}: saves more than {MAX_SAVED} values")
    plan.n_save = len(plan.save)
    for place, (kind, index) in enumerate(plan.save):
        plan.kind[<int>place] = SAVE_PARAM if kind == "p" else SAVE_RESULT if kind == "r" else SAVE_FACT
        if kind == "shape" and (<Arg>ov.args[index]).code == A_TENSOR and not plan.n_shapes:
            plan.kind[<int>place] = SAVE_SHAPE
            plan.n_shapes = 1
        plan.index[<int>place] = index
        plan.tensors[<int>place] = kind == "p" and (<Arg>ov.args[index]).code == A_TENSOR
        plan.n_results += kind == "r"
    ov.plans[mask] = plan
    return plan


def check_plan(Overload ov not None):
    """Make the plan of an overload with all gradients wanted; TypeError when a rule asks for what is not there."""
    plan_for(ov, (1 << ov.n_slots) - 1)


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
    u = <ufunc?>ov.ufunc
    nin = u.nin
    numbers = [i for i, p in enumerate(ov.schema.params) if p.kwonly and p.type == "Scalar"]
    ov.operands += numbers[:nin - len(ov.operands)]          # a loop that has the inputs for it reads the keyword numbers too
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
