/* What gemm.pyx calls: products of a batch of matrices, each given by its strides in numbers (see gemm.h). */
#pragma once
#include <stddef.h>
#include "isa.h"

typedef struct { ptrdiff_t batch, row, col; } matrix_strides;
/* C (+)= A B for `batch` matrices; -1 when memory is out */
typedef int (*gemm_f32_fn)(int threads, ptrdiff_t batch, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *a, matrix_strides sa,
                           const float *b, matrix_strides sb, float *c, int accumulate);
typedef int (*gemm_f64_fn)(int threads, ptrdiff_t batch, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const double *a, matrix_strides sa,
                           const double *b, matrix_strides sb, double *c, int accumulate);
typedef struct { gemm_f32_fn f32; gemm_f64_fn f64; } gemm_kernels;
EVERY_ISA(gemm_kernels, gemm_table)
