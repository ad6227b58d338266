/* Normalization, and its gradients: batch and group norm over [batch, channels, rest], layer norm over rows. float32 and float64.
 *
 * With m and r the mean and 1 / sqrt(variance + eps) of a set of elements, g = w dy:  y = w (x - m) r + b,
 *     dx = r (g - mean(g) - (x - m) r^2 mean(g (x - m)))      dw = sum dy (x - m) r      db = sum dy
 * Group and layer norm take sums in vectors of the type over blocks of at most NORM_BLOCK terms a lane, and in double from block to
 * block; batch norm in PyTorch's order. */
#pragma once
#include "isa.h"
#include "real.h"

typedef struct { isize batch, channels, rest, groups; } norm_shape;

/* weight and bias may be NULL; of the gradients dx, dw, db those that are not wanted. Those that give a number give 0, or -1 when memory is out. */
typedef struct {
    /* a set is a channel of the whole batch; `known`: mean and rstd do not depend on x; var is that of the sample, without bias */
    void (*batch_forward)(int threads, const norm_shape *s, double eps, const void *x, const void *weight, const void *bias, void *y, void *mean,
                          void *rstd, void *var);
    void (*batch_apply)(int threads, const norm_shape *s, const void *x, const void *weight, const void *bias, void *y, const void *mean,
                        const void *rstd);
    void (*batch_backward)(int threads, const norm_shape *s, int known, const void *dy, const void *x, const void *weight, const void *mean,
                           const void *rstd, void *dx, void *dw, void *db);
    /* rstd = 1 / sqrt(var + eps), in the type or `wide`; running = momentum batch + (1 - momentum) running */
    void (*inverse_roots)(isize n, int wide, double eps, const void *var, void *rstd);
    void (*blend)(isize n, double momentum, const void *batch, void *running);
    /* a set is a group of channels of one sample */
    void (*groups_forward)(int threads, const norm_shape *s, double eps, const void *x, const void *weight, const void *bias, void *y, void *mean,
                           void *rstd);
    int (*groups_backward)(int threads, const norm_shape *s, const void *dy, const void *x, const void *weight, const void *mean, const void *rstd,
                           void *dx, void *dw, void *db);
    /* a set is a row */
    void (*rows_forward)(int threads, isize rows, isize n, double eps, const void *x, const void *weight, const void *bias, void *y, void *mean,
                         void *rstd);
    void (*rows_backward)(int threads, isize rows, isize n, const void *dy, const void *x, const void *weight, const void *mean, const void *rstd,
                          void *dx, void *dw, void *db);
} norm_functions;
typedef struct { norm_functions f32, f64; } norm_kernels;
EVERY_ISA(norm_kernels, norm_table)

enum { NORM_GRAIN = 16384, NORM_BLOCK = 64, NORM_COLUMNS = 32 };
