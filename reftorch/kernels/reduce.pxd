# `kind`: NumPy's number of a float type
cdef void sum_middle(int kind, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner, const void *x, void *y) noexcept nogil
