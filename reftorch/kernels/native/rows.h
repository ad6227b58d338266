/* Rows: softmax, negative log likelihood, running sums, and rows of a table picked or added up by index. float32 and float64. */
#pragma once
#include "isa.h"
#include "real.h"

typedef struct {
    /* y = e^(x - max) / sum, or with `log` x - max - log(sum); and dx = y (dy - sum(dy y)), or dy - e^y sum(dy) */
    void (*softmax)(int threads, int log, isize rows, isize n, const void *x, void *y);
    void (*softmax_backward)(int threads, int log, isize rows, isize n, const void *dy, const void *y, void *dx);
    /* losses of x [rows, n] at the targets, unless NULL; their sum, or `mean` by the sum of the weights, and that sum; gives a row whose target is
     * no class, or -1 */
    isize (*nll)(int mean, isize rows, isize n, const void *x, const int64_t *target, const void *weight, int64_t ignored, void *losses, void *loss,
                 void *total);
    /* dx [rows, n] = -weight loss at the targets, zeros elsewhere; `step`: 0 for one loss for all */
    void (*nll_backward)(isize rows, isize n, const void *loss, isize step, const int64_t *target, const void *weight, int64_t ignored, void *dx);
    /* added up in double, one number after the other, from the front or from the back */
    void (*running_sum)(int threads, int from_back, isize rows, isize n, const void *x, void *y);
    /* total [.., n] += factors x rows: total[to[i]] += factors[i] x[from[i]]; no `from`, `to`: i itself; no factors: 1 */
    void (*add_rows)(int threads, isize count, isize n, const void *x, const int64_t *from, const int64_t *to, const void *factors, void *total);
    /* sums [bags, n]: of factors x rows of x, those of bag b being x[from[i]], start[b] <= i < start[b + 1], the last one up to `end`; no factors:
     * 1; divided by sizes[b], unless NULL */
    void (*bag_sums)(int threads, isize bags, isize n, const void *x, const int64_t *from, const int64_t *start, isize end, const void *factors,
                     const int64_t *sizes, void *sums);
} row_functions;
typedef struct {
    row_functions f32, f64;
    /* y = x: in the caches faster than memcpy, to which it leaves small and large pieces */
    void (*copy)(int threads, isize bytes, const void *x, void *y);
    /* y[i] = x[from[i]] for rows of `bytes` */
    void (*pick)(int threads, isize count, isize bytes, const void *x, const int64_t *from, void *y);
} row_kernels;
EVERY_ISA(row_kernels, row_table)

enum { ROW_GRAIN = 8192, ROWS_AHEAD = 12, PICK_GRAIN = 1 << 18, COPY_GRAIN = 1 << 18, COPY_LEAST = 1 << 14, COPY_MOST = 1 << 21, BAG_VECTORS = 16 };
