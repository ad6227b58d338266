/* What reduce.pyx calls. */
#pragma once
#include <stddef.h>
#include "isa.h"

enum { SUM_GRAIN = 65536,                    /* numbers below which one thread adds them all */
       SHORT_ROW = 4096 };                   /* numbers of rows that are added up several at a time */

typedef struct {
    /* to[o][j] = the sum of x[o][i][j] over i < n, of numbers of `parts` parts: 2 for complex ones */
    void (*sum_f32)(int threads, int parts, const float *x, ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, float *to);
    void (*sum_f64)(int threads, int parts, const double *x, ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, double *to);
} reduce_kernels;
EVERY_ISA(reduce_kernels, reduce_table)
