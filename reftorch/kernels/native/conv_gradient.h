/* Convolutions and their gradients as the binding calls them, a template (real.h). The gradient by the input is a convolution of the gradient with
 * the filters turned around. Under a stride, the cells of each phase modulo the stride have taps of their own: the phases become further filters of one
 * convolution with stride 1, whose results are then put in their places. */
#ifdef WIDE_VECTORS
#include "conv_wide.h"
#else
#include "conv.h"
#include "conv_weight.h"
#endif

#ifndef CONV_GRADIENT_H
#define CONV_GRADIENT_H
/* The convolution of the gradient, and how its results lie in that of `s`: phases and first cell along each dim. */
typedef struct { conv_shape s; isize phases[3], first[3]; } gradient_plan;

static gradient_plan gradient_of(const conv_shape *s) {
    gradient_plan g = {.s = *s};
    int split = 1;
    for (int d = 0; d < 3; d++) split &= s->stride[d] == 1 || s->dilation[d] == 1 || s->kernel[d] == 1;
    g.s.channels = s->filters, g.s.filters = s->channels;
    for (int d = 0; d < 3; d++) {
        /* taps that a stride and a dilation scatter are met by spreading the gradient instead */
        isize step = split ? s->stride[d] : 1, dilation = step > 1 ? 1 : s->dilation[d];
        g.phases[d] = isize_min(step, s->kernel[d]);
        g.first[d] = step > 1 ? s->pad[d] / step : s->pad[d];
        g.s.kernel[d] = (s->kernel[d] + step - 1) / step;
        g.s.in[d] = s->out[d], g.s.out[d] = step > 1 ? (s->in[d] - 1 + s->pad[d]) / step - g.first[d] + 1 : s->in[d];
        g.s.stride[d] = 1, g.s.dilation[d] = dilation, g.s.spacing[d] = split ? 1 : s->stride[d];
        g.s.pad[d] = dilation * (g.s.kernel[d] - 1) - g.first[d];
        g.s.filters *= g.phases[d];
    }
    return g;
}
#endif

/* The filters of gradient_of: [group][channel, phase][filter][tap], taps turned around, zeros where a phase has fewer. */
static void R(turn_filters)(const conv_shape *s, const gradient_plan *g, const real *w, real *turned) {
    isize taps = s->kernel[0] * s->kernel[1] * s->kernel[2], phases = g->phases[0] * g->phases[1] * g->phases[2];
    isize made = g->s.kernel[0] * g->s.kernel[1] * g->s.kernel[2];
    for (isize row = 0; row < s->groups * s->channels * phases; row++) {
        isize group = row / phases / s->channels, c = row / phases % s->channels, phase = row % phases;
        isize a[3] = {phase / g->phases[2] / g->phases[1], phase / g->phases[2] % g->phases[1], phase % g->phases[2]};
        for (isize t = 0; t < made; t++) {
            isize at[3] = {t / g->s.kernel[2] / g->s.kernel[1], t / g->s.kernel[2] % g->s.kernel[1], t % g->s.kernel[2]}, tap = 0;
            int inside = 1;
            for (int d = 0; d < 3; d++) {
                isize k = a[d] + (g->phases[d] > 1
                                  || g->s.kernel[d] < s->kernel[d] ? s->stride[d] : 1) * (g->s.kernel[d] - 1 - at[d]);
                inside &= k < s->kernel[d];
                tap = tap * s->kernel[d] + k;
            }
            for (isize f = 0; f < s->filters; f++)
                turned[(row * s->filters + f) * made + t] = inside ? w[((group * s->filters + f) * s->channels + c) * taps + tap] : 0;
        }
    }
}

/* One channel of the gradient from those of its phases; cells that no window touched are `start`. */
static void R(join_phases)(const conv_shape *s, const gradient_plan *g, const real *phases, real start, real *to) {
    isize pixels = g->s.out[0] * g->s.out[1] * g->s.out[2];
    for (isize d = 0; d < s->in[0]; d++)
        for (isize h = 0; h < s->in[1]; h++, to += s->in[2]) {
            isize u[2] = {d + s->pad[0], h + s->pad[1]}, a[2] = {u[0] % s->stride[0], u[1] % s->stride[1]};
            int inside = a[0] < g->phases[0] && a[1] < g->phases[1];
            isize line = ((u[0] / s->stride[0] - g->first[0]) * g->s.out[1] + u[1] / s->stride[1] - g->first[1]) * g->s.out[2];
            for (isize b = 0; b < s->stride[2]; b++) {
                isize w = ((b - s->pad[2]) % s->stride[2] + s->stride[2]) % s->stride[2], column = (w + s->pad[2]) / s->stride[2] - g->first[2];
                if (!inside || b >= g->phases[2]) {
                    for (; w < s->in[2]; w += s->stride[2]) to[w] = start;
                    continue;
                }
                const real *from = phases + ((a[0] * g->phases[1] + a[1]) * g->phases[2] + b) * pixels + line + column;
                for (; w < s->in[2]; w += s->stride[2]) to[w] = *from++ + start;
            }
        }
}

