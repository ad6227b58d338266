/* Direct convolutions of any shape, a template (real.h). Four ways to the same sums, each for shapes at which it is fastest:
 *   by planes   a tile is rows of one filter of one channel: depthwise
 *   by rows     a tile is some filters times neighbouring pixels of one row, read where they lie in the padded image: few filters
 *   by pixels   a tile is six pixels anywhere, broadcast, times a panel of filters: short sums, filters that fill panels
 *   by panels   pixels of all images, a panel at a time, are packed into [taps][PANEL] and multiplied as matrices: the rest, and 1x1 kernels, whose
 *               panels come straight from x
 * An element's sum is the same whichever thread makes it. */
#include "conv_tiles.h"
#include "parallel.h"

#ifndef CONV_H
#define CONV_H
enum { BY_ROWS, BY_PIXELS, BY_PANELS, BY_POINTS };
enum { PANELS_AT_ONCE = 12, TILES_AT_ONCE = 16, PIXELS_AT_ONCE = 48, LINES_AT_ONCE = 64 };

/* A part of a sum: so short that it rounds little, and weights of a tile and pixels of a panel stay in the first cache. */
INLINE isize sum_block(int way, isize left) { return even_part(left, way == BY_ROWS ? 64 : 96, 1); }

/* The stretches of one row, each whole or cut by the panel's ends, that a panel of pixels consists of. */
typedef struct { int count, lane[16], length[16]; isize from[16], to[16]; } stretches;

static void stretches_of(const conv_plan *p, isize pixel, isize end, int panel, stretches *s) {
    isize column = pixel % p->s.out[2], out_image = p->s.groups * p->s.filters * p->pixels;
    row_walk at = walk_from(p, pixel / p->s.out[2]);
    s->count = 0;
    for (int lane = 0; lane < panel && pixel + lane < end; walk_on(p, &at)) {
        int i = s->count++, length = (int)isize_min(panel - lane, p->s.out[2] - column);
        s->lane[i] = lane, s->length[i] = length;
        s->from[i] = at.at + column;
        s->to[i] = at.image * out_image + at.row * p->s.out[2] + column;
        lane += length, column = 0;
    }
}

/* The sizes of x along which a 1x1 kernel walks, as one: the step between pixels, or 0 where they are not evenly spaced. */
static isize point_step(const conv_shape *s) {
    isize step = 0, reach = 1;
    for (int d = 2; d >= 0; d--) {
        if (s->kernel[d] != 1 || s->stride[d] != 1 || s->pad[d] || s->spacing[d] != 1 || s->in[d] != s->out[d]) return 0;
        if (s->out[d] == 1) continue;
        if (!step) step = s->x_strides[2 + d];
        else if (s->x_strides[2 + d] != step * reach) return 0;
        reach *= s->out[d];
    }
    return step ? step : 1;
}

static int way_of(const conv_shape *s, int lanes) {
    isize filters = s->filters, rest = filters % (2 * lanes), taps = s->channels * s->kernel[0] * s->kernel[1] * s->kernel[2];
    if (s->out[0] * s->out[1] * s->out[2] >= 256 && s->channels > 1 && point_step(s)) return BY_POINTS;
    if (filters <= 12 && s->out[2] >= lanes) return BY_ROWS;
    if (taps <= 200 || (taps <= 512 && (rest == 0 || rest >= 2 * lanes - 3))) return BY_PIXELS;
    return BY_PANELS;
}
#endif

