# cython: language_level=3, boundscheck=False
"""The loops of pointwise.h as NumPy ufuncs, one a name: `pointwise.sigmoid(array)`."""
cimport numpy as cnp
from libc.stdlib cimport malloc
from libc.string cimport strcmp

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
    return {b"b": cnp.NPY_INT8, b"B": cnp.NPY_UINT8, b"h": cnp.NPY_INT16, b"i": cnp.NPY_INT32, b"l": cnp.NPY_INT64, b"f": cnp.NPY_FLOAT32,
            b"d": cnp.NPY_FLOAT64, b"F": cnp.NPY_COMPLEX64, b"D": cnp.NPY_COMPLEX128}[bytes([kind])]


cdef object ufunc_from(pointwise_entry *first, int n):
    """One ufunc of `n` neighbouring table entries. Its tables live as long as the process, as NumPy asks."""
    cdef int width = first.n_in + 1, i, k
    cdef void **functions = <void **>malloc(n * sizeof(void *))
    cdef void **data = <void **>malloc(n * sizeof(void *))
    cdef char *types = <char *>malloc(n * width)
    for i in range(n):
        functions[i] = first[i].loop
        data[i] = NULL
        for k in range(width):
            types[i * width + k] = <char>type_number(first[i].type)
    return make_ufunc(<void *>functions, data, types, n, first.n_in, 1, -1, first.name, b"", 0)


cdef publish():
    cdef int i = 0, n
    while pointwise_table[i].name != NULL:
        n = 1
        while pointwise_table[i + n].name != NULL and strcmp(pointwise_table[i].name, pointwise_table[i + n].name) == 0:
            n += 1
        globals()[(<bytes>pointwise_table[i].name).decode()] = ufunc_from(&pointwise_table[i], n)
        i += n


publish()
