# The gemm_fn of native/gemm_kernels.h for float32, or for `doubles`, and products below SMALL_ROWS or SMALL_COLUMNS (`small`) or all others.
cdef void *product_of(bint doubles, bint small) noexcept