/* ---- by planes: a filter of one channel alone, with a small kernel that takes every row */
INLINE int R(plain_plane)(const conv_shape *s) {
    return s->channels == 1 && s->filters == 1 && s->kernel[0] == 1 && s->kernel[1] == s->kernel[2] && (s->kernel[1] == 3 || s->kernel[1] == 5)
           && s->stride[1] == 1 && s->dilation[1] == 1 && s->out[2] >= LANES;
}
static void R(by_planes)(const conv_plan *p, const real *x, const int *offset, const real *w, real bias, real *out, isize first, isize last) {
    isize width = p->s.out[2], out_image = p->s.groups * p->pixels;
    row_walk at = walk_from(p, first);
    for (isize r = first, rows; r < last; r += rows) {
        rows = last - r >= 4 && at.h + 4 <= p->s.out[1] ? 4 : 1;
        real *to = out + at.image * out_image + at.row * width;
        if (p->s.kernel[1] == 3) (rows == 4 ? R(plane_4_3) : R(plane_1_3))(w, x + at.at, p->row, offset, width, to, bias);
        else (rows == 4 ? R(plane_4_5) : R(plane_1_5))(w, x + at.at, p->row, offset, width, to, bias);
        for (isize i = 0; i < rows; i++) walk_on(p, &at);
    }
}

/* ---- by rows: result rows [first, last) of images whose padded copies follow one another */
static void R(by_rows)(const conv_plan *p, const real *x, const int *offset, const real *packed, const real *bias, real *out,
                       isize first, isize last) {
    isize width = p->s.out[2], filters = p->s.filters, out_image = p->s.groups * filters * p->pixels;
    real part[TILE_ROWS * 4 * LANES];
    row_walk at = walk_from(p, first);
    for (isize r = first; r < last; r++, walk_on(p, &at)) {
        const real *line = x + at.at;
        real *to = out + at.image * out_image + at.row * width;
        for (isize o = 0, h; o < filters; o += h) {
            h = tile_height(filters - o);
            for (isize j = 0, covered; j < width; j += covered) {
                isize left = width - j, from = j;
                int vecs = left <= LANES ? 1 : h <= 3 && left > 2 * LANES ? 4 : 2;
                covered = vecs * LANES;
                if (left < covered && width >= covered) from = width - covered;     /* the last tile moves left over what is done already */
                int whole = from + covered <= width;
                real *c = to + o * p->pixels + from, *sums = whole ? c : part;
                for (isize k = 0, block; k < p->taps; k += block) {
                    block = sum_block(BY_ROWS, p->taps - k);
                    R(window_tile)((int)h, vecs, block, packed + k * filters + o * block, line + from, offset + k, sums,
                                   whole ? p->pixels : covered, bias && k == 0 ? bias + o : NULL, k > 0);
                }
                for (isize i = 0; i < h && !whole; i++)
                    for (isize q = 0; q < left; q += LANES)
                        V(store_part)(c + i * p->pixels + q, V(load)(part + i * covered + q), (int)isize_min(LANES, left - q));
            }
        }
    }
}

