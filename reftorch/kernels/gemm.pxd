# The gemm_fn of native/gemm_kernels.h for float32 or, with `doubles`, float64: for products below SMALL_ROWS or SMALL_COLUMNS, or for all others.
cdef void *product_of(bint doubles, bint small) noexcept
