/* Convolutions with fewer multiplications (Winograd 1980; Lavin and Gray 2016) of float, stride 1: F(2x4,3x3), F(4x4,3x3) and F(2x2,5x5).
 * A tile of m x n results needs (m + r - 1)(n + r - 1) products a channel instead of m n r^2. With the points 0, +-p of every pair and infinity,
 *     Y = A^T [ (G g G'^T) * (B^T d B') ] A',   summed over channels: a product of matrices for each place of the tile.
 * Lines of four, and of two for 5x5, use the points +-5/8 and +-3/2, whose powers are exact in float: a quarter of the error of +-1, +-2.
 * Most of what is left comes of long sums over channels, whose rounding the way out of M magnifies; so they are made a few channels at a time.
 * The weight gradient is the adjoint of the same three transforms.
 *
 * Vectors hold LANES channels, a slice. V[place][tile][channel] are the inputs, U[place][panel of filters][channel][16] the filters and
 * M[place][panel][tile][16] the products. Only for finite numbers: one that is not, or is huge, would spread over its tile; then nothing is made and
 * the caller sums directly. */
#pragma once
#include "conv_kernels.h"
#include "parallel.h"
#include "real.h"

enum { WINOGRAD_REFUSED = 1, WINOGRAD_MEMORY = 480000, MOST_PLACES = 36 };
enum { WINOGRAD_LIMIT = 0x5d5e0b6b };            /* the bits of 1e18f */

/* Along one dim; size = tile + kernel - 1 = 2 * pairs + 2 */
typedef struct { int tile, size, pairs; float point[2]; } winograd_line;
#define TWO_OF_3 {2, 4, 1, {1}}
#define FOUR_OF_3 {4, 6, 2, {.625f, 1.5f}}
#define TWO_OF_5 {2, 6, 2, {.625f, 1.5f}}
/* `longest`: channels that one sum takes at most */
typedef struct { int kernel, longest; winograd_line down, across; } winograd_rule;
static const winograd_rule F24 = {3, 16, TWO_OF_3, FOUR_OF_3}, F44 = {3, 32, FOUR_OF_3, FOUR_OF_3}, F25 = {5, 16, TWO_OF_5, TWO_OF_5};

/* How the tiles of a convolution lie. Channels and filters are padded to whole vectors and panels. */
typedef struct {
    isize images, high, wide, tiles;      /* tiles down, across, in all */
    isize rows, row;                      /* of a blocked copy of an image, [slice][rows][row][LANES] */
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
    p.channels = up_to_multiple(s->channels, LANES), p.filters = up_to_multiple(s->filters, 16);
    p.u_place = place_size(p.channels * p.filters);
    return p;
}

/* ---- transforms of a line of vectors, `step` apart. All that has a rule is inlined where the rule is known, so that its numbers are constants. */
INLINE float power(float x, int n) { return (n > 0 ? x : 1) * (n > 1 ? x : 1) * (n > 2 ? x : 1) * (n > 3 ? x : 1); }      /* n < 5 */

/* B^T: size -> size */
INLINE void input_line(const winograd_line *f, const vec *d, int step, vec *o) {
    if (f->pairs == 1) {
        o[0] = d[2 * step] - d[0], o[1] = d[2 * step] + d[step], o[2] = d[2 * step] - d[step], o[3] = d[3 * step] - d[step];
        return;
    }
    float a2 = f->point[0] * f->point[0], b2 = f->point[1] * f->point[1];
    vec d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
    o[0] = V(fma)(V(all)(a2 * b2), d[0], V(fma)(V(all)(-(a2 + b2)), d2, d4));
    o[5] = V(fma)(V(all)(a2 * b2), d1, V(fma)(V(all)(-(a2 + b2)), d3, d[5 * step]));
    vec even = V(fma)(V(all)(-b2), d2, d4), odd = V(fma)(V(all)(-b2), d1, d3) * V(all)(f->point[0]);
    o[1] = even + odd, o[2] = even - odd;
    even = V(fma)(V(all)(-a2), d2, d4), odd = V(fma)(V(all)(-a2), d1, d3) * V(all)(f->point[1]);
    o[3] = even + odd, o[4] = even - odd;
}

