/* Convolutions with fewer multiplications (Winograd 1980; Lavin and Gray 2016) of float, stride 1: F(2x4,3x3), F(4x4,3x3) and F(2x2,5x5).
 * A tile of m x n results needs (m + r - 1)(n + r - 1) products a channel instead of m n r^2. With the points 0, +-p of every pair and infinity,
 *     Y = A^T [ (G g G'^T) * (B^T d B') ] A',   summed over channels: a product of matrices for each place of the tile.
 * Lines of four, and of two for 5x5, use the points +-5/8 and +-3/2, whose powers are exact in float: a quarter of the error of +-1, +-2.
 * Most of what is left comes of long sums over channels, whose rounding the way out of M magnifies; so they are made a few channels at a time.
 * The weight gradient is the adjoint of the same three transforms.
 *
 * Vectors hold 8 channels. V[place][tile][channel] are the inputs, U[place][panel of filters][channel][16] the filters, M[place][tile][filter] or, forward,
 * [place][panel][tile][16] the products. Only for finite numbers: one that is not, or is huge, would spread over its tile; then nothing is made and the caller sums directly. */
#pragma once
#include "conv_kernels.h"
#include "parallel.h"

enum { WINOGRAD_REFUSED = 1, WINOGRAD_MEMORY = 480000, MOST_PLACES = 36 };
#define WINOGRAD_LIMIT 1e18f

/* Along one dim; size = tile + kernel - 1 = 2 * pairs + 2 */
typedef struct { int tile, size, pairs; float point[2]; } winograd_line;
#define TWO_OF_3 {2, 4, 1, {1}}
#define FOUR_OF_3 {4, 6, 2, {.625f, 1.5f}}
#define TWO_OF_5 {2, 6, 2, {.625f, 1.5f}}
/* `longest`: channels that one sum takes at most */
typedef struct { int kernel, longest; winograd_line down, across; } winograd_rule;
static const winograd_rule F24 = {3, 32, TWO_OF_3, FOUR_OF_3}, F44 = {3, 32, FOUR_OF_3, FOUR_OF_3}, F25 = {5, 16, TWO_OF_5, TWO_OF_5};

/* How the tiles of a convolution lie. Channels and filters are padded to whole vectors and panels. */
typedef struct {
    isize images, high, wide, tiles;      /* tiles down, across, in all */
    isize rows, row;                      /* of a blocked copy of an image, [channel / 8][rows][row][8] */
    isize channels, filters;
    isize u_place;                        /* between the places of U */
} winograd_plan;

/* Tables of one matrix a place: an odd number of cache lines apart, lest all places fall into the same sets. */
INLINE isize place_size(isize numbers) { return up_to_multiple(numbers, 32) + 16; }

static winograd_plan winograd_plan_of(const winograd_rule *f, const conv_shape *s) {
    winograd_plan p = {.images = s->batch, .high = (s->out[1] + f->down.tile - 1) / f->down.tile,
                       .wide = (s->out[2] + f->across.tile - 1) / f->across.tile};
    p.tiles = p.images * p.high * p.wide;
    p.rows = p.high * f->down.tile + f->kernel - 1, p.row = p.wide * f->across.tile + f->kernel - 1;
    p.channels = up_to_multiple(s->channels, 8), p.filters = up_to_multiple(s->filters, 16);
    p.u_place = place_size(p.channels * p.filters);
    return p;
}

/* ---- transforms of a line of vectors, `step` apart. All that has a rule is inlined where the rule is known, so that its numbers are constants. */
INLINE float power(float x, int n) { return (n > 0 ? x : 1) * (n > 1 ? x : 1) * (n > 2 ? x : 1) * (n > 3 ? x : 1); }      /* n < 5 */