/* ---- by pixels: result pixels [first, last) of all the images; `bias` has whole panels */
static void R(by_pixels)(const conv_plan *p, const real *x, const int *offset, const real *packed, const real *bias, real *out,
                         isize first,
                         isize last) {
    isize filters = p->s.filters, out_image = p->s.groups * filters * p->pixels, to[PIXELS_AT_ONCE];
    const real *pixel[PIXELS_AT_ONCE];
    real part[PIXELS_AT_ONCE * PANEL];
    isize column = first % p->s.out[2];
    row_walk at = walk_from(p, first / p->s.out[2]);
    for (isize begin = first; begin < last; begin += PIXELS_AT_ONCE) {
        isize count = isize_min(PIXELS_AT_ONCE, last - begin);
        for (isize i = 0; i < up_to_multiple(count, TILE_ROWS); i++) {
            pixel[i] = x + at.at + column * p->step;
            to[i] = at.image * out_image + at.row * p->s.out[2] + column;
            if (i >= count - 1) continue;                  /* rows of a tile past the end repeat the last pixel */
            if (++column == p->s.out[2]) column = 0, walk_on(p, &at);
        }
        if (++column == p->s.out[2]) column = 0, walk_on(p, &at);
        for (isize o = 0; o < filters; o += PANEL) {
            isize width = isize_min(PANEL, filters - o);
            for (isize f = 0; f < width; f++)            /* by the time that the sums are there, so is the memory for them */
                for (isize i = 0; i < count; i += 16) __builtin_prefetch(out + to[i] + (o + f) * p->pixels, 1);
            for (isize k = 0, block; k < p->taps; k += block) {
                block = sum_block(BY_PIXELS, p->taps - k);
                for (isize i = 0; i < count; i += TILE_ROWS)
                    (width > LANES ? R(pixel_2) : R(pixel_1))(block, pixel + i, offset + k, packed + o * p->taps + k * PANEL, k ? NULL : bias + o,
                                                              part + i * PANEL);
            }
            for (isize i = 0; i < count; i += LANES)
                for (isize f = 0; f < width; f += LANES) {
                    real *c = out + to[i] + (o + f) * p->pixels;
                    if (i + LANES <= count && f + LANES <= width && to[i + LANES - 1] == to[i] + LANES - 1) {
                        V(transpose)(part + i * PANEL + f, PANEL, c, p->pixels);
                        continue;
                    }
                    for (isize q = i; q < isize_min(i + LANES, count); q++)
                        for (isize g = 0; g < isize_min(LANES,
                                                        width - f); g++) c[to[q] - to[i] + g * p->pixels] = part[q * PANEL + f + g];
                }
        }
    }
}

/* ---- by panels and by points: result pixels [first, last), at most PANELS_AT_ONCE panels */
/* Copies that begin in order, whole vectors each: what one writes past its end the next overwrites. */
static void R(pack_stretches)(const real *x, const int *offset, isize taps, const stretches *s, real *to) {
    if (s->count == 1) {
        for (isize k = 0; k < taps; k++, to += PANEL) {
            const real *from = x + s->from[0] + offset[k];
            vec a = V(load)(from), b = V(load)(from + LANES);
            V(store)(to, a);
            V(store)(to + LANES, b);
        }
        return;
    }
    for (isize k = 0; k < taps; k++, to += PANEL)
        for (int i = 0; i < s->count; i++) {
            const real *from = x + s->from[i] + offset[k];
            vec a = V(load)(from);
            if (s->length[i] > LANES) {
                vec b = V(load)(from + LANES);
                V(store)(to + s->lane[i] + LANES, b);
            }
            V(store)(to + s->lane[i], a);
        }
}

static void R(by_panels)(const conv_plan *p, int way, const real *x, const int *offset, const int *panel_offset,
                         const real *packed, const real *bias,
                         real *out, isize first, isize last, real *room) {
    isize filters = p->s.filters, panels = (last - first + PANEL - 1) / PANEL, step = way == BY_POINTS ? point_step(&p->s) : 0;
    stretches pieces[PANELS_AT_ONCE];
    real part[TILE_ROWS * PANEL];
    for (isize i = 0; i < panels; i++) {
        if (way == BY_PANELS) stretches_of(p, first + i * PANEL, last, PANEL, &pieces[i]);
        else pieces[i] = (stretches){1, {0}, {(int)isize_min(PANEL, last - first - i * PANEL)}, {0}, {first + i * PANEL}};
    }
    for (isize k = 0, block; k < p->taps; k += block) {
        block = sum_block(way, p->taps - k);
        for (isize i = 0; i < panels; i++) {
            if (way == BY_PANELS) R(pack_stretches)(x, offset + k, block, &pieces[i], room + i * block * PANEL);
            else R(pack_panel)(x + (first + i * PANEL) * step + k * p->s.x_strides[1], p->s.x_strides[1], step, block,
                               pieces[i].length[0],
                               room + i * block * PANEL);
        }
        /* short sums: one tile of filters at all panels, so results are written in long runs; else many at a panel, which is in the cache */
        int at_once = p->taps <= 128 ? 1 : TILES_AT_ONCE;
        for (isize begin = 0, end; begin < filters; begin = end) {
            end = begin;
            for (int t = 0; t < at_once && end < filters; t++) end += tile_height(filters - end);
            for (isize i = 0; i < panels; i++) {
                const stretches *s = &pieces[i];
                const real *panel = room + i * block * PANEL;
                /* one stretch in memory; rows of one image that follow one another make one too */
                int whole = s->lane[s->count - 1] + s->length[s->count - 1] == PANEL && s->to[s->count - 1] - s->to[0] == s->lane[s->count - 1];
                for (isize o = begin, h; o < end; o += h) {
                    h = tile_height(filters - o);
                    const real *w = packed + k * filters + o * block, *start = bias && k == 0 ? bias + o : NULL;
                    real *c = out + o * p->pixels;
                    if (whole) {
                        R(window_tile)((int)h, 2, block, w, panel, panel_offset, c + s->to[0], p->pixels, start, k > 0);
                        continue;
                    }
                    R(window_tile)((int)h, 2, block, w, panel, panel_offset, part, PANEL, start, 0);
                    for (int q = 0; q < s->count; q++)
                        for (isize f = 0; f < h; f++)
                            for (int l = 0; l < s->length[q]; l++) {
                                real *to = c + s->to[q] + f * p->pixels + l;
                                *to = (k > 0 ? *to : 0) + part[f * PANEL + s->lane[q] + l];
                            }
                }
            }
        }
    }
}

