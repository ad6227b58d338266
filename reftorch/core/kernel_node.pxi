# Kernels that are no ops: several tensors in and out under one node, without the schema's parsing.

cdef enum:
    KERNEL_INPUTS = 16               # the most that one takes


cdef class KernelNode(Node):
    """The backward step of a `Kernel`; subclasses give it its name."""
    cdef Kernel kernel
    cdef list inputs                 # None once the graph is freed
    cdef tuple args
    cdef PyObject *saved             # the array that the kernel saved, or NULL
    cdef long versions[KERNEL_INPUTS]

    def __dealloc__(self):
        self.drop_saved()

    cdef drop_saved(self):
        cdef PyObject *saved = self.saved
        self.saved = NULL
        if saved != NULL and not (count_of(saved) == 1 and memory.keep(saved)):
            let_go(saved)

    cdef tuple apply(self, tuple grads):
        cdef list inputs, arrays = [], given = [], found
        cdef long wanted = 0
        cdef Tensor t
        cdef Py_ssize_t i
        if self.inputs is None:
            raise RuntimeError(FREED)
        inputs = list(self.inputs)
        for i in range(len(inputs)):
            if type(inputs[i]) is Packed:
                inputs[i] = (<Packed>inputs[i]).unpack(self)
                t = <Tensor>inputs[i]
            else:
                t = <Tensor>inputs[i]
                if version_of(t) != self.versions[i]:
                    raise_modified(self, t, self.versions[i], "p", 0)
            arrays.append(t._a)
            if self.edges[i] is not None:
                wanted |= 1 << i
        if not tls_no_grad or forward_hook is not None:
            return tuple(self.kernel.composed(inputs, grads, self.args))
        for g in grads:
            given.append(None if g is None else (<Tensor>g)._a)
        found = self.kernel.backward(arrays, wanted, <object>self.saved, given, self.args)
        for i in range(len(found)):
            if found[i] is not None:
                found[i] = wrap(<cnp.ndarray>found[i], (<Tensor>inputs[i]).code)
        return tuple(found)

    cdef int release(self) except -1:
        self.inputs = None
        self.drop_saved()
        return 0


cdef class PassNode(Node):
    """Hands its gradient on: what PyTorch's graph shows after a kernel; subclasses give it its name."""

    cdef tuple apply(self, tuple grads):
        return grads


def node_class(name, base):
    """A class of nodes of that name, of KernelNode or PassNode."""
    made = type(name, (base,), {"__slots__": (), "__module__": "reftorch.autograd"})
    type_tune_node(<PyTypeObject *>made, <PyTypeObject *>base)
    return made


cdef int pass_on(type cls, Tensor made, Node fn, int nr) except -1:
    """Put a `cls` node between `made` and `fn`, whose result `nr` it is."""
    global sequence
    cdef PassNode node = <PassNode>type_alloc(<PyTypeObject *>cls, _empty)
    node.edges, node.edge_nrs, node.n_grads = (fn,), (nr,) if nr else None, 1
    node.seq = sequence
    sequence += 1
    set_meta(node, made)
    made._fn, made.out_nr = node, 0
    return 0


def rename(type cls not None, Tensor t not None):
    """`t`, which nothing else refers to, as the result of a `cls` node that passes its gradient on."""
    cdef Tensor r
    if t._fn is None:
        return t
    r = wrap(t._a, t.code)
    pass_on(cls, r, t._fn, t.out_nr)
    return r