/* B^T: size -> size */
INLINE void input_line(const winograd_line *f, const f32x8 *d, int step, f32x8 *o) {
    if (f->pairs == 1) {
        o[0] = d[2 * step] - d[0], o[1] = d[2 * step] + d[step], o[2] = d[2 * step] - d[step], o[3] = d[3 * step] - d[step];
        return;
    }
    float a2 = f->point[0] * f->point[0], b2 = f->point[1] * f->point[1];
    f32x8 d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    o[0] = f32_fma(f32_all(a2 * b2), d[0], f32_fma(f32_all(-(a2 + b2)), d2, d4));
    o[5] = f32_fma(f32_all(a2 * b2), d1, f32_fma(f32_all(-(a2 + b2)), d3, d[5 * step]));
    f32x8 even = f32_fma(f32_all(-b2), d2, d4), odd = f32_fma(f32_all(-b2), d1, d3) * f32_all(f->point[0]);
    o[1] = even + odd, o[2] = even - odd;
    even = f32_fma(f32_all(-a2), d2, d4), odd = f32_fma(f32_all(-a2), d1, d3) * f32_all(f->point[1]);
    o[3] = even + odd, o[4] = even - odd;
}

/* A^T: size -> tile, or G^T without its factors: size -> kernel */
INLINE void sum_line(const winograd_line *f, int length, const f32x8 *d, int step, f32x8 *o) {
#pragma GCC unroll 5
    for (int i = 0; i < length; i++) {
        f32x8 sum = i == 0 ? d[0] : i == length - 1 ? d[(f->size - 1) * step] : f32_all(0);
#pragma GCC unroll 2
        for (int p = 0; p < f->pairs; p++) {
            f32x8 plus = d[(2 * p + 1) * step], minus = d[(2 * p + 2) * step];
            sum = f32_fma(f32_all(power(f->point[p], i)), i % 2 ? plus - minus : plus + minus, sum);
        }
        o[i] = sum;
    }
}

/* A: tile -> size, or G without its factors: kernel -> size */
INLINE void spread_line(const winograd_line *f, int length, const f32x8 *d, int step, f32x8 *o) {
    o[0] = d[0], o[f->size - 1] = d[(length - 1) * step];
#pragma GCC unroll 2
    for (int p = 0; p < f->pairs; p++) {
        f32x8 even = d[0], odd = d[step] * f32_all(f->point[p]);
#pragma GCC unroll 5
        for (int i = 2; i < length; i++) {
            if (i % 2) odd = f32_fma(f32_all(power(f->point[p], i)), d[i * step], odd);
            else even = f32_fma(f32_all(power(f->point[p], i)), d[i * step], even);
        }
        o[2 * p + 1] = even + odd, o[2 * p + 2] = even - odd;
    }
}

/* The factors of G, one a place along a line: 1 / M'(point) for M(x) = x times all x^2 - p^2. */
INLINE float factor_of(const winograd_line *f, int place) {
    float a2 = f->point[0] * f->point[0], b2 = f->point[1] * f->point[1];
    if (place == f->size - 1) return 1;
    if (f->pairs == 1) return place == 0 ? -1 : .5f;
    return place == 0 ? 1 / (a2 * b2) : place < 3 ? 1 / (2 * a2 * (a2 - b2)) : 1 / (2 * b2 * (b2 - a2));
}

/* ---- copies and transforms of tiles */
INLINE i32x8 not_small(f32x8 v) { return ~((v < f32_all(WINOGRAD_LIMIT)) & (v > f32_all(-WINOGRAD_LIMIT))); }
INLINE int any_set(i32x8 m) { return (m[0] | m[1] | m[2] | m[3] | m[4] | m[5] | m[6] | m[7]) != 0; }

