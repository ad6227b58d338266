/* What conv.pyx calls. A convolution in three dimensions (fewer: sizes of 1) of `groups` groups:
 *     out[n, g, f, y] = bias[g, f] + sum over c, t of  x[n, g, c, y * stride + t * dilation - pad] * w[g, f, c, t]
 * with zeros outside of x. `out` may end anywhere and `pad` may be negative, so every gradient by the input is such a convolution too: its input
 * cells may be `spacing` apart, with zeros between. Weights and results are contiguous; x lies as x_strides (n, channel, d, h, w) say. */
#pragma once
#include <stddef.h>
#include "isa.h"

typedef struct {
    ptrdiff_t batch, groups, channels, filters;             /* channels and filters of one group */
    ptrdiff_t in[3], out[3], kernel[3], stride[3], dilation[3], pad[3], spacing[3];
    ptrdiff_t x_strides[5];                                 /* in numbers */
} conv_shape;

enum { CONV_SERIAL = 500000 };                               /* convolutions below this many multiplications stay on one thread */
enum { WINOGRAD_OFF, WINOGRAD_EXACT, WINOGRAD_FAST };       /* never; those at most twice as inexact as PyTorch's sums; F(4x4, 3x3) too */

/* All give -1 when memory is out. `shape` is that of the forward convolution:
 *   forward          out [batch, groups * filters, out]
 *   input_gradient   x_strides are those of `grad` [batch, groups * filters, out]; made [batch, groups * channels, in] starts from `bias` or 0
 *   weight_gradient  dw [groups * filters, channels, kernel] from x and contiguous grad */
typedef struct {
    int (*forward)(int threads, int winograd, const conv_shape *, const void *x, const void *w, const void *bias, void *out);
    int (*input_gradient)(int threads, int winograd, const conv_shape *, const void *grad, const void *w, const void *bias, void *made);
    int (*weight_gradient)(int threads, int winograd, const conv_shape *, const void *x, const void *grad, void *dw);
    int (*channel_sums)(int threads, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t pixels, const void *grad, void *sums);
} conv_functions;
/* The table for wide vectors has none of double. */
typedef struct { conv_functions f32, f64; } conv_kernels;
EVERY_ISA_WIDE(conv_kernels, conv_table)
