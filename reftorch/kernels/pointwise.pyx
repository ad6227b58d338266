# cython: language_level=3, boundscheck=False
"""The loops of pointwise.h as NumPy ufuncs, one a name: `pointwise.sigmoid(array)`."""
cimport numpy as cnp
from libc.stdlib cimport malloc

cnp.import_array()
cnp.import_ufunc()

cdef extern from "pointwise.h":
    ctypedef struct pointwise_entry:
        const char *name
        void *loop
        int n_in
        char type
    pointwise_entry pointwise_table[]

cdef extern from "numpy/ufuncobject.h":
    object make_ufunc "PyUFunc_FromFuncAndData"(void *functions, void **data, char *types, int n_types, int n_in, int n_out, int identity,
                                                const char *name, const char *doc, int unused)


cdef int type_number(char kind):
    """NumPy's number of the type that this letter names in pointwise.h."""
    return {b"?": cnp.NPY_BOOL, b"b": cnp.NPY_INT8, b"B": cnp.NPY_UINT8, b"h": cnp.NPY_INT16, b"i": cnp.NPY_INT32, b"l": cnp.NPY_INT64, b"f": cnp.NPY_FLOAT32,
            b"d": cnp.NPY_FLOAT64, b"F": cnp.NPY_COMPLEX64, b"D": cnp.NPY_COMPLEX128}[bytes([kind])]


cdef object ufunc_from(list entries):
    """One ufunc of the table entries of one name. Its tables live as long as the process, as NumPy asks."""
    cdef pointwise_entry e = pointwise_table[<int>entries[0]]
    cdef int n = len(entries), width = e.n_in + 1, i, k
    cdef const char *name = e.name
    cdef void **functions = <void **>malloc(n * sizeof(void *))
    cdef void **data = <void **>malloc(n * sizeof(void *))
    cdef char *types = <char *>malloc(n * width)
    for i in range(n):
        e = pointwise_table[<int>entries[i]]
        functions[i] = e.loop
        data[i] = NULL
        for k in range(width):
            types[i * width + k] = <char>type_number(e.type)
    return make_ufunc(<void *>functions, data, types, n, e.n_in, 1, -1, name, b"", 0)


cdef publish():
    cdef int i = 0
    names = {}
    while pointwise_table[i].name != NULL:
        names.setdefault((<bytes>pointwise_table[i].name).decode(), []).append(i)
        i += 1
    globals().update({name: ufunc_from(entries) for name, entries in names.items()})


publish()
