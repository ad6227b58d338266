/* Gradients of the direct convolutions, a template (real.h). That by the input is a convolution of the gradient with the filters turned around. Under a
 * stride, the cells of each phase modulo the stride have taps of their own: the phases become further filters of one convolution with stride 1, whose
 * results are then put in their places. That by the weight sums over the pixels of all images, in the order of memory. */
#include "conv.h"

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

/* ---- by the weight */
/* dw [taps][PANEL] for one panel of filters and taps [first, last), from images whose padded copies follow one another; `grad` is
 * [images][pixels][PANEL]. */
static void R(weight_panel)(const conv_plan *p, const real *x, const int *offset, const real *grad, isize filters, isize first,
                            isize last,
                            real *dw, isize line_begin, isize lines, isize column, isize width) {
    isize line[LINES_AT_ONCE];
    row_walk at = walk_from(p, line_begin);
    for (isize i = 0; i < lines; i++, walk_on(p, &at)) line[i] = at.at + column;
    for (isize k = first, h; k < last; k += h) {
        h = tile_height(last - k);
        R(gradient_tile)((int)h, filters > LANES ? 2 : 1, lines, width, x, line, offset + k,
                         grad + (line_begin * p->s.out[2] + column) * PANEL,
                         dw + k * PANEL);
    }
}

/* The same for few filters, which would leave lanes of a panel empty: dw [filters][taps], taps [first, last) of it, vectors lie along rows of pixels.
 * Lines are added up a few at a time, those of one image together. */
static void R(weight_of_few)(const conv_plan *p, const real *x, const int *offset, const real *grad, isize first, isize last,
                             real *dw) {
    isize line[LINES_AT_ONCE], filters = p->s.filters, width = p->s.out[2];
    for (isize f = 0; f < filters; f++) memset(dw + f * p->taps + first, 0, (last - first) * sizeof(real));
    for (isize n = 0; n < p->s.batch; n++)
        for (isize r = 0, lines; r < p->rows; r += lines) {
            lines = isize_min(LINES_AT_ONCE, p->rows - r);
            row_walk at = walk_from(p, r);
            for (isize i = 0; i < lines; i++, walk_on(p, &at)) line[i] = at.at;
            const real *from = grad + n * p->s.groups * filters * p->pixels + r * width;
            for (isize f = 0; f < filters; f += 3)
                for (isize k = first; k < last; k += 4)
                    R(few_tile)[isize_min(3, filters - f)][isize_min(4, last - k)](lines, width, x + n * p->image, line,
                                                                                   offset + k, from + f * p->pixels,
                                                                                   p->pixels, dw + f * p->taps + k, p->taps);
        }
}

/* A 1x1 kernel: dw [filters][channels] = sum over images of grad [filters][pixels] * x^T [pixels][channels]. */
static int R(point_weight)(int threads, const conv_shape *s, isize step, isize pixels, const real *x, const real *grad,
                           real *dw) {
    for (isize g = 0; g < s->groups; g++)
        for (isize n = 0; n < s->batch; n++)
            if (R(gemm)(threads, s->filters, s->channels, pixels, grad + (n * s->groups + g) * s->filters * pixels, pixels, 1,
                        x + n * s->x_strides[0] + g * s->channels * s->x_strides[1], step, s->x_strides[1], dw + g * s->filters * s->channels, s->channels,
                        n > 0))
                return -1;
    return 0;
}

