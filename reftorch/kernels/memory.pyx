# cython: language_level=3
"""The memory of large results: blocks that are used again, see memory.h."""
import os

cimport numpy as cnp
from cpython.object cimport PyObject

import numpy as np

cdef extern from "memory.h":
    int memory_start() except -1
    size_t memory_release() nogil
    size_t memory_held, memory_limit
    object memory_enter()
    object memory_empty(int nd, cnp.npy_intp *dims, int type_number)
    object pool_take(int nd, cnp.npy_intp *dims, int type_number)
    int pool_keep(PyObject *array) noexcept
    object PyDataMem_SetHandler(object handler)

cdef enum:
    PAGE = 4096


cdef object array_of(int nd, cnp.npy_intp *dims, int type_number, Py_ssize_t item_size):
    """A new row-major array of any size: a small one is most often one of those kept."""
    cdef Py_ssize_t size = item_size
    cdef int i
    for i in range(nd):
        size *= dims[i]
    return memory_empty(nd, dims, type_number) if size >= LARGE else pool_take(nd, dims, type_number)


cdef int keep(PyObject *array) noexcept:
    """Whether the last reference to an array that nobody needs was taken over."""
    return pool_keep(array)


cdef object enter():
    """Have NumPy take the memory of its arrays from here, in this thread; gives what `leave` wants."""
    return memory_enter()


cdef int leave(object former) except -1:
    PyDataMem_SetHandler(former)
    return 0


def empty(tuple shape, dtype):
    """An uninitialised array of a NumPy dtype; of a page or more at a boundary of 64 bytes, a large one in memory that is used again."""
    cdef double size = dtype.itemsize
    for n in shape:
        size *= <double>n
    if size < PAGE:
        return np.empty(shape, dtype)
    cdef object former = memory_enter()
    try:
        return np.empty(shape, dtype)
    finally:
        PyDataMem_SetHandler(former)


def empty_cache():
    """Give the memory that is kept for further arrays back to the system; how many bytes that were."""
    return memory_release()


def cached():
    """Bytes that are kept for further arrays."""
    return memory_held


def limit(size=None):
    """The most bytes that are kept; sets it when given."""
    global memory_limit
    if size is not None:
        memory_limit = size
        if memory_held > memory_limit:
            memory_release()
    return memory_limit


def _available():
    """Bytes of memory that this process may use: the machine's, or on Linux the limit of its control group."""
    try:
        size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return 1 << 30
    try:
        with open("/sys/fs/cgroup/memory.max") as file:
            text = file.read().strip()
        return size if text == "max" else min(size, int(text))
    except (OSError, ValueError):
        return size


memory_start()
limit(_available() // 4)