/* ---- what the binding calls */
#ifndef CONV_CALLS_H
#define CONV_CALLS_H
#include "winograd_conv.h"
/* Whether Winograd's algorithm made the result; else `failed` says whether memory ran out. There is none of double. */
static int fast_forward_f32(int threads, int allowed, const conv_shape *s, const float *x, const float *w, int turned,
                            const float *bias, float *out,
                            int *failed) {
    const winograd_kind *kind = winograd_kind_for(allowed, s);
    isize taps = s->kernel[1] * s->kernel[2], filter = turned ? taps : s->channels * taps, channel = turned ? s->filters * taps : taps;
    int status = kind ? winograd_forward(kind, threads, s, x, w, filter, channel, turned, bias, out) : WINOGRAD_REFUSED;
    *failed = status < 0;
    return status != WINOGRAD_REFUSED;
}
static int fast_weight_f32(int threads, int allowed, const conv_shape *s, const float *x, const float *grad, float *dw,
                           int *failed) {
    const winograd_kind *kind = winograd_kind_for(allowed, s);
    int status = kind ? winograd_weight(kind, threads, s, x, grad, dw) : WINOGRAD_REFUSED;
    *failed = status < 0;
    return status != WINOGRAD_REFUSED;
}
static int fast_forward_f64(int threads, int allowed, const conv_shape *s, const double *x, const double *w, int turned,
                            const double *bias, double *out,
                            int *failed) { return 0; }
static int fast_weight_f64(int threads, int allowed, const conv_shape *s, const double *x, const double *grad, double *dw,
                           int *failed) { return 0; }
#endif

static int R(forward)(int threads, int winograd, const conv_shape *s, const void *x, const void *w, const void *bias, void *out) {
    int failed;
    if (R(fast_forward)(threads, winograd, s, x, w, 0, bias, out, &failed)) return -failed;
    return R(direct_forward)(threads, s, x, w, bias, out);
}

static int R(input_gradient)(int threads, int winograd, const conv_shape *s, const void *grad, const void *w, const void *bias,
                             void *made) {
    gradient_plan g = gradient_of(s);
    isize phases = g.phases[0] * g.phases[1] * g.phases[2], cells = g.s.out[0] * g.s.out[1] * g.s.out[2], channels = s->groups * s->channels;
    int joined = 1, failed;               /* joined: whether the phases already are the gradient */
    for (int d = 0; d < 3; d++) joined &= s->stride[d] == 1 || g.s.spacing[d] > 1;
    if (joined && R(fast_forward)(threads, winograd, &g.s, grad, w, 1, bias, made, &failed)) return -failed;
    size_t turned = s->groups * g.s.filters * g.s.channels * g.s.kernel[0] * g.s.kernel[1] * g.s.kernel[2];
    real *filters = scratch_get((turned + (joined ? 0 : s->batch * channels * phases * cells)) * sizeof(real)), *parts = filters + turned;
    if (!filters) return -1;
    R(turn_filters)(s, &g, w, filters);
    failed = R(forward)(threads, winograd, &g.s, grad, filters, joined ? bias : NULL, joined ? made : parts);
    if (!joined && !failed) {
        isize size = s->in[0] * s->in[1] * s->in[2];
#pragma omp parallel for num_threads(threads) if (threads > 1 && s->batch * channels * size > CONV_SERIAL)
        for (isize c = 0; c < s->batch * channels; c++)
            R(join_phases)(s, &g, parts + c * phases * cells, bias ? ((const real *)bias)[c % channels] : 0,
                           (real *)made + c * size);
    }
    scratch_put(filters);
    return failed;
}

static int R(weight_gradient)(int threads, int winograd, const conv_shape *s, const void *x, const void *grad, void *dw) {
    int failed;
    if (R(fast_weight)(threads, winograd, s, x, grad, dw, &failed)) return -failed;
    return R(direct_weight)(threads, s, x, grad, dw);
}
