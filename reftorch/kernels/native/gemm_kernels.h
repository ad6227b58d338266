/* What gemm.pyx calls. */
#pragma once
#include <stddef.h>
#include "isa.h"

enum { SMALL_ROWS = 4, SMALL_COLUMNS = 12 };                             /* products of fewer have orders of their own, see gemm_small.h */

typedef struct { ptrdiff_t batch, row, col; } matrix_strides;            /* in numbers */

/* C (+)= A B for `batch` matrices of rows x depth and depth x columns; C is contiguous. `in_order`: product by product in the order of the
 * depth; `of_batch`: small ones are added up as those of a batch are */
typedef struct {
    ptrdiff_t batch, rows, columns, depth;
    const void *a, *b;
    void *c;
    matrix_strides sa, sb;
    int accumulate, in_order, of_batch, threads;
} gemm_problem;

typedef int (*gemm_fn)(const gemm_problem *);                            /* -1 when memory is out */
enum { GEMM_F32, GEMM_F64, GEMM_C64, GEMM_C128, GEMM_KINDS };
/* `product` of matrices (complex64: one, with nothing to add to); `vector`: one matrix times one vector, b (a column); `dot`: of two vectors, rows
 * of a and columns of b. The table for wide vectors has products of reals alone, and is not for those that are small or `in_order`. */
typedef struct { gemm_fn product[GEMM_C64 + 1], vector[GEMM_KINDS], dot[2]; } gemm_kernels;
EVERY_ISA_WIDE(gemm_kernels, gemm_table)
