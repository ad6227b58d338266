cdef void sum_columns(int kind, Py_ssize_t rows, Py_ssize_t n, const void *x, void *y) noexcept nogil   # NumPy's number of a float type
