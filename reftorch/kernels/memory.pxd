"""Arrays whose memory is kept for the next one, see memory.h."""
cimport numpy as cnp
from cpython.object cimport PyObject

cdef enum:
    LARGE = 1 << 12                  # bytes from which that pays: LARGE_BYTES there

cdef object array_of(int nd, cnp.npy_intp *dims, int type_number, Py_ssize_t item_size)
cdef int keep(PyObject *array) noexcept
cdef object enter()
cdef int leave(object former) except -1
