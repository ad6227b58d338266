/* Whole convolutions by the transforms of winograd.h: forward (also the gradient by the input) and gradient by the weight.
 *
 * The tables of all places are many times as large as the images, so they are made a piece at a time, in the cache. Where there are more tiles than
 * filters, a piece is a block of tiles with all filters, whose U is made once; where there are fewer, it is a panel of filters with all tiles, whose
 * V is made once. */
#pragma once
#include "winograd.h"

enum { CHANNELS_AT_ONCE = 48, FILTERS_AT_ONCE = 32, SLICES_OF_LINE = 16 / LANES, TILES_AHEAD = 3, LEAST_BLOCK = 36, LARGEST_BLOCK = 96 };
enum { U_NEAR = 1536 << 10, M_NEAR = 128 << 10 };   /* bytes of U and numbers of M that stay in the caches next to the core, more or less */

typedef struct {
    const conv_shape *s;
    winograd_plan p;
    isize places, panels, slices, taps, pixels;
    isize part;                           /* channels that are summed at a time */
    isize x_image, y_image;               /* one slice of a blocked image of x, and of the gradient */
} winograd_job;

static winograd_job winograd_job_of(const winograd_rule *f, const conv_shape *s) {
    winograd_job j = {.s = s, .p = winograd_plan_of(f, s), .places = f->down.size * f->across.size, .taps = f->kernel * f->kernel,
                      .pixels = s->out[1] * s->out[2]};
    j.panels = j.p.filters / 16, j.slices = j.p.channels / LANES;
    j.x_image = j.p.rows * j.p.row * LANES, j.y_image = j.p.high * j.p.wide * f->down.tile * f->across.tile * LANES;
    return j;
}

/* Where a tile lies in its image. */
typedef struct { isize image, row, column; } tile_place;
INLINE tile_place tile_at(const winograd_rule *f, const winograd_plan *p, isize t) {
    isize r = t % (p->high * p->wide);
    return (tile_place){t / (p->high * p->wide), r / p->wide * f->down.tile, r % p->wide * f->across.tile};
}
INLINE void tile_on(const winograd_rule *f, const winograd_plan *p, tile_place *at) {        /* to the tile after it, without divisions */
    if ((at->column += f->across.tile) < p->wide * f->across.tile) return;
    at->column = 0;
    if ((at->row += f->down.tile) < p->high * f->down.tile) return;
    at->row = 0, at->image++;
}

/* The blocked copy of slice q = (image, slice) of group g of x. */
static int block_input(const winograd_job *j, const float *x, isize g, isize q, float *copies) {
    const conv_shape *s = j->s;
    isize c = q % j->slices * LANES, n = q / j->slices;
    return winograd_block(s, x + n * s->x_strides[0] + (g * s->channels + c) * s->x_strides[1], isize_min(LANES, s->channels - c),
                          j->p.rows, j->p.row,
                          s->pad[1], s->pad[2], s->in[1], s->in[2], s->x_strides[1], s->x_strides[3], s->x_strides[4], copies + q * j->x_image);
}

/* V of the tiles [first, first + count) and the slices [begin, end): as many slices as fill a cache line of V at a time along the tiles. V has the
 * channels in parts, [part][tile][channel of the part], of `rows` tiles each. */
INLINE void load_tiles(const winograd_rule *f, const winograd_job *j, const float *copies, isize first, isize count, isize begin,
                       isize end, float *v, isize v_place, isize rows) {
    for (isize line = begin; line < end; line += SLICES_OF_LINE) {
        float *to = v + line * LANES / j->part * rows * j->part + line * LANES % j->part;         /* a part has whole lines */
        tile_place at = tile_at(f, &j->p, first);
        for (isize t = 0; t < count; t++, tile_on(f, &j->p, &at))
            for (isize c = line; c < isize_min(line + SLICES_OF_LINE, end); c++) {
                const float *from = copies + (at.image * j->slices + c) * j->x_image + (at.row * j->p.row + at.column) * LANES;
                for (int i = 0; i < f->down.size; i++)
                    for (int k = 0; k < f->across.tile; k += 16 / LANES)
                        __builtin_prefetch(from + (i * j->p.row + TILES_AHEAD * f->across.tile + 2 + k) * LANES);
                input_tile(f, from, j->p.row, to + t * j->part + (c - line) * LANES, v_place);
            }
    }
}

