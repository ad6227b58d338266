"""Arrays whose memory is kept for the next one, see memory.h."""
cdef enum:
    LARGE = 1 << 20                  # bytes from which that pays

cdef object empty_of(int nd, Py_ssize_t *dims, int type_number)
cdef object enter()
cdef int leave(object former) except -1