/* Eight channels of an image into [rows][row][8], zeros around it and in channels past the last; says whether a number was not small. */
static int winograd_block(const conv_shape *s, const float *x, isize channels, isize rows, isize row, isize pad_h, isize pad_w,
                          isize high, isize wide,
                          isize step_c, isize step_h, isize step_w, float *to) {
    i32x8 bad = {0};
    isize first = isize_min(row, isize_max(0, pad_w)), last = isize_max(first, isize_min(row, pad_w + wide));
    for (isize h = 0; h < rows; h++, to += row * 8) {
        if (h < pad_h || h >= pad_h + high || first == last) { memset(to, 0, row * 32); continue; }
        const float *from = x + (h - pad_h) * step_h - pad_w * step_w;
        isize w = first;
        memset(to, 0, first * 32);
        memset(to + last * 8, 0, (row - last) * 32);
        if (channels == 8 && step_w == 1)
            for (; w + 8 <= last; w += 8) {
                f32x8 r[8];
#pragma GCC unroll 8
                for (int c = 0; c < 8; c++) r[c] = f32_load(from + c * step_c + w), bad |= not_small(r[c]);
                f32_transpose8(r);
#pragma GCC unroll 8
                for (int c = 0; c < 8; c++) f32_store(to + (w + c) * 8, r[c]);
            }
        for (; w < last; w++) {
            float cell[8] = {0};
            for (int c = 0; c < channels; c++) cell[c] = from[c * step_c + w * step_w];
            f32x8 v = f32_load(cell);
            bad |= not_small(v);
            f32_store(to + w * 8, v);
        }
    }
    return any_set(bad);
}

INLINE void input_tile(const winograd_rule *f, const float *x, isize row, float *v, isize place) {
    const int high = f->down.size, wide = f->across.size;
    f32x8 d[MOST_PLACES], t[MOST_PLACES], o[6];
    for (int i = 0; i < high; i++)
        for (int j = 0; j < wide; j++) d[j * high + i] = f32_load(x + (i * row + j) * 8);
#pragma GCC unroll 6
    for (int j = 0; j < wide; j++) input_line(&f->down, d + j * high, 1, t + j * high);
#pragma GCC unroll 6
    for (int i = 0; i < high; i++) {
        input_line(&f->across, t + i, high, o);
        for (int j = 0; j < wide; j++) f32_store(v + (i * wide + j) * place, o[j]);
    }
}

/* The adjoint of output_tile: a tile of the gradient to its places. */
INLINE void gradient_tile_of(const winograd_rule *f, const float *x, isize row, float *v, isize place) {
    f32x8 d[16], t[24], o[6];
    const int tile = f->down.tile, high = f->down.size, wide = f->across.size;
    for (int i = 0; i < tile; i++)
        for (int j = 0; j < f->across.tile; j++) d[j * tile + i] = f32_load(x + (i * row + j) * 8);
#pragma GCC unroll 6
    for (int j = 0; j < f->across.tile; j++) spread_line(&f->down, tile, d + j * tile, 1, t + j * high);
#pragma GCC unroll 6
    for (int i = 0; i < high; i++) {
        spread_line(&f->across, f->across.tile, t + i, high, o);
        for (int j = 0; j < wide; j++) f32_store(v + (i * wide + j) * place, o[j]);
    }
}

/* A tile of results into rows of vectors, `row` numbers apart. */
INLINE void output_tile(const winograd_rule *f, const float *m, isize place, f32x8 bias, float *to, isize row) {
    const int tile = f->down.tile, wide = f->across.size;
    f32x8 d[MOST_PLACES], t[24], o[4];
    for (int i = 0; i < f->down.size * wide; i++) d[i] = f32_load(m + i * place);
#pragma GCC unroll 6
    for (int j = 0; j < wide; j++) sum_line(&f->down, tile, d + j, wide, t + j * tile);
#pragma GCC unroll 4
    for (int i = 0; i < tile; i++) {
        sum_line(&f->across, f->across.tile, t + i, tile, o);
#pragma GCC unroll 4
        for (int j = 0; j < f->across.tile; j++) f32_store(to + i * row + j * 8, o[j] + bias);
    }
}

/* `columns` vectors of `channels` channels as rows of numbers, `channel` apart. */
static void winograd_unblock(const float *from, isize columns, int channels, float *to, isize channel) {
    for (isize w = 0; w < columns; w += 8) {
        int width = (int)isize_min(8, columns - w);
        f32x8 r[8];
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++) r[k] = f32_load(from + (w + k) * 8);
        f32_transpose8(r);
        if (width == 8 && channels == 8) {
#pragma GCC unroll 8
            for (int c = 0; c < 8; c++) f32_store(to + c * channel + w, r[c]);
        } else
            for (int c = 0; c < channels; c++) f32_store_part(to + c * channel + w, r[c], width);
    }
}

