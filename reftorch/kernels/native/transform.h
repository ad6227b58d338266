/* Copies that bring images into the order in which convolutions read them, a template (real.h).
 *
 * The padded copy of an image holds exactly the cells that its windows touch, zeros included. Its columns are split by their phase modulo the
 * stride ([channel][d][h][phase][w / stride]) where neighbouring windows are to read neighbouring numbers whatever the stride. Tap k of the window at
 * pixel (d, h, w) is then at  d * stride_d * plane + h * stride_h * row + w * step + offset[k]. */
#include "gemm.h"
#include "conv_kernels.h"

#ifndef TRANSFORM_H
#define TRANSFORM_H
enum { SLACK = 64 };                      /* numbers that vectors may read past the end of a copy */

typedef struct {
    conv_shape s;
    isize size[3];                        /* of the padded image, before its columns are split */
    isize phases, step;                   /* of its columns: the stride and 1, or 1 and the stride where they are not split */
    isize phase, row, plane, channel, group, image;      /* steps of the padded copy; `group` is that of the copied channels */
    isize taps, pixels, rows;             /* length of a window's sum; pixels and rows of pixels of one result */
} conv_plan;

static conv_plan plan_of(const conv_shape *s, int split) {
    conv_plan p = {.s = *s, .phases = split ? s->stride[2] : 1, .step = split ? 1 : s->stride[2]};
    for (int d = 0; d < 3; d++) p.size[d] = (s->out[d] - 1) * s->stride[d] + (s->kernel[d] - 1) * s->dilation[d] + 1;
    p.phase = (p.size[2] + p.phases - 1) / p.phases;
    p.row = p.phase * p.phases;
    p.plane = p.size[1] * p.row;
    p.channel = p.size[0] * p.plane;
    p.group = s->channels * p.channel;
    p.image = s->groups * p.group;
    p.taps = s->channels * s->kernel[0] * s->kernel[1] * s->kernel[2];
    p.rows = s->out[0] * s->out[1];
    p.pixels = p.rows * s->out[2];
    return p;
}

/* Where no window leaves x, whose rows are contiguous and whose images are within the reach of offsets: makes x its own padded copy. */
static int read_in_place(conv_plan *p) {
    const conv_shape *s = &p->s;
    isize reach = s->channels * s->x_strides[1] + s->in[0] * s->x_strides[2] + s->in[1] * s->x_strides[3] + s->in[2];
    int plain = s->x_strides[4] == 1 && p->phases == 1 && reach < INT32_MAX;
    for (int d = 0; d < 3; d++) plain &= s->pad[d] == 0 && s->spacing[d] == 1 && p->size[d] <= s->in[d];
    if (plain) p->row = s->x_strides[3], p->plane = s->x_strides[2], p->channel = s->x_strides[1], p->image = s->x_strides[0], p->group = s->channels * p->channel;
    return plain;
}

static void plan_offsets(const conv_plan *p, int *offset) {
    const conv_shape *s = &p->s;
    for (isize c = 0; c < s->channels; c++)
        for (isize d = 0; d < s->kernel[0]; d++)
            for (isize h = 0; h < s->kernel[1]; h++)
                for (isize w = 0; w < s->kernel[2]; w++) {
                    isize column = w * s->dilation[2];
                    *offset++ = (int)(c * p->channel + d * s->dilation[0] * p->plane + h * s->dilation[1] * p->row
                                      + column % p->phases * p->phase + column / p->phases);
                }
}

/* A walk over the rows of results of all images, without divisions: where windows of the row begin in the padded copy. */
typedef struct { isize image, row, h, at; } row_walk;

INLINE row_walk walk_from(const conv_plan *p, isize r) {
    row_walk w = {.image = r / p->rows, .row = r % p->rows};
    w.h = w.row % p->s.out[1];
    w.at = w.image * p->image + w.row / p->s.out[1] * p->s.stride[0] * p->plane + w.h * p->s.stride[1] * p->row;
    return w;
}
INLINE void walk_on(const conv_plan *p, row_walk *w) {
    if (++w->h < p->s.out[1]) w->row++, w->at += p->s.stride[1] * p->row;
    else *w = walk_from(p, w->image * p->rows + w->row + 1);
}