/* Results of filters [begin, end) of group g from M [place][panel][tile][16]. Tiles that follow one another in a row of tiles go through a strip of
 * vectors, from which whole rows of results are written. */
INLINE void store_tiles(const winograd_rule *f, const winograd_job *j, isize g, isize first, isize count, isize begin, isize end,
                        const float *m,
                        isize m_place, isize m_panel, const float *bias, float *out) {
    const conv_shape *s = j->s;
    enum { RUN = 16, ROW = (RUN * 4 + 8) * LANES };
    const int places = f->down.size * f->across.size, far = m_place * places > M_NEAR;
    float strip[4 * ROW];
    for (isize panel = begin; panel < end; panel += 16)
        for (isize t = 0, run; t < count; t += run) {
            tile_place at = tile_at(f, &j->p, first + t);
            run = isize_min(isize_min(RUN, count - t), j->p.wide - at.column / f->across.tile);
            isize high = isize_min(f->down.tile, s->out[1] - at.row), wide = isize_min(run * f->across.tile, s->out[2] - at.column);
            for (isize o = panel; o < isize_min(panel + 16, end); o += LANES) {
                int filters = (int)isize_min(LANES, end - o);
                vec start = bias ? V(load_part)(bias + g * s->filters + o, filters) : V(all)(0);
                const float *from = m + (o - begin) / 16 * m_panel + t * 16 + (o - begin) % 16;
                float *to = out + ((at.image * s->groups + g) * s->filters + o) * j->pixels + at.row * s->out[2] + at.column;
                for (isize i = 0; i < high; i++)       /* by the time that the strip is full, so is the memory for it there */
                    for (int l = 0; l < filters; l++)
                        for (isize w = 0; w < wide; w += 16) __builtin_prefetch(to + l * j->pixels + i * s->out[2] + w, 1);
                for (isize k = 0; k < run; k++) {
                    for (int i = 0; i < places && far; i++) __builtin_prefetch(from + i * m_place + (k + TILES_AHEAD + 1) * 16);
                    output_tile(f, from + k * 16, m_place, start, strip + k * f->across.tile * LANES, ROW);
                }
                for (isize i = 0; i < high; i++) winograd_unblock(strip + i * ROW, wide, filters, to + i * s->out[2], j->pixels);
            }
        }
}

/* M (+)= V U of one place and panel, U [channel][16]. Meanwhile the panel `next` numbers on, if any, is fetched. */
static void multiply(isize tiles, isize channels, const float *v, isize v_row, isize v_column, const float *u, float *m, isize m_row, int accumulate,
                     isize next) {
    const float *ahead = u + next, *end = ahead + (next ? channels * 16 : 0);
    isize share = channels * 16 / ((tiles + TILE_ROWS - 1) / TILE_ROWS) + 16;
    for (isize t = 0, h; t < tiles; t += h) {
        for (const float *stop = ahead + share; ahead < stop && ahead < end; ahead += 16) __builtin_prefetch(ahead, 0, 2);
        h = tile_height(tiles - t);
#ifdef WIDE_VECTORS                     /* by name, lest all of gemm.h's tiles be built here */
        one_f32[h](channels, v + t * v_row, v_row, v_column, u, 16, m + t * m_row, m_row, accumulate, u);
#else
        gemm_tile_f32((int)h, 16, channels, v + t * v_row, v_row, v_column, u, 16, m + t * m_row, m_row, accumulate);
#endif
    }
}

