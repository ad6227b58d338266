/* With wide vectors Winograd's algorithm alone is built, where they save every second instruction; the rest stays as the v3 build has it. */
#pragma once
#include "gemm.h"
#include "conv_kernels.h"
#include "parallel.h"

static int direct_forward_f32(int threads, const conv_shape *s, const float *x, const float *w, const float *bias, float *out) {
    return conv_table_v3.f32.forward(threads, WINOGRAD_OFF, s, x, w, bias, out);
}
static int direct_weight_f32(int threads, const conv_shape *s, const float *x, const float *grad, float *dw) {
    return conv_table_v3.f32.weight_gradient(threads, WINOGRAD_OFF, s, x, grad, dw);
}
static int channel_sums_f32(int threads, isize batch, isize channels, isize pixels, const void *grad, void *sums) {
    return conv_table_v3.f32.channel_sums(threads, batch, channels, pixels, grad, sums);
}
