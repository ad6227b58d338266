/* Normalization, and its gradients: batch, instance and group norm over [batch, channels, rest], layer norm over rows. float32 and float64.
 *
 * With m and r the mean and 1 / sqrt(variance + eps) of a set of elements, g = w dy:  y = w (x - m) r + b,
 *     dx = r (g - mean(g) - (x - m) r^2 mean(g (x - m)))      dw = sum dy (x - m) r      db = sum dy
 * Sums go in vectors of the type over blocks of at most NORM_BLOCK terms a lane, and in double from block to block. */
#pragma once
#include "isa.h"
#include "real.h"

/* A set is a group of channels of one sample, or with `groups` 0 a channel of the whole batch. */
typedef struct { isize batch, channels, rest, groups; } norm_shape;

typedef struct {
    /* `known`: mean and rstd are given, else found; var may be NULL, weight and bias too. The functions give 0, or -1 when memory is out. */
    int (*forward)(int threads, const norm_shape *s, int known, double eps, const void *x, const void *weight, const void *bias, void *y,
                   void *mean, void *rstd, void *var);
    /* dx, dw, db may be NULL; `known`: mean and rstd do not depend on x */
    int (*backward)(int threads, const norm_shape *s, int known, const void *dy, const void *x, const void *weight, const void *mean,
                    const void *rstd, void *dx, void *dw, void *db);
    void (*rows_forward)(int threads, isize rows, isize n, double eps, const void *x, const void *weight, const void *bias, void *y, void *mean,
                         void *rstd);
    int (*rows_backward)(int threads, isize rows, isize n, const void *dy, const void *x, const void *weight, const void *mean, const void *rstd,
                         void *dx, void *dw, void *db);
} norm_functions;
typedef struct { norm_functions f32, f64; } norm_kernels;
EVERY_ISA(norm_kernels, norm_table)

enum { NORM_GRAIN = 16384, NORM_BLOCK = 64, NORM_COLUMNS = 32 };