@cython.final
cdef class Kernel:
    """Functions of arrays, and of tensors where those do not do:

    forward(arrays, whether to save, args) -> (array that backward needs or None, results), or None for arrays that it does not take;
    backward(arrays, wanted, saved, gradients of the results, args) -> those of `arrays`, at least of the ones with a bit in `wanted`, else None;
    composed(inputs, gradients, args): the same of tensors, by public ops, to be differentiated again.
    """
    cdef object forward, backward, composed
    cdef list metas                  # those of the last node: calls come in the same shape again

    def __init__(self, forward, backward, composed):
        self.forward, self.backward, self.composed = forward, backward, composed

    cpdef list plain(self, type cls, type first, list inputs, tuple args, dict held=None, list names=None):
        """As `run`, with further inputs out of `held`, as far as there are, whose names must be `names`. None as well where an override, a mode or
        tangents are to see the inputs, or one is no tensor."""
        cdef object plain_type = Tensor
        cdef Py_ssize_t i = 0
        if forward_hook is not None or function_modes:
            return None
        if held is not None:
            if len(held) != len(names):
                return None
            for name, x in held.items():
                if name is not names[i] and name != names[i]:
                    return None
                i += 1
                if x is not None:
                    inputs.append(x)
        for x in inputs:
            if type(x) is not plain_type:
                if not isinstance(x, Tensor) or is_overriding(x):
                    return None
                plain_type = type(x)
        return self.run(cls, first, inputs, args)

    cpdef list run(self, type cls, type first, list inputs, tuple args):
        """The results as tensors, from under a `cls` node, the first of them with a `first` node in between unless that is None; None if the
        kernel does not take the arrays."""
        cdef Py_ssize_t i, count = len(inputs)
        cdef list arrays = [None] * count, results
        cdef tuple made
        cdef bint saves = False
        cdef Tensor t
        if count > KERNEL_INPUTS:
            return None
        for i in range(count):
            t = <Tensor?>inputs[i]
            arrays[i] = t._a
            saves = saves or (not tls_no_grad and requires_grad(t))
        made = self.forward(arrays, saves, args)
        if made is None:
            return None
        results = made[1]
        for i in range(len(results)):
            results[i] = wrap(<cnp.ndarray>results[i], code_of(<cnp.ndarray>results[i]))
        if saves:
            self.record(cls, first, inputs, made[0], results, args)
        return results

    cdef int record(self, type cls, type first, list inputs, object saved, list results, tuple args) except -1:
        global sequence
        cdef KernelNode node = <KernelNode>type_alloc(<PyTypeObject *>cls, _empty)
        cdef tuple edges = tuple_of_none(len(inputs))
        cdef bint several = False
        cdef Py_ssize_t i
        cdef Tensor t
        node.kernel, node.args, node.inputs = self, args, inputs
        for i in range(len(inputs)):
            t = <Tensor>inputs[i]
            if t.inference and not tls_inference:
                raise RuntimeError(INFERENCE_SAVED)
            e = edge_of(t)
            if e is not None:
                tuple_put(edges, i, e)
                several |= t.out_nr != 0
            node.versions[i] = version_of(t)
        node.edges = edges
        if several:
            node.edge_nrs = tuple([out_nr_of(x) for x in inputs])
        if tls_saved_hooks:
            node.inputs = [pack(<Tensor>x, False, 0) for x in inputs]
        if saved is not None:
            Py_INCREF(saved)
            node.saved = <PyObject *>saved
        node.seq = sequence
        sequence += 1
        node.n_grads = len(results)
        if anomaly:
            note_origin(node)
        if len(results) == 1:
            set_meta(node, <Tensor>results[0])
        else:
            node.metas = self.metas_of(results)
        for i in range(len(results)):
            t = <Tensor>results[i]
            t._fn, t.out_nr = node, i
        if first is not None:
            pass_on(first, <Tensor>results[0], node, 0)
        return 0

    cdef list metas_of(self, list results):
        cdef Py_ssize_t i
        if self.metas is not None and len(self.metas) == len(results):
            for i in range(len(results)):
                if not fits_meta(<tuple>self.metas[i], <Tensor>results[i]):
                    break
            else:
                return self.metas
        self.metas = [((<Tensor>r).shape, (<Tensor>r).code) for r in results]
        return self.metas


@cython.final
cdef class PlainLayer:
    """The plainest call of a recurrent layer, compiled: one layer that starts from zeros, as all its attributes say.

    `cases` has by values of the `attributes`: the node over the results, one that stands between the first of them and that for float32 and one
    for other types (or None), the kernel's arguments and the names of the parameters."""
    cdef Kernel kernel
    cdef tuple attributes, values, case          # values and case of the last call: layers are called again and again
    cdef dict cases

    def __init__(self, Kernel kernel not None, tuple attributes not None, dict cases not None):
        self.kernel, self.attributes, self.cases = kernel, attributes, cases
        self.values, self.case = next(iter(cases.items()))

    def run(self, module, input):
        """(output, h), or (output, (h, c)), or None where it is not that plain."""
        cdef dict own = <dict>PyObject_GenericGetDict(module, NULL)
        cdef tuple values, case
        cdef list made
        cdef Py_ssize_t i
        if not isinstance(input, Tensor):
            return None
        for i in range(len(self.attributes)):
            if PyDict_GetItemWithError(own, self.attributes[i]) != PyTuple_GET_ITEM(self.values, i):
                values = tuple([own[name] for name in self.attributes])
                case = self.cases.get(values)
                if case is None:
                    return None
                self.values, self.case = values, case
                break
        case = self.case
        made = self.kernel.plain(case[0], case[1 if cnp.PyArray_TYPE((<Tensor>input)._a) == cnp.NPY_FLOAT32 else 2], [input], case[3],
                                 own["_parameters"], case[4])
        if made is None:
            return None
        return (made[0], made[1]) if len(made) == 2 else (made[0], (made[1], made[2]))
