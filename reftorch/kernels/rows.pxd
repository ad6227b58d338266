# `kind`: NumPy's number of a float type
cdef void softmax_rows(int kind, bint log, Py_ssize_t rows, Py_ssize_t n, const void *x, void *y) noexcept nogil
cdef void softmax_backward_rows(int kind, bint log, Py_ssize_t rows, Py_ssize_t n, const void *dy, const void *y, void *dx) noexcept nogil
cdef void copy_bytes(Py_ssize_t bytes, const void *x, void *y) noexcept nogil
