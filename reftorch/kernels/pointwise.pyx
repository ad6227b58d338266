# cython: language_level=3, boundscheck=False
"""The loops of native/elementary.h and pointwise.h as NumPy ufuncs, one a name: `pointwise.sigmoid(array)`."""
cimport numpy as cnp
from libc.stdlib cimport malloc

import numpy as np

from .runtime cimport THREADS

cnp.import_array()
cnp.import_ufunc()

cdef extern from "native/pointwise_kernels.h":
    ctypedef struct pointwise_entry:
        const char *name
        void *loop
        int n_in
        char type
    ctypedef struct pointwise_kernels:
        const pointwise_entry *entries
    const pointwise_kernels *PICK(pointwise_kernels)
    pointwise_kernels elementary_table

cdef extern from "pointwise.h":
    pointwise_entry pointwise_table[]

cdef extern from "numpy/ufuncobject.h":
    ctypedef class numpy.ufunc [object PyUFuncObject, check_size ignore]:
        cdef void **functions
        cdef void **data
        cdef char *types
        cdef int ntypes, nin
    object make_ufunc "PyUFunc_FromFuncAndData"(void *functions, void **data, char *types, int n_types, int n_in, int n_out, int identity,
                                                const char *name, const char *doc, int unused)

#: NumPy's number of the type that each letter names in the tables.
cdef dict NUMBERS = {b"?": cnp.NPY_BOOL, b"b": cnp.NPY_INT8, b"B": cnp.NPY_UINT8, b"h": cnp.NPY_INT16, b"i": cnp.NPY_INT32,
                     b"l": cnp.NPY_INT64,
                     b"f": cnp.NPY_FLOAT32, b"d": cnp.NPY_FLOAT64, b"F": cnp.NPY_COMPLEX64, b"D": cnp.NPY_COMPLEX128}


cdef collect(const pointwise_entry *entries, dict names, void *data):
    """Put the loops of a table under their names, as {type number: (loop, its data, number of inputs)}; earlier ones stay."""
    while entries.name != NULL:
        loop = <size_t>entries.loop, <size_t>data, entries.n_in
        names.setdefault(entries.name, {}).setdefault(NUMBERS[bytes([entries.type])], loop)
        entries += 1


cdef collect_numpy(dict names):
    """For functions that NumPy has too, its loops for floating-point types that the tables have not."""
    cdef ufunc u
    cdef int i, number
    for name, loops in names.items():
        found = getattr(np, name.decode(), None)
        if not isinstance(found, np.ufunc):
            continue
        u = <ufunc>found
        for i in range(u.ntypes):
            number = u.types[i * (u.nin + 1)]
            if number in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64, cnp.NPY_COMPLEX64, cnp.NPY_COMPLEX128):
                loops.setdefault(number, (<size_t>u.functions[i], <size_t>u.data[i] if u.data != NULL else 0, u.nin))


cdef object ufunc_from(const char *name, dict loops):
    """One ufunc of the loops of one name. Its tables live as long as the process, as NumPy asks."""
    cdef int n = len(loops), n_in = max(loops.values())[2], i, k
    cdef void **functions = <void **>malloc(n * sizeof(void *))
    cdef void **data = <void **>malloc(n * sizeof(void *))
    cdef char *types = <char *>malloc(n * (n_in + 1))
    for i, number in enumerate(sorted(loops)):                 # NumPy takes the first that the operands can be cast to
        loop, extra, n_in = loops[number]
        functions[i], data[i] = <void *><size_t>loop, <void *><size_t>extra
        for k in range(n_in + 1):
            types[i * (n_in + 1) + k] = number
    return make_ufunc(<void *>functions, data, types, n, n_in, 1, -1, name, b"", 0)


cdef object ufunc_like(ufunc u, const char *name, dict loops):
    """NumPy's ufunc `u` with other loops for some types of the first operand."""
    cdef int i, step = u.nin + 1
    cdef void **functions = <void **>malloc(u.ntypes * sizeof(void *))
    cdef void **data = <void **>malloc(u.ntypes * sizeof(void *))
    for i in range(u.ntypes):
        ours = loops.get(u.types[i * step])
        functions[i] = u.functions[i] if ours is None else <void *><size_t>ours[0]
        data[i] = NULL if ours is not None or u.data == NULL else u.data[i]
    return make_ufunc(<void *>functions, data, u.types, u.ntypes, u.nin, 1, -1, name, b"", 0)


def _publish():
    cdef const pointwise_entry *fast = PICK(elementary_table).entries
    names = {}
    collect(fast, names, &THREADS)                             # these start threads themselves where NumPy calls them
    elementary = dict(names)
    collect(pointwise_table, names, NULL)
    collect_numpy(elementary)
    globals().update({name.decode(): ufunc_like(getattr(np, name.decode()), name, names.pop(name)) for name in (b"multiply", b"absolute")})
    globals().update({name.decode(): ufunc_from(name, loops) for name, loops in names.items()})
    return names                                               # NumPy keeps the pointers to their letters


_names = _publish()