/* ---- the convolution */
/* The filters of a group in the order in which `way` reads them. */
static void R(pack_filters)(const conv_plan *p, int way, const real *w, real *packed) {
    if (way == BY_PIXELS) {
        R(pack_b)(w, 1, p->taps, p->taps, p->s.filters, packed);
        return;
    }
    for (isize k = 0, block; k < p->taps; k += block) {
        block = sum_block(way, p->taps - k);
        R(pack_a)(w + k, p->taps, 1, p->s.filters, block, packed + k * p->s.filters);
    }
}

/* Tasks are pixels [first, last) of one image and group, or of all images where their padded copies are made first. */
typedef struct {
    conv_plan p;
    int way, own, plain;                  /* own: each thread makes the padded copy of the image that it is at; plain: x is read where it lies */
    isize unit, span, spans, units;       /* pixels (by rows: rows) of a task; of a stretch of tasks; such stretches; tasks of a stretch */
    const real *x, *w;
    real *packed, *starts, *copies, *rooms, *out;
    isize packed_size, room_size;
    int *offset, *panel_offset;
} R(direct_job);

/* On each of the threads, or on one without a region, which would cost more than a small image. */
static void R(direct_share)(const R(direct_job) *j) {
    const conv_plan *p = &j->p;
    const conv_shape *s = &p->s;
    const isize filters = s->filters, panelled = up_to_multiple(filters, PANEL);
#pragma omp for
    for (isize g = 0; g < s->groups; g++) R(pack_filters)(p, j->way, j->w + g * filters * p->taps, j->packed + g * j->packed_size);
    if (!j->own && !j->plain) {
#pragma omp for
        for (isize c = 0; c < s->batch * s->groups * s->channels; c++) {
            isize channels = s->groups * s->channels;
            R(pad_channel)(p, j->x + c / channels * s->x_strides[0] + c % channels * s->x_strides[1], j->copies + c * p->channel);
        }
    }
    real *room = j->rooms + thread_number() * j->room_size;
#pragma omp for schedule(dynamic, 1)
    for (isize task = 0; task < s->groups * j->spans * j->units; task++) {
        isize g = task / (j->spans * j->units), n = task / j->units % j->spans, first = task % j->units * j->unit;
        isize last = j->own ? j->span : isize_min(first + j->unit, j->span);
        const real *from = (j->plain ? j->x : j->copies) + g * p->group, *weights = j->packed + g * j->packed_size, *start = j->starts + g * panelled;
        real *to = j->out + (n * s->groups + g) * filters * p->pixels;
        if (j->own) {
            real *copy = j->copies + thread_number() * (p->group + SLACK);
            R(pad_group)(p, j->x, n, g, copy);
            from = copy;
        }
        if (j->way == BY_POINTS) from = j->x + n * s->x_strides[0] + g * s->channels * s->x_strides[1];
        if (R(plain_plane)(s)) R(by_planes)(p, from, j->offset, weights, start[0], to, first, last);
        else if (j->way == BY_ROWS) R(by_rows)(p, from, j->offset, weights, start, to, first, last);
        else if (j->way == BY_PIXELS) R(by_pixels)(p, from, j->offset, weights, start, to, first, last);
        else
            for (; first < last; first += j->unit)
                R(by_panels)(p, j->way, from, j->offset, j->panel_offset, weights, start, to, first, isize_min(first + j->unit, last), room);
    }
}

