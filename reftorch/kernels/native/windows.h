/* Pooling: maxima and means over windows of planes of up to three dims, and what lays values back on them. float32 and float64.
 *
 * Window o of a dim holds the elements first[o], first[o] + step, ... before end[o], all of them inside the plane. Elements of a window are
 * taken in the order in which they lie in memory. */
#pragma once
#include "isa.h"
#include <math.h>
#include "real.h"

typedef struct {
    isize size, out, step;
    const isize *first, *end;
} window_dim;

typedef struct {
    isize planes;
    window_dim dim[3];
    const double *divisors[3];          /* of a mean: one a window and dim; the sum is divided by all of them in turn, or by their product */
    int in_turn;
} window_grid;

typedef struct {
    /* values and their flat indices in the plane; a window's last NaN wins, else the first of its maxima; -1 when memory is out */
    int (*max)(int threads, const window_grid *g, const void *x, void *values, int64_t *at);
    void (*mean)(int threads, const window_grid *g, const void *x, void *means);
    void (*mean_adjoint)(int threads, const window_grid *g, const void *grad, void *made);
    /* planes of `size` elements: picked[i] = x[at[i]]; made is cleared and made[at[i]] += values[i] */
    void (*gather)(int threads, isize planes, isize count, isize size, const void *x, const int64_t *at, void *picked);
    void (*scatter)(int threads, isize planes, isize count, isize size, const void *values, const int64_t *at, void *made);
    /* along the middle of [outer, size, inner]: made[o] = sum of weights[o][k] x[at[o][k]] over taps k < taps; no weights: one tap, as it is */
    void (*resample)(int threads, isize outer, isize size, isize out, isize inner, isize taps, const void *x, const int64_t *at, const void *weights,
                     void *made);
    void (*resample_adjoint)(int threads, isize outer, isize size, isize out, isize inner, isize taps, const void *grad, const int64_t *at,
                             const void *weights, void *made);
} window_functions;
typedef struct { window_functions f32, f64; } window_kernels;
EVERY_ISA(window_kernels, window_table)

enum { WINDOW_GRAIN = 8192 };           /* elements below which one thread does it all */