/* M, that is A dy A^T, of the tiles [first, first + count) and all filters, [place][panel][tile][16] with `rows` tiles a panel. */
INLINE void load_gradient(const winograd_rule *f, const winograd_job *j, const float *copies, isize first, isize count, float *m, isize m_place,
                          isize rows) {
    isize wide = j->p.wide * f->across.tile;
    for (isize panel = 0; panel < j->panels; panel++) {
        tile_place at = tile_at(f, &j->p, first);
        for (isize t = 0; t < count; t++, tile_on(f, &j->p, &at))
            for (isize o = 0; o < SLICES_OF_LINE; o++)
                gradient_tile_of(f, copies + ((at.image * j->panels + panel) * SLICES_OF_LINE + o) * j->y_image + (at.row * wide + at.column) * LANES,
                                 wide, m + (panel * rows + t) * 16 + o * LANES, m_place);
    }
}

/* ---- the functions of a rule, made from the above with its numbers known */
typedef struct {
    const winograd_rule *rule;
    void (*load_tiles)(const winograd_job *, const float *copies, isize first, isize count, isize begin, isize end, float *v,
                       isize v_place, isize rows);
    void (*load_gradient)(const winograd_job *, const float *copies, isize first, isize count, float *m, isize m_place, isize rows);
    void (*store_tiles)(const winograd_job *, isize g, isize first, isize count, isize begin, isize end, const float *m,
                        isize m_place, isize m_panel,
                        const float *bias, float *out);
    int (*filter_panel)(const filter_view *, const conv_shape *, isize first, isize begin, isize end, float *u, isize step);
    void (*filter_gradient)(const float *u, isize step, int filters, float *dw, isize filter);
} winograd_kind;

#define WINOGRAD(RULE) \
    static void load_tiles_##RULE(const winograd_job *j, const float *copies, isize first, isize count, isize begin, isize end, float *v, isize v_place, \
                                  isize rows) { \
        load_tiles(&RULE, j, copies, first, count, begin, end, v, v_place, rows); \
    } \
    static void load_gradient_##RULE(const winograd_job *j, const float *copies, isize first, isize count, float *m, isize m_place, isize rows) { \
        load_gradient(&RULE, j, copies, first, count, m, m_place, rows); \
    } \
    static void store_tiles_##RULE(const winograd_job *j, isize g, isize first, isize count, isize begin, isize end, const float *m, isize m_place, \
                                   isize m_panel, const float *bias, float *out) { \
        store_tiles(&RULE, j, g, first, count, begin, end, m, m_place, m_panel, bias, out); \
    } \
    static int filter_panel_##RULE(const filter_view *v, const conv_shape *s, isize first, isize begin, isize end, float *u, isize step) { \
        return filter_panel(&RULE, v, s, first, begin, end, u, step); \
    } \
    static void filter_gradient_##RULE(const float *u, isize step, int filters, float *dw, isize filter) { \
        filter_gradient(&RULE, u, step, filters, dw, filter); \
    } \
    static const winograd_kind RULE##_kind = {&RULE, load_tiles_##RULE, load_gradient_##RULE, store_tiles_##RULE, filter_panel_##RULE, \
                                              filter_gradient_##RULE};
WINOGRAD(F24) WINOGRAD(F44) WINOGRAD(F25)
#undef WINOGRAD