/* A^T: size -> tile, or G^T without its factors: size -> kernel */
INLINE void sum_line(const winograd_line *f, int length, const vec *d, int step, vec *o) {
#pragma GCC unroll 5
    for (int i = 0; i < length; i++) {
        vec sum = i == 0 ? d[0] : i == length - 1 ? d[(f->size - 1) * step] : V(all)(0);
#pragma GCC unroll 2
        for (int p = 0; p < f->pairs; p++) {
            vec plus = d[(2 * p + 1) * step], minus = d[(2 * p + 2) * step];
            sum = V(fma)(V(all)(power(f->point[p], i)), i % 2 ? plus - minus : plus + minus, sum);
        }
        o[i] = sum;
    }
}

/* A: tile -> size, or G without its factors: kernel -> size */
INLINE void spread_line(const winograd_line *f, int length, const vec *d, int step, vec *o) {
    o[0] = d[0], o[f->size - 1] = d[(length - 1) * step];
#pragma GCC unroll 2
    for (int p = 0; p < f->pairs; p++) {
        vec even = d[0], odd = d[step] * V(all)(f->point[p]);
#pragma GCC unroll 5
        for (int i = 2; i < length; i++) {
            if (i % 2) odd = V(fma)(V(all)(power(f->point[p], i)), d[i * step], odd);
            else even = V(fma)(V(all)(power(f->point[p], i)), d[i * step], even);
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
/* The larger of sizes of numbers, seen as whole numbers: as such infinity is larger than any number, and NaN than infinity. */
INLINE bits larger_size(bits largest, vec v) {
    bits size = (bits)v & INT32_MAX, more = size > largest;
    return (size & more) | (largest & ~more);
}
INLINE int not_small(bits largest) {
    int bad = 0;
    for (int l = 0; l < LANES; l++) bad |= largest[l] >= WINOGRAD_LIMIT;
    return bad;
}

/* The eight lanes of v from `first` on; the vector whose lanes are r[0] and, where it is as long, r[8]. */
#ifdef WIDE_VECTORS
INLINE f32x8 octet(vec v, int first) {
    return first ? __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15) : __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
}
INLINE vec of_octets(const f32x8 *r) { return __builtin_shufflevector(r[0], r[8], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
#else
INLINE f32x8 octet(vec v, int first) { return v; }
INLINE vec of_octets(const f32x8 *r) { return r[0]; }
#endif

/* A slice of an image into [rows][row][LANES], zeros around it and in channels past the last; says whether a number was not small. */
static int winograd_block(const conv_shape *s, const float *x, isize channels, isize rows, isize row, isize pad_h, isize pad_w, isize high,
                          isize wide, isize step_c, isize step_h, isize step_w, float *to) {
    bits largest = {0};
    isize first = isize_min(row, isize_max(0, pad_w)), last = isize_max(first, isize_min(row, pad_w + wide));
    for (isize h = 0; h < rows; h++, to += row * LANES) {
        if (h < pad_h || h >= pad_h + high || first == last) { memset(to, 0, row * LANES * sizeof(float)); continue; }
        memset(to, 0, first * LANES * sizeof(float));
        memset(to + last * LANES, 0, (row - last) * LANES * sizeof(float));
        for (isize w = first; w < last; w += 8) {
            const float *from = x + (h - pad_h) * step_h + (w - pad_w) * step_w;
            int width = (int)isize_min(8, last - w);
            f32x8 r[LANES];
            if (width == 8 && channels == LANES && step_w == 1)
#pragma GCC unroll 16
                for (int c = 0; c < LANES; c++) r[c] = f32_load(from + c * step_c);
            else {
                float part[LANES][8];
                for (int c = 0; c < LANES; c++, from += step_c) {
                    __builtin_prefetch(from + 64);           /* rows to come, or channels: small images are fetched by nothing else */
                    f32_store(part[c], c < channels && step_w == 1 ? f32_load_part(from, width) : f32_all(0));
                    for (int k = 0; c < channels && step_w != 1 && k < width; k++) part[c][k] = from[k * step_w];
                }
#pragma GCC unroll 16
                for (int c = 0; c < LANES; c++) r[c] = f32_load(part[c]);
            }
#pragma GCC unroll 2
            for (int c = 0; c < LANES; c += 8) f32_transpose8(r + c);
#pragma GCC unroll 8
            for (int k = 0; k < 8; k++)
                if (k < width) {
                    vec v = of_octets(r + k);
                    largest = larger_size(largest, v);
                    V(store)(to + (w + k) * LANES, v);
                }
        }
    }
    return not_small(largest);
}

INLINE void input_tile(const winograd_rule *f, const float *x, isize row, float *v, isize place) {
    const int high = f->down.size, wide = f->across.size;
    vec d[MOST_PLACES], t[MOST_PLACES], o[6];
#pragma GCC unroll 6
    for (int i = 0; i < high; i++)
#pragma GCC unroll 6
        for (int j = 0; j < wide; j++) d[j * high + i] = V(load)(x + (i * row + j) * LANES);
#pragma GCC unroll 6
    for (int j = 0; j < wide; j++) input_line(&f->down, d + j * high, 1, t + j * high);
#pragma GCC unroll 6
    for (int i = 0; i < high; i++) {
        input_line(&f->across, t + i, high, o);
#pragma GCC unroll 6
        for (int j = 0; j < wide; j++) V(store)(v + (i * wide + j) * place, o[j]);
    }
}

/* The adjoint of output_tile: a tile of the gradient to its places. */
INLINE void gradient_tile_of(const winograd_rule *f, const float *x, isize row, float *v, isize place) {
    vec d[16], t[24], o[6];
    const int tile = f->down.tile, high = f->down.size, wide = f->across.size;
#pragma GCC unroll 6
    for (int i = 0; i < tile; i++)
#pragma GCC unroll 6
        for (int j = 0; j < f->across.tile; j++) d[j * tile + i] = V(load)(x + (i * row + j) * LANES);
#pragma GCC unroll 6
    for (int j = 0; j < f->across.tile; j++) spread_line(&f->down, tile, d + j * tile, 1, t + j * high);
#pragma GCC unroll 6
    for (int i = 0; i < high; i++) {
        spread_line(&f->across, f->across.tile, t + i, high, o);
#pragma GCC unroll 6
        for (int j = 0; j < wide; j++) V(store)(v + (i * wide + j) * place, o[j]);
    }
}

/* A tile of results into rows of vectors, `row` numbers apart. */
INLINE void output_tile(const winograd_rule *f, const float *m, isize place, vec bias, float *to, isize row) {
    const int tile = f->down.tile, wide = f->across.size;
    vec d[MOST_PLACES], t[24], o[4];
#pragma GCC unroll 36
    for (int i = 0; i < f->down.size * wide; i++) d[i] = V(load)(m + i * place);
#pragma GCC unroll 6
    for (int j = 0; j < wide; j++) sum_line(&f->down, tile, d + j, wide, t + j * tile);
#pragma GCC unroll 4
    for (int i = 0; i < tile; i++) {
        sum_line(&f->across, f->across.tile, t + i, tile, o);
#pragma GCC unroll 4
        for (int j = 0; j < f->across.tile; j++) V(store)(to + i * row + j * LANES, o[j] + bias);
    }
}

/* `columns` vectors of `channels` channels as rows of numbers, `channel` apart. */
static void winograd_unblock(const float *from, isize columns, int channels, float *to, isize channel) {
    for (isize w = 0; w < columns; w += 8, from += 8 * LANES)
        for (int first = 0; first < channels; first += 8) {
            int width = (int)isize_min(8, columns - w), high = (int)isize_min(8, channels - first);
            float *at = to + first * channel + w;
            f32x8 r[8];
#pragma GCC unroll 8
            for (int k = 0; k < 8; k++) r[k] = f32_load(from + k * LANES + first);
            f32_transpose8(r);
            if (width == 8 && high == 8) {
#pragma GCC unroll 8
                for (int c = 0; c < 8; c++) f32_store(at + c * channel, r[c]);
            } else
                for (int c = 0; c < high; c++) f32_store_part(at + c * channel, r[c], width);
        }
}

/* ---- filters */
/* Where a weight is: w[filter * step_filter + channel * step_channel + tap], taps counted from the end when turned. */
typedef struct { const float *w; isize filter, channel; int turned; } filter_view;

/* Eight numbers that are `step` apart. */
INLINE f32x8 eight_of(const float *p, isize step) {
    return (f32x8){p[0], p[step], p[2 * step], p[3 * step], p[4 * step], p[5 * step], p[6 * step], p[7 * step]};
}

/* One tap a vector, of `filters` <= LANES filters of a channel. */
INLINE void load_taps(const winograd_rule *f, const filter_view *v, const float *w, int filters, vec *g) {
    int taps = f->kernel * f->kernel, t = 0;
    for (; filters == LANES && t + 8 <= taps; t += 8) {
        f32x8 r[LANES];
#pragma GCC unroll 16
        for (int l = 0; l < LANES; l++) r[l] = f32_load(w + l * v->filter + t);
#pragma GCC unroll 2
        for (int l = 0; l < LANES; l += 8) f32_transpose8(r + l);
#pragma GCC unroll 8
        for (int k = 0; k < 8; k++) g[v->turned ? taps - 1 - t - k : t + k] = of_octets(r + k);
    }
    for (; t < taps; t++) {
        float cell[LANES] = {0};
        f32x8 r[LANES];
        for (int l = 0; l < filters && filters < LANES; l++) cell[l] = w[l * v->filter + t];
#pragma GCC unroll 2
        for (int l = 0; l < LANES; l += 8) r[l] = filters < LANES ? f32_load(cell + l) : eight_of(w + l * v->filter + t, v->filter);
        g[v->turned ? taps - 1 - t : t] = of_octets(r);
    }
}

/* U of the 16 filters from `first` and the channels [begin, end), [place][channel][16] with places `step` apart; says whether a number was not small. */
INLINE int filter_panel(const winograd_rule *f, const filter_view *v, const conv_shape *s, isize first, isize begin, isize end,
                        float *u, isize step) {
    const int high = f->down.size, wide = f->across.size;
    bits largest = {0};
    for (isize c0 = begin; c0 < end; c0 += 8)            /* some filters of a few channels at a time: filters are far apart */
        for (int part = 0; part < 16; part += LANES)
            for (isize c = c0; c < isize_min(c0 + 8, end); c++) {
                int count = c < s->channels ? (int)isize_max(0, isize_min(LANES, s->filters - first - part)) : 0;
                float *to = u + (c - begin) * 16 + part;
                vec g[25], t[30], o[6];
                load_taps(f, v, v->w + (first + part) * v->filter + c * v->channel, count, g);
#pragma GCC unroll 25
                for (int i = 0; i < f->kernel * f->kernel; i++) largest = larger_size(largest, g[i]);
#pragma GCC unroll 5
                for (int j = 0; j < f->kernel; j++) spread_line(&f->down, f->kernel, g + j, f->kernel, t + j * high);
#pragma GCC unroll 6
                for (int i = 0; i < high; i++) {
                    spread_line(&f->across, f->kernel, t + i, high, o);
#pragma GCC unroll 6
                    for (int j = 0; j < wide; j++)
                        V(store)(to + (i * wide + j) * step, o[j] * V(all)(factor_of(&f->down, i) * factor_of(&f->across, j)));
                }
            }
    return not_small(largest);
}

/* The adjoint: gradients of up to LANES filters of one channel, from their places `step` apart. */
INLINE void filter_gradient(const winograd_rule *f, const float *u, isize step, int filters, float *dw, isize filter) {
    const int wide = f->across.size, kernel = f->kernel, taps = kernel * kernel;
    vec d[MOST_PLACES], t[30], o[25];
#pragma GCC unroll 6
    for (int i = 0; i < f->down.size; i++)
#pragma GCC unroll 6
        for (int j = 0; j < wide; j++)
            d[i * wide + j] = V(load)(u + (i * wide + j) * step) * V(all)(factor_of(&f->down, i) * factor_of(&f->across, j));
#pragma GCC unroll 6
    for (int j = 0; j < wide; j++) sum_line(&f->down, kernel, d + j, wide, t + j * kernel);
#pragma GCC unroll 5
    for (int i = 0; i < kernel; i++) sum_line(&f->across, kernel, t + i, kernel, o + i * kernel);
    for (int first = 0; first < LANES; first += 8)
        for (int l = 0, k = 0; k + 8 < taps; k += 8) {
            f32x8 r[8];
#pragma GCC unroll 8
            for (int i = 0; i < 8; i++) r[i] = octet(o[k + i], first);
            f32_transpose8(r);
            for (l = first; l < isize_min(first + 8, filters); l++) f32_store(dw + l * filter + k, r[l - first]);
        }
    for (int l = 0; l < filters; l++) dw[l * filter + taps - 1] = o[taps - 1][l];
}