/* The cell of x at place i of the padded image; -1 for a zero. */
INLINE isize cell_at(const conv_shape *s, int dim, isize i) {
    isize j = i - s->pad[dim], spacing = s->spacing[dim];
    if (spacing > 1) j = j >= 0 && j % spacing == 0 ? j / spacing : -1;
    return j < s->in[dim] ? j : -1;          /* negative before the first */
}
#endif

INLINE void R(put_zeros)(real *to, isize count) {
    for (; count >= LANES; count -= LANES, to += LANES) V(store)(to, V(all)(0));
    if (count > 0) V(store_part)(to, V(all)(0), (int)count);
}

static void R(pad_row)(const conv_plan *p, const real *x, real *to) {
    const conv_shape *s = &p->s;
    isize step = s->x_strides[4], phases = p->phases, pad = s->pad[2], width = p->size[2];
    isize first = isize_max(0, pad), last = isize_min(width, pad + s->in[2]);
    if (phases == 1 && s->spacing[2] == 1 && step == 1 && first < last) {
        isize i = first;
        R(put_zeros)(to, first);
        for (; i + LANES <= last; i += LANES) V(store)(to + i, V(load)(x + i - pad));
        if (i < last && i > first) V(store)(to + last - LANES, V(load)(x + last - LANES - pad));
        else if (i < last) V(store_part)(to + i, V(load_part)(x + i - pad, (int)(last - i)), (int)(last - i));
        R(put_zeros)(to + last, p->row - last);
        return;
    }
    memset(to, 0, p->row * sizeof(real));
    if (s->spacing[2] > 1) {              /* a gradient, whose own stride is 1 */
        for (isize i = 0; i < s->in[2]; i++) {
            isize j = i * s->spacing[2] + pad;
            if (j >= 0 && j < width) to[j] = x[i * step];
        }
        return;
    }
    for (isize f = 0; f < phases; f++) {
        isize j = first + ((f - first) % phases + phases) % phases;
        real *phase = to + f * p->phase + j / phases;
        for (; j < last; j += phases) *phase++ = x[(j - pad) * step];
    }
}

static void R(pad_channel)(const conv_plan *p, const real *x, real *to) {
    for (isize d = 0; d < p->size[0]; d++) {
        isize from_d = cell_at(&p->s, 0, d);
        for (isize h = 0; h < p->size[1]; h++, to += p->row) {
            isize from_h = cell_at(&p->s, 1, h);
            if (from_d < 0 || from_h < 0) memset(to, 0, p->row * sizeof(real));
            else R(pad_row)(p, x + from_d * p->s.x_strides[2] + from_h * p->s.x_strides[3], to);
        }
    }
}

/* The channels of one group of image n. */
static void R(pad_group)(const conv_plan *p, const real *x, isize n, isize g, real *to) {
    for (isize c = 0; c < p->s.channels; c++)
        R(pad_channel)(p, x + n * p->s.x_strides[0] + (g * p->s.channels + c) * p->s.x_strides[1], to + c * p->channel);
}

/* to[j * to_row + i] = from[i * from_row + j] for i < rows, j < columns */
static void R(transpose_all)(const real *from, isize from_row, isize rows, isize columns, real *to, isize to_row) {
    isize i = 0;
    for (; i + LANES <= rows; i += LANES) {
        isize j = 0;
        for (; j + LANES <= columns; j += LANES) V(transpose)(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
        for (; j < columns; j++)
            for (isize k = i; k < i + LANES; k++) to[j * to_row + k] = from[k * from_row + j];
    }
    for (; i < rows; i++)
        for (isize j = 0; j < columns; j++) to[j * to_row + i] = from[i * from_row + j];
}