static int R(direct_forward)(int threads, const conv_shape *s, const real *x, const real *w, const real *bias, real *out) {
    int way = way_of(s, LANES);
    R(direct_job) j = {.p = plan_of(s, way != BY_PIXELS), .way = way, .x = x, .w = w, .out = out};
    const conv_plan *p = &j.p;
    isize filters = s->filters, images = s->batch * s->groups, panelled = up_to_multiple(filters, PANEL);
    if ((double)images * p->pixels * filters * p->taps < CONV_SERIAL) threads = 1;
    /* by_pixels reads no number that it does not need, and none at all past the end of x */
    j.plain = way == BY_POINTS || (way == BY_PIXELS && read_in_place(&j.p));
    /* where there are enough images for a copy each, and where pixels left over at their ends do not matter */
    j.own = !j.plain && images >= 2 * threads && (way == BY_ROWS || p->pixels >= 400);
    if (!j.plain && threads == 1 && images == 1) j.own = 1;
    j.packed_size = panelled * p->taps;
    j.room_size = way == BY_PANELS || way == BY_POINTS ? PANELS_AT_ONCE * GEMM_DEPTH * PANEL + SLACK : 0;
    size_t padded = j.plain ? 0 : j.own ? threads * (p->group + SLACK) : s->batch * p->image + SLACK;
    size_t numbers = s->groups * (j.packed_size + panelled) + padded + threads * j.room_size;
    char *memory = scratch_get(numbers * sizeof(real) + (p->taps + GEMM_DEPTH) * sizeof(int));
    if (!memory) return -1;
    j.packed = (real *)memory, j.starts = j.packed + s->groups * j.packed_size, j.copies = j.starts + s->groups * panelled;
    j.rooms = j.copies + padded, j.offset = (int *)(j.rooms + threads * j.room_size), j.panel_offset = j.offset + p->taps;
    if (way != BY_POINTS) plan_offsets(p, j.offset);
    for (int k = 0; k < GEMM_DEPTH && j.room_size; k++) j.panel_offset[k] = k * PANEL;
    for (isize g = 0; g < s->groups; g++)          /* by_pixels reads whole panels of the bias */
        for (isize f = 0; f < panelled; f++) j.starts[g * panelled + f] = bias && f < filters ? bias[g * filters + f] : 0;

    isize per_image = way == BY_ROWS ? p->rows : p->pixels;
    int by_image = j.own || way == BY_POINTS;
    j.unit = way == BY_ROWS ? 8 : way == BY_PIXELS ? 4 * PIXELS_AT_ONCE : PANELS_AT_ONCE * PANEL;
    j.span = by_image ? per_image : s->batch * per_image, j.spans = by_image ? s->batch : 1;
    j.units = j.own ? 1 : (j.span + j.unit - 1) / j.unit;
    if (threads == 1) R(direct_share)(&j);
    else {
#pragma omp parallel num_threads(threads)
        R(direct_share)(&j);
    }
    scratch_put(memory);
    return 0;
}
