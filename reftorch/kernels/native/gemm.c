#include "gemm_kernels.h"
#define REAL f32
#include "gemm_batch.h"
#undef REAL
#define REAL f64
#include "gemm_batch.h"
#undef REAL

#ifdef WIDE_VECTORS
const gemm_kernels ISA(gemm_table) = {{gemm_product_f32, gemm_product_f64}};
#else
const gemm_kernels ISA(gemm_table) = {
    {gemm_product_f32, gemm_product_f64, gemm_complex_f32},
    {gemm_vector_product_f32, gemm_vector_product_f64, gemm_complex_vector_f32, gemm_complex_vector_f64},
    {gemm_dot_product_f32, gemm_dot_product_f64},
};
#endif