/* Both give WINOGRAD_REFUSED when numbers are not small. */
static int winograd_forward(const winograd_kind *kind, int threads, const conv_shape *s, const float *x, const float *w,
                            isize w_filter,
                               isize w_channel, int turned, const float *bias, float *out) {
    const winograd_rule *f = kind->rule;
    winograd_job j = winograd_job_of(f, s);
    winograd_plan p = j.p;
    /* tiles enough that reading all of U for each block weighs as little as writing and reading the block's V and M */
    isize block = isize_max(LEAST_BLOCK, 3 * p.channels * p.filters / (4 * (p.channels + p.filters)));
    block = up_to_multiple(isize_min(LARGEST_BLOCK, block), TILE_ROWS);
    isize blocks = (p.tiles + block - 1) / block, groups = (p.filters + FILTERS_AT_ONCE - 1) / FILTERS_AT_ONCE;
    /* reading V for every few filters against writing U and reading it for every block */
    int by_filters = p.tiles <= 128 && p.tiles * groups < (blocks + 2) * p.filters;
    if (by_filters) block = p.tiles, blocks = 1;
    else {                                /* even blocks, and where they are few as many for each thread */
        if (blocks * s->groups < 4 * threads) blocks = up_to_multiple(blocks, threads);
        block = up_to_multiple((p.tiles + blocks - 1) / blocks, TILE_ROWS);
        blocks = (p.tiles + block - 1) / block;
    }
    j.part = even_part(p.channels, f->longest, 16);
    isize parts = (p.channels + j.part - 1) / j.part, m_row = by_filters ? FILTERS_AT_ONCE : p.filters;
    isize v_place = place_size(block * parts * j.part), m_place = place_size(block * m_row), u_place = by_filters ? place_size(j.part * FILTERS_AT_ONCE) : p.u_place;
    isize ahead = j.places * u_place * sizeof(float) > U_NEAR ? p.channels * 16 : 0;
    size_t copied = s->groups * p.images * j.slices * j.x_image, shared = s->groups * j.places * (by_filters ? v_place : u_place);
    size_t own = j.places * (m_place + (by_filters ? u_place : v_place));
    float *copies = scratch_get((copied + shared + threads * own) * sizeof(float)), *tables = copies + copied, *rooms = tables + shared;
    if (!copies) return -1;
    int refused = 0, late = 0;            /* late: seen while tasks were running, whose number all threads must agree on */
#pragma omp parallel num_threads(threads) if (threads > 1)
    {
        int bad = 0;
        float *m = rooms + thread_number() * own, *room = m + j.places * m_place;
#pragma omp for nowait
        for (isize q = 0; q < (by_filters ? 0 : s->groups * j.panels); q++) {
            isize g = q / j.panels, o = q % j.panels * 16;
            filter_view view = {w + g * s->filters * s->channels * j.taps, w_filter, w_channel, turned};
            bad |= kind->filter_panel(&view, s, o, 0, p.channels, tables + g * j.places * u_place + o * p.channels, u_place);
        }
#pragma omp for nowait
        for (isize q = 0; q < s->groups * p.images * j.slices; q++)
            bad |= block_input(&j, x, q / (p.images * j.slices), q % (p.images * j.slices),
                               copies + q / (p.images * j.slices) * p.images * j.slices * j.x_image);
        if (bad) {
#pragma omp atomic write
            refused = 1;
        }
#pragma omp barrier
        if (by_filters) {
#pragma omp for
            for (isize q = 0; q < (refused ? 0 : s->groups * ((p.channels + 15) / 16)); q++) {
                isize g = q / ((p.channels + 15) / 16), c = q % ((p.channels + 15) / 16) * SLICES_OF_LINE;
                kind->load_tiles(&j, copies + g * p.images * j.slices * j.x_image, 0, p.tiles, c, isize_min(c + SLICES_OF_LINE, j.slices),
                                 tables + g * j.places * v_place, v_place, p.tiles);
            }
        }
#pragma omp for schedule(dynamic, 1)
        for (isize task = 0; task < (refused ? 0 : s->groups * (by_filters ? groups : blocks)); task++) {
            isize g = task / (by_filters ? groups : blocks);
            if (!by_filters) {
                isize first = task % blocks * block, count = isize_min(block, p.tiles - first);
                kind->load_tiles(&j, copies + g * p.images * j.slices * j.x_image, first, count, 0, j.slices, room, v_place, count);
                for (isize i = 0; i < j.places; i++)
                    for (isize o = 0; o < p.filters; o += 16)
                        for (isize c = 0; c < p.channels; c += j.part)
                            multiply(count, isize_min(j.part, p.channels - c), room + i * v_place + c * count, j.part, 1,
                                     tables + (g * j.places + i) * u_place + o * p.channels + c * 16, m + i * m_place + o * count, 16, c > 0, ahead);
                kind->store_tiles(&j, g, first, count, 0, s->filters, m, m_place, count * 16, bias, out);
                continue;
            }
            isize begin = task % groups * FILTERS_AT_ONCE, end = isize_min(begin + FILTERS_AT_ONCE, p.filters);
            filter_view view = {w + g * s->filters * s->channels * j.taps, w_filter, w_channel, turned};
            for (isize c = 0; c < p.channels; c += j.part) {
                isize part = isize_min(j.part, p.channels - c);
                for (isize o = begin; o < end; o += 16) bad |= kind->filter_panel(&view, s, o, c, c + part,
                                                                                  room + (o - begin) * j.part, u_place);
                for (isize i = 0; i < j.places; i++)
                    for (isize o = begin; o < end; o += 16)
                        multiply(p.tiles, part, tables + (g * j.places + i) * v_place + c * p.tiles, j.part, 1, room + i * u_place + (o - begin) * j.part,
                                 m + i * m_place + (o - begin) * p.tiles, 16, c > 0, 0);
            }
            if (bad) {
#pragma omp atomic write
                late = 1;
            }
            kind->store_tiles(&j, g, 0, p.tiles, begin, isize_min(end, s->filters), m, m_place, p.tiles * 16, bias, out);
        }
    }
    scratch_put(copies);
    return refused || late ? WINOGRAD_REFUSED : 0;
}