static int R(direct_weight)(int threads, const conv_shape *given, const real *x, const real *grad, real *dw) {
    conv_shape s = *given;
    isize total = s.out[0] * s.out[1] * s.out[2], step = point_step(&s);
    if (step && total >= 64 && s.filters >= TILE_ROWS && s.channels >= TILE_ROWS) return R(point_weight)(threads, &s, step, total, x, grad, dw);
    conv_plan p = plan_of(&s, 1);
    int plain = read_in_place(&p);
    isize panels = (s.filters + PANEL - 1) / PANEL, images = s.batch * s.groups, width = s.out[2];
    if ((double)images * p.pixels * s.filters * p.taps < CONV_SERIAL) threads = 1;
    int few = s.filters <= LANES && s.filters % LANES && width >= LANES;
    if (few) panels = 0;
    size_t padded = plain ? 0 : s.batch * p.image + SLACK, turned = images * panels * p.pixels * PANEL, sums = s.groups * panels * p.taps * PANEL;
    real *copies = scratch_get((padded + turned + sums) * sizeof(real) + p.taps * sizeof(int)), *grads = copies + padded, *made = grads + turned;
    if (!copies) return -1;
    int *offset = (int *)(made + sums);
    plan_offsets(&p, offset);
    const real *cells = plain ? x : copies;
    isize lines = width > 320 ? 1 : isize_min(LINES_AT_ONCE, 320 / width), columns = isize_min(width, 320);
    isize tiles = (p.taps + TILE_ROWS - 1) / TILE_ROWS, pieces = isize_min(tiles,
                                                                           threads == 1 ? 1 : (2 * threads + s.groups - 1) / s.groups);
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        if (!plain) {
#pragma omp for nowait
            for (isize c = 0; c < images * s.channels; c++) {
                isize channels = s.groups * s.channels;
                R(pad_channel)(&p, x + c / channels * s.x_strides[0] + c % channels * s.x_strides[1], copies + c * p.channel);
            }
        }
#pragma omp for
        for (isize q = 0; q < images * panels; q++) {          /* q = (group, panel, image) */
            isize n = q % s.batch, o = q / s.batch % panels * PANEL, g = q / s.batch / panels, filters = isize_min(PANEL, s.filters - o);
            real *to = grads + q * p.pixels * PANEL;
            if (filters < PANEL) memset(to, 0, p.pixels * PANEL * sizeof(real));
            R(transpose_all)(grad + ((n * s.groups + g) * s.filters + o) * p.pixels, p.pixels, filters, p.pixels, to, PANEL);
        }
#pragma omp for schedule(dynamic, 1)
        for (isize q = 0; q < s.groups * pieces; q++) {
            isize g = q / pieces, first = tiles * (q % pieces) / pieces * TILE_ROWS;
            isize last = isize_min(p.taps, tiles * (q % pieces + 1) / pieces * TILE_ROWS);
            if (few)
                R(weight_of_few)(&p, cells + g * p.group, offset, grad + g * s.filters * p.pixels, first, last,
                                 dw + g * s.filters * p.taps);
            for (isize o = 0; o < panels; o++)
                memset(made + ((g * panels + o) * p.taps + first) * PANEL, 0, (last - first) * PANEL * sizeof(real));
            for (isize r = 0; !few && r < s.batch * p.rows; r += lines)
                for (isize j = 0; j < width; j += columns)
                    for (isize o = 0; o < panels; o++)
                        R(weight_panel)(&p, cells + g * p.group, offset, grads + (g * panels + o) * s.batch * p.pixels * PANEL,
                                        s.filters - o * PANEL, first,
                                        last, made + (g * panels + o) * p.taps * PANEL, r, isize_min(lines, s.batch * p.rows - r), j,
                                        isize_min(columns, width - j));
        }
#pragma omp for
        for (isize q = 0; q < s.groups * panels; q++) {
            isize o = q % panels * PANEL;
            R(transpose_all)(made + q * p.taps * PANEL, PANEL, p.taps, isize_min(PANEL, s.filters - o),
                             dw + (q / panels * s.filters + o) * p.taps, p.taps);
        }
    }
    scratch_put(copies);
    return 0;
}

/* sums[channel] of grad [batch][channels][pixels]: vectors over a stretch, then double precision. */
static int R(channel_sums)(int threads, isize batch, isize channels, isize pixels, const void *given, void *sums) {
    if ((double)batch * channels * pixels < CONV_SERIAL) threads = 1;
#pragma omp parallel for num_threads(threads) if (threads > 1)
    for (isize c = 0; c < channels; c++) {
        double total = 0;
        for (isize n = 0; n < batch; n++) {
            const real *grad = (const real *)given + (n * channels + c) * pixels;
            for (isize j = 0; j < pixels;) {
                isize end = isize_min(pixels, j + 64 * LANES);
                vec a = V(all)(0), b = a;
                for (; j + 2 * LANES <= end; j += 2 * LANES) a += V(load)(grad + j), b += V(load)(grad + j + LANES);
                a += b;
                for (int l = 0; l < LANES; l++) total += a[l];
                for (; j < end; j++) total += grad[j];
            }
        }
        ((real *)sums)[c] = (real)total;
    }
    return 0;
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