/* ---- filters */
/* Where a weight is: w[filter * step_filter + channel * step_channel + tap], taps counted from the end when turned. */
typedef struct { const float *w; isize filter, channel; int turned; } filter_view;

/* One tap a vector, of `filters` <= 8 filters of a channel. */
INLINE void load_taps(const winograd_rule *f, const filter_view *v, const float *w, int filters, f32x8 *g) {
    int taps = f->kernel * f->kernel, t = 0;
    for (; filters == 8 && t + 8 <= taps; t += 8) {
        f32x8 r[8];
#pragma GCC unroll 8
        for (int l = 0; l < 8; l++) r[l] = f32_load(w + l * v->filter + t);
        f32_transpose8(r);
#pragma GCC unroll 8
        for (int l = 0; l < 8; l++) g[v->turned ? taps - 1 - t - l : t + l] = r[l];
    }
    for (; t < taps; t++) {
        const float *from = w + t;
        float cell[8] = {0};
        for (int l = 0; l < filters && filters < 8; l++) cell[l] = from[l * v->filter];
        g[v->turned ? taps - 1 - t : t] = filters < 8 ? f32_load(cell)
            : (f32x8){from[0], from[v->filter], from[2 * v->filter], from[3 * v->filter], from[4 * v->filter], from[5 * v->filter],
                      from[6 * v->filter], from[7 * v->filter]};
    }
}

/* U of the 16 filters from `first` and the channels [begin, end), [place][channel][16] with places `step` apart; says whether a number was not small. */
INLINE int filter_panel(const winograd_rule *f, const filter_view *v, const conv_shape *s, isize first, isize begin, isize end,
                        float *u, isize step) {
    const int high = f->down.size, wide = f->across.size;
    i32x8 bad = {0};
    for (isize c0 = begin; c0 < end; c0 += 8)            /* eight filters of a few channels at a time: filters are far apart */
        for (int half = 0; half < 16; half += 8)
            for (isize c = c0; c < isize_min(c0 + 8, end); c++) {
                int count = c < s->channels ? (int)isize_max(0, isize_min(8, s->filters - first - half)) : 0;
                float *to = u + (c - begin) * 16 + half;
                f32x8 g[25], t[30], o[6];
                load_taps(f, v, v->w + (first + half) * v->filter + c * v->channel, count, g);
                for (int i = 0; i < f->kernel * f->kernel; i++) bad |= not_small(g[i]);
#pragma GCC unroll 5
                for (int j = 0; j < f->kernel; j++) spread_line(&f->down, f->kernel, g + j, f->kernel, t + j * high);
#pragma GCC unroll 6
                for (int i = 0; i < high; i++) {
                    spread_line(&f->across, f->kernel, t + i, high, o);
#pragma GCC unroll 6
                    for (int j = 0; j < wide; j++)
                        f32_store(to + (i * wide + j) * step, o[j] * f32_all(factor_of(&f->down, i) * factor_of(&f->across, j)));
                }
            }
    return any_set(bad);
}

/* The adjoint: gradients of 8 filters of one channel, from their places `step` apart. */
INLINE void filter_gradient(const winograd_rule *f, const float *u, isize step, int filters, float *dw, isize filter) {
    const int wide = f->across.size;
    f32x8 d[MOST_PLACES], t[30], o[5];
    for (int i = 0; i < f->down.size; i++)
        for (int j = 0; j < wide; j++) d[i * wide + j] = f32_load(u + (i * wide + j) * step) * f32_all(factor_of(&f->down, i) * factor_of(&f->across, j));
#pragma GCC unroll 6
    for (int j = 0; j < wide; j++) sum_line(&f->down, f->kernel, d + j, wide, t + j * f->kernel);
#pragma GCC unroll 5
    for (int i = 0; i < f->kernel; i++) {
        sum_line(&f->across, f->kernel, t + i, f->kernel, o);
        for (int j = 0; j < f->kernel; j++)
            for (int l = 0; l < filters; l++) dw[l * filter + i * f->kernel + j] = o[j][l];
    }
}