/* ---- the gradient by the weight */
static int winograd_weight(const winograd_kind *kind, int threads, const conv_shape *s, const float *x, const float *grad,
                           float *dw) {
    const winograd_rule *f = kind->rule;
    winograd_job j = winograd_job_of(f, s);
    winograd_plan p = j.p;
    /* parts of V that a register tile finds in the cache next to it, whole tiles each */
    isize part = j.part = isize_min(CHANNELS_AT_ONCE, up_to_multiple(p.channels, 16)), parts = (p.channels + part - 1) / part;
    isize high = p.high * f->down.tile, wide = p.wide * f->across.tile;
    /* the sums run over the tiles: how they are cut must not depend on the threads */
    isize block = 2 * WINOGRAD_MEMORY / (j.places * 4 * (p.channels + p.filters)) / TILE_ROWS * TILE_ROWS;
    if (block < 48) block = LARGEST_BLOCK;
    block = isize_min(block, p.tiles);
    int at_once = p.tiles <= 64 && block == p.tiles;      /* so few that the sums of some filters can be finished before those of others begin */
    isize v_place = place_size(block * parts * part), m_place = place_size(block * p.filters), u_place = at_once ? place_size(part * 16) : p.u_place;
    size_t x_size = p.images * j.slices * j.x_image, y_size = p.images * p.filters / LANES * j.y_image;
    size_t shared = j.places * (v_place + m_place + (at_once ? 0 : u_place)), own = at_once ? j.places * u_place : 0;
    float *xs = scratch_get((x_size + y_size + shared + threads * own) * sizeof(float));
    float *ys = xs + x_size, *v = ys + y_size, *m = v + j.places * v_place, *sums = m + j.places * m_place, *rooms = v + shared;
    if (!xs) return -1;
    int refused = 0;
    for (isize g = 0; g < s->groups && !refused; g++) {
#pragma omp parallel num_threads(threads) if (threads > 1)
        {
            int bad = 0;
            float *u = at_once ? rooms + thread_number() * own : sums;
#pragma omp for nowait
            for (isize q = 0; q < p.images * j.slices; q++) bad |= block_input(&j, x, g, q, xs);
#pragma omp for nowait
            for (isize q = 0; q < p.images * p.filters / LANES; q++) {
                isize o = q % (p.filters / LANES) * LANES, n = q / (p.filters / LANES);
                bad |= winograd_block(s, grad + ((n * s->groups + g) * s->filters + o) * j.pixels, isize_max(0, isize_min(LANES, s->filters - o)), high, wide,
                                      0, 0, s->out[1], s->out[2], j.pixels, s->out[2], 1, ys + q * j.y_image);
            }
            if (bad) {
#pragma omp atomic write
                refused = 1;
            }
#pragma omp barrier
            for (isize first = 0; first < (refused ? 0 : p.tiles); first += block) {
                isize count = isize_min(block, p.tiles - first), pieces = isize_min(count, 4 * threads);
#pragma omp for
                for (isize q = 0; q < pieces; q++) {
                    isize begin = count * q / pieces, size = count * (q + 1) / pieces - begin;
                    kind->load_tiles(&j, xs, first + begin, size, 0, j.slices, v + begin * part, v_place, count);
                    kind->load_gradient(&j, ys, first + begin, size, m + begin * 16, m_place, count);
                }
#pragma omp for schedule(dynamic, 1)
                for (isize task = 0; task < (at_once ? parts * j.panels : j.places); task++) {
                    /* all channels and filters of one place, or all places of some channels and a panel of filters */
                    isize i_end = at_once ? j.places : task + 1, c_begin = at_once ? task / j.panels * part : 0;
                    isize c_end = at_once ? isize_min(c_begin + part,
                                                      p.channels) : p.channels, o_begin = at_once ? task % j.panels * 16 : 0;
                    isize o_end = at_once ? o_begin + 16 : p.filters, u_row = at_once ? 16 : p.filters;
                    for (isize i = at_once ? 0 : task; i < i_end; i++)
                        for (isize o = o_begin; o < o_end; o += 16)
                            for (isize c = c_begin; c < c_end; c += part)
                                multiply(isize_min(part, c_end - c), count, v + i * v_place + c * count, 1, part, m + i * m_place + o * count,
                                         u + i * u_place + (c - c_begin) * u_row + o - o_begin, u_row, first > 0, 0);
                    for (isize c = c_begin; at_once && c < isize_min(c_end, s->channels); c++)
                        for (isize o = o_begin; o < isize_min(o_end, s->filters); o += LANES)
                            kind->filter_gradient(u + (c - c_begin) * 16 + o - o_begin, u_place, (int)isize_min(LANES, s->filters - o),
                                            dw + ((g * s->filters + o) * s->channels + c) * j.taps, s->channels * j.taps);
                }
            }
#pragma omp for
            for (isize c = 0; c < (refused || at_once ? 0 : s->channels); c++)
                for (isize o = 0; o < s->filters; o += LANES)
                    kind->filter_gradient(u + c * p.filters + o, u_place, (int)isize_min(LANES, s->filters - o),
                                          dw + ((g * s->filters + o) * s->channels + c) * j.taps,
                                    s->channels * j.taps);
        }
    }
    scratch_put(xs);
    return refused ? WINOGRAD_REFUSED : 0;
}

/* The kind that pays for this convolution, if one does: the transforms must be shared by many channels, filters and tiles. */
static const winograd_kind *winograd_kind_for(int allowed, const conv_shape *s) {
#if defined(ISA_V3) && !defined(__AVX2__)
    return NULL;                          /* processors of before 2013 have plain sums, lest every library be larger for their sake */
#endif
    if (!allowed || s->channels < 16 || s->filters < 16 || s->kernel[0] > 1 || s->in[0] > 1 || s->out[0] > 1
        || s->kernel[1] != s->kernel[2]) return NULL;
    for (int d = 0; d < 3; d++)
        if (s->spacing[d] != 1 || (d && (s->stride[d] != 1 || s->dilation[d] != 1))) return NULL;
    isize by_two = s->batch * ((s->out[1] + 1) / 2) * ((s->out[2] + 1) / 2), by_four = s->batch * ((s->out[1] + 3) / 4) * ((s->out[2] + 3) / 4);
    if (s->kernel[1] == 3) return by_four >= 32 && allowed == WINOGRAD_FAST ? &F44_kind : by_two >= 64 ? &F24_kind : NULL;
    return s->kernel[1] == 5 && by_two >= 64 ? &F25_kind : NULL;
}
