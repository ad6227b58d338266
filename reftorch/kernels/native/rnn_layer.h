/* A recurrent layer, a template (real.h).
 *
 * Hidden units are taken in blocks of PANEL columns; a thread owns some blocks, computes all gates of these and is the only one that writes to
 * them. Weights are packed once a call. A chunk of steps goes through one product for the input side of all gates; then a step at a time, per
 * block: the product with h of the step before, the gates on the columns that this just left in the cache, and one barrier.
 *
 * A row (step, sequence) of state holds slots of `width` (hidden, padded to whole vectors) columns, activations in place of what went into them:
 *     LSTM   i f g o | c  tanh c  h         h = o tanh c; with a projection h in an eighth slot and this in the seventh
 *     GRU    n r z m | h                    n = tanh(n + r m): x goes to slots 0-2, h to slots 1-3
 *     RNN    h
 * The gradient of a row has the slots left of the bar alone, most often without padding. Backwards, steps run in the other direction and their
 * gradients enter the products for weights and input a chunk at a time. */
#include "gates.h"
#define TILE_FETCHES 1
#include "gemm.h"
#ifdef _OPENMP
#include <omp.h>
#endif

#ifndef RNN_LAYER_H
#define RNN_LAYER_H
enum { RNN_FORWARD_ROWS = 128, RNN_BACKWARD_ROWS = 320, RNN_MOST_GATES = 4 };
#define RNN_SERIAL 200000               /* multiplications a step below which a barrier costs more than a second thread saves */

static const int rnn_in_order[] = {0, 1, 2, 3}, rnn_n_first[] = {2, 0, 1};
typedef struct { isize first, count; } rnn_step;        /* rows of a step, in the order in which steps are taken */

typedef struct {
    isize gates, slots, side;           /* gates with weights; slots of a row of state; first slot that h goes to */
    isize width, row;                   /* columns of a slot; numbers from one row of state to the next */
    const int *x_gate;                  /* block of rows of w_ih that belongs to each slot; of w_hh from `side` on they are in order */
} rnn_shape;

static void rnn_steps(const rnn_layer *l, rnn_step *steps) {
    isize row = 0;
    for (isize t = 0; t < l->steps; t++) {
        isize count = l->sizes ? (isize)l->sizes[t] : l->batch;
        steps[l->reverse ? l->steps - 1 - t : t] = (rnn_step){row, count};
        row += count;
    }
}

/* Rows that share a chunk with step s, and the first step past it, going up or down. */
static isize rnn_chunk(const rnn_step *steps, isize s, isize end, isize rows, isize *low, isize *high) {
    isize way = s < end ? 1 : -1;
    *low = steps[s].first, *high = *low;
    for (isize have = 0; s != end && (have == 0 || have + steps[s].count <= rows); s += way) {
        have += steps[s].count;
        *low = isize_min(*low, steps[s].first), *high = isize_max(*high, steps[s].first + steps[s].count);
    }
    return s;
}

static int rnn_threads(const rnn_layer *l, const rnn_shape *p, isize blocks) {
#ifdef _OPENMP
    double a_step = (double)l->rows / l->steps * p->gates * l->hidden * (l->input + l->output);
    return a_step < RNN_SERIAL ? 1 : (int)isize_min(l->threads, blocks);
#else
    return 1;
#endif
}

#define RNN_BARRIER(threads) do { if ((threads) > 1) { _Pragma("omp barrier") } } while (0)
#endif

static rnn_shape R(rnn_shape)(const rnn_layer *l) {
    rnn_shape p = {1, 1, 0, up_to_multiple(l->hidden, LANES), 0, rnn_in_order};
    if (l->kind == RNN_LSTM) p.gates = 4, p.slots = l->w_hr ? 8 : 7;
    if (l->kind == RNN_GRU) p.gates = 3, p.slots = 5, p.side = 1, p.x_gate = rnn_n_first;
    p.row = p.slots * p.width + PANEL;  /* the odd panel keeps rows from lying a power of two apart, where they compete for cache lines */
    return p;
}

/* The columns that a thread owns: whole panels. */
static void R(rnn_share)(isize columns, int thread, int threads, isize *first, isize *last) {
    isize panels = (columns + PANEL - 1) / PANEL;
    *first = panels * thread / threads * PANEL, *last = isize_min(columns, panels * (thread + 1) / threads * PANEL);
}

static isize R(rnn_saved_row)(const rnn_layer *l) { return R(rnn_shape)(l).row; }

/* Numbers of a block of memory are handed out from its start. */
static real *R(rnn_carve)(real **memory, isize count) {
    real *taken = *memory;
    *memory += up_to_multiple(count, PANEL);
    return taken;
}

INLINE void R(store_some)(real *p, vec v, isize count) {
    if (count >= LANES) V(store)(p, v);
    else V(store_part)(p, v, (int)count);
}
INLINE vec R(load_some)(const real *p, isize count) {
    return count >= LANES ? V(load)(p) : V(load_part)(p, (int)count);
}

/* C (+)= A B for whole vectors of columns, B packed. */
static void R(rnn_product)(isize rows, isize columns, isize depth, const real *a, isize a_row, const real *packed, real *c, isize ldc,
                           int accumulate) {
    for (isize k = 0, block; k < depth; k += block) {
        block = depth_block(depth - k);
        for (isize j = 0; j < columns; j += PANEL) {
            const real *panel = packed + j * depth + k * PANEL;
            R(gemm_strip)(rows, (int)isize_min(PANEL, columns - j), block, a + k, a_row, 1, panel, c + j, ldc, accumulate || k > 0,
                          panel + depth * PANEL, block * PANEL);
        }
    }
}

/* ---- forward */
typedef struct {
    const rnn_layer *l;
    rnn_shape p;
    const rnn_step *steps;
    real *wx, *wh, *wr, *bias;          /* packed weights, block by block, in a block gate by gate; biases of all slots */
    real *h[2], *c;                     /* states of all sequences: h before and after a step take turns */
    real *state;
    isize h_row;
} R(rnn_run);

/* The gates of one vector of units: `g` and `bias` are its places in the row of state and of biases; `h` is the state before. Gives h. */
#define GATE(slot) (V(load)(g + (slot) * width) + V(load)(bias + (slot) * width))
INLINE vec R(rnn_gates)(int kind, isize width, real *g, const real *bias, vec h) {
    if (kind == RNN_LSTM) {
        vec t = R(tanh)(V(load)(g + 4 * width)), out = t * V(load)(g + 3 * width);
        V(store)(g + 5 * width, t), V(store)(g + 6 * width, out);
        return out;
    }
    if (kind == RNN_GRU) {
        vec r = R(sigmoid)(GATE(1)), z = R(sigmoid)(GATE(2)), m = GATE(3), n = R(tanh)(V(fma)(r, m, GATE(0))), out = V(fma)(z, h - n, n);
        V(store)(g, n), V(store)(g + width, r), V(store)(g + 2 * width, z), V(store)(g + 3 * width, m), V(store)(g + 4 * width, out);
        return out;
    }
    vec out = GATE(0);
    if (kind == RNN_TANH) out = R(tanh)(out);
    else out = V(where)(out < V(all)(0), V(all)(0), out);
    V(store)(g, out);
    return out;
}

/* LSTM first has its cell made; c is replaced. Chains of operations as long as both together would not overlap from one vector to the next. */
INLINE void R(rnn_cell)(isize width, real *g, const real *bias, real *c) {
    vec i = R(sigmoid)(GATE(0)), f = R(sigmoid)(GATE(1)), u = R(tanh)(GATE(2)), o = R(sigmoid)(GATE(3));
    vec cell = V(fma)(f, V(load)(c), i * u);
    V(store)(g, i), V(store)(g + width, f), V(store)(g + 2 * width, u), V(store)(g + 3 * width, o);
    V(store)(g + 4 * width, cell), V(store)(c, cell);
}
#undef GATE

/* Put h of `count` columns where the next step, the caller and, in the last step of a sequence, h_n want it. */
INLINE void R(rnn_emit)(const R(rnn_run) *run, vec h, real *next, isize row, isize b, isize column, int last) {
    const rnn_layer *l = run->l;
    isize count = l->output - column;
    V(store)(next + b * run->h_row + column, h);
    R(store_some)((real *)l->y + row * l->y_row + column, h, count);
    if (last && l->hn) R(store_some)((real *)l->hn + b * l->output + column, h, count);
}

/* Have the memory fetched that gates are about to be written to. A few numbers of every row are no pattern that processors would see by themselves. */
INLINE void R(rnn_fetch)(const real *from, isize row, isize rows, isize columns) {
    for (isize b = 0; b < rows; b++, from += row) __builtin_prefetch(from, 1), __builtin_prefetch(from + columns - 1, 1);
}

/* How many sequences of step s go on in the next one that is taken. */
static isize R(rnn_going_on)(const R(rnn_run) *run, isize s) {
    return s + 1 == run->l->steps ? 0 : isize_min(run->steps[s].count, run->steps[s + 1].count);
}

static void R(rnn_forward_thread)(const R(rnn_run) *run, int thread, int threads) {
    const rnn_layer *l = run->l;
    const rnn_shape *p = &run->p;
    const isize width = p->width, row = p->row, computed = up_to_multiple(l->hidden, UNIT);
    isize first, last, out_first, out_last;
    R(rnn_share)(width, thread, threads, &first, &last);
    R(rnn_share)(l->output, thread, threads, &out_first, &out_last);
    isize mine = isize_min(last, l->hidden) - first;
    const real *x = l->x, *w_ih = l->w_ih, *w_hh = l->w_hh, *b_ih = l->b_ih, *b_hh = l->b_hh;
    for (isize g = 0; g < p->gates; g++) {
        isize gx = p->x_gate[g] * l->hidden, gh = g * l->hidden;
        for (isize j = first; j < last; j += PANEL) {
            isize columns = isize_min(PANEL, l->hidden - j);
            R(pack_panel)(w_ih + (gx + j) * l->input, 1, l->input, l->input, columns, run->wx + (j * p->gates + g * PANEL) * l->input);
            R(pack_panel)(w_hh + (gh + j) * l->output, 1, l->output, l->output, columns, run->wh + (j * p->gates + g * PANEL) * l->output);
        }
        for (isize j = first; b_ih && j < isize_min(last, l->hidden); j++) {
            run->bias[g * width + j] += b_ih[gx + j];
            run->bias[(g + p->side) * width + j] += b_hh[gh + j];
        }
    }
    if (l->w_hr && out_last > out_first)
        R(pack_b)((const real *)l->w_hr + out_first * l->hidden, 1, l->hidden, l->hidden, out_last - out_first, run->wr + out_first * l->hidden);
    isize low, high, turn = 0;
    for (isize s = 0, end; s < l->steps; s = end) {
        end = rnn_chunk(run->steps, s, l->steps, RNN_FORWARD_ROWS, &low, &high);
        real *state = l->saved ? (real *)l->saved + low * row : run->state;
        for (isize j = first; j < last; j += PANEL)
            for (isize g = 0; g < p->gates; g++)
                R(rnn_product)(high - low, isize_min(PANEL, isize_min(last, computed) - j), l->input, x + low * l->input, l->input,
                               run->wx + (j * p->gates + g * PANEL) * l->input, state + g * width + j, row, 0);
        for (isize b = 0; b < high - low && computed < last; b++)
            for (isize slot = 0; slot < p->gates + p->side; slot++) memset(state + b * row + slot * width + computed, 0, UNIT * sizeof(real));
        for (; s < end; s++, turn ^= 1) {
            isize count = run->steps[s].count, at = run->steps[s].first, stay = R(rnn_going_on)(run, s);
            const real *h = run->h[turn];
            real *next = run->h[turn ^ 1], *rows = state + (at - low) * row;
            for (isize j = first; j < last; j += PANEL) {
                isize columns = isize_min(PANEL, last - j);
                if (s == 0 && !l->h0) {          /* nothing comes from h: only the slot that x does not go to is to be set */
                    for (isize b = 0; b < count && p->side; b++) memset(rows + b * row + 3 * width + j, 0, columns * sizeof(real));
                } else {
                    for (isize g = 0; g < p->gates; g++) {
                        isize slot = p->gates + p->side + g;
                        if (slot < p->slots) R(rnn_fetch)(rows + slot * width + j, row, count, columns);
                        if (slot == p->slots) R(rnn_fetch)((real *)l->y + at * l->y_row + j, l->y_row, count, columns);
                        R(rnn_product)(count, isize_min(PANEL, isize_min(last, computed) - j), l->output, h, run->h_row,
                                       run->wh + (j * p->gates + g * PANEL) * l->output, rows + (g + p->side) * width + j, row,
                                       g + p->side < p->gates);
                    }
                }
                for (isize b = 0; b < count && l->kind == RNN_LSTM; b++)
                    for (isize k = j; k < j + columns; k += LANES) R(rnn_cell)(width, rows + b * row + k, run->bias + k, run->c + b * width + k);
                for (isize b = 0; b < count; b++)
                    for (isize k = j; k < j + columns; k += LANES) {
                        vec before = l->kind == RNN_GRU ? V(load)(h + b * run->h_row + k) : V(all)(0);
                        vec out = R(rnn_gates)(l->kind, width, rows + b * row + k, run->bias + k, before);
                        if (!l->w_hr) R(rnn_emit)(run, out, next, at + b, b, k, b >= stay);
                    }
            }
            RNN_BARRIER(threads);
            if (!l->w_hr) continue;
            for (isize j = out_first; j < out_last; j += PANEL) {
                isize columns = up_to_multiple(isize_min(PANEL, out_last - j), LANES);
                R(rnn_product)(count, columns, l->hidden, rows + 6 * width, row, run->wr + j * l->hidden, rows + 7 * width + j, row, 0);
                for (isize b = 0; b < count; b++)
                    for (isize k = j; k < j + columns; k += LANES)
                        R(rnn_emit)(run, V(load)(rows + b * row + 7 * width + k), next, at + b, b, k, b >= stay);
            }
            RNN_BARRIER(threads);
        }
    }
    if (l->cn)
        for (isize b = 0; b < l->batch; b++)
            memcpy((real *)l->cn + b * l->hidden + first, run->c + b * width + first, mine * sizeof(real));
}

/* Rows of `from` (NULL: zeros), `columns` wide, into rows of `row` columns with zeros after them. */
static void R(rnn_spread)(const real *from, isize rows, isize columns, real *to, isize row) {
    for (isize b = 0; b < rows; b++, to += row) {
        isize kept = from ? columns : 0;
        if (from) memcpy(to, from + b * columns, columns * sizeof(real));
        memset(to + kept, 0, (row - kept) * sizeof(real));
    }
}

static int R(rnn_forward)(const rnn_layer *l) {
    R(rnn_run) run = {l, R(rnn_shape)(l)};
    const rnn_shape *p = &run.p;
    run.h_row = up_to_multiple(l->output, LANES);
    isize wx = p->gates * R(packed_size)(l->input, l->hidden), wh = p->gates * R(packed_size)(l->output, l->hidden);
    isize wr = l->w_hr ? R(packed_size)(l->hidden, l->output) : 0, bias = RNN_MOST_GATES * p->width, h = l->batch * run.h_row;
    isize c = l->batch * p->width, state = l->saved ? 0 : isize_max(RNN_FORWARD_ROWS, l->batch) * p->row;
    isize steps = up_to_multiple(l->steps * sizeof(rnn_step), 64);
    char *block = scratch_get(steps + (wx + wh + wr + bias + 2 * h + c + state + 8 * PANEL) * sizeof(real));
    if (!block) return -1;
    rnn_steps(l, (rnn_step *)block);
    run.steps = (rnn_step *)block;
    real *memory = (real *)(block + steps);
    run.wx = R(rnn_carve)(&memory, wx), run.wh = R(rnn_carve)(&memory, wh), run.wr = R(rnn_carve)(&memory, wr);
    run.bias = R(rnn_carve)(&memory, bias), run.h[0] = R(rnn_carve)(&memory, h), run.h[1] = R(rnn_carve)(&memory, h);
    run.c = R(rnn_carve)(&memory, c), run.state = memory;
    memset(run.bias, 0, bias * sizeof(real));
    /* both, for sequences that start later than others */
    for (int i = 0; i < 2; i++) R(rnn_spread)(l->h0, l->batch, l->output, run.h[i], run.h_row);
    R(rnn_spread)(l->c0, l->batch, l->hidden, run.c, p->width);
    int threads = rnn_threads(l, p, (p->width + PANEL - 1) / PANEL);
    if (threads == 1) R(rnn_forward_thread)(&run, 0, 1);
    else {
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
        R(rnn_forward_thread)(&run, omp_get_thread_num(), omp_get_num_threads());
#endif
    }
    scratch_put(block);
    return 0;
}

/* ---- backward */
typedef struct {
    const rnn_layer *l;
    const rnn_gradients *d;
    rnn_shape p;
    const rnn_step *steps;
    real *wx, *wh, *wr;                 /* packed weights: of all gates one below the other, in the order of the slots */
    real *grads;                        /* gradients of the gates of a chunk; behind a projection also those of h */
    real *dh, *dc, *bias;               /* gradients of the states of all sequences; sums of `grads` */
    real *x, *h, *m;                    /* of a chunk, packed: the input, h of the step before, what was projected */
    real *room;
    isize gap, row, h_row, depth;       /* numbers from one slot of grads to the next, in a row of grads and of dh, and of all gates */
} R(rnn_return);

/* Gradients of the gates of one vector of units, from those of h and c after the step: into slots `gap` apart that have `count` more
 * columns. dc is replaced; gives the part of dh that goes past the gates. */
INLINE vec R(rnn_gates_back)(int kind, isize width, const real *g, real *d, isize gap, isize count, vec dh, real *dc, vec h_before,
                              vec c_before) {
    vec one = V(all)(1);
    if (kind == RNN_LSTM) {
        vec i = V(load)(g), f = V(load)(g + width), u = V(load)(g + 2 * width), o = V(load)(g + 3 * width), t = V(load)(g + 5 * width);
        vec cell = V(load)(dc) + dh * o * (one - t * t);
        R(store_some)(d, cell * u * i * (one - i), count), R(store_some)(d + gap, cell * c_before * f * (one - f), count);
        R(store_some)(d + 2 * gap, cell * i * (one - u * u), count), R(store_some)(d + 3 * gap, dh * t * o * (one - o), count);
        V(store)(dc, cell * f);
        return V(all)(0);
    }
    if (kind == RNN_GRU) {
        vec n = V(load)(g), r = V(load)(g + width), z = V(load)(g + 2 * width), m = V(load)(g + 3 * width);
        vec dn = dh * (one - z) * (one - n * n);
        R(store_some)(d, dn, count), R(store_some)(d + gap, dn * m * r * (one - r), count);
        R(store_some)(d + 2 * gap, dh * (h_before - n) * z * (one - z), count), R(store_some)(d + 3 * gap, dn * r, count);
        return dh * z;
    }
    vec h = V(load)(g), zero = V(all)(0);
    if (kind == RNN_TANH) R(store_some)(d, dh * (one - h * h), count);
    else R(store_some)(d, V(where)(h > zero, dh, zero), count);
    return zero;
}

/* Columns `first` and on of packed B = rows of W for each slot from `slot` on, one below the other, zeros for units that are padding. */
static void R(rnn_pack_stacked)(const real *w, const int *gates, isize count, isize hidden, isize gap, isize columns, isize first, isize last,
                                real *packed) {
    for (isize j = first; j < last; j += PANEL)
        for (isize g = 0; g < count; g++) {
            real *to = packed + (j * count + g * PANEL) * gap;
            R(pack_panel)(w + gates[g] * hidden * columns + j, columns, 1, hidden, isize_min(PANEL, columns - j), to);
            memset(to + hidden * PANEL, 0, (gap - hidden) * PANEL * sizeof(real));
        }
}

/* The panel from column j on of the rows of h before the steps [end, s], packed. */
static void R(rnn_pack_before)(const R(rnn_return) *run, isize s, isize end, isize low, isize depth, isize j) {
    const rnn_layer *l = run->l;
    const real *kept = (const real *)l->saved + (run->p.slots - 1) * run->p.width + j;
    isize columns = isize_min(PANEL, l->output - j);
    for (; s > end; s--) {
        rnn_step now = run->steps[s], before = s ? run->steps[s - 1] : (rnn_step){0, 0};
        isize ran = isize_min(before.count, now.count);
        real *to = run->h + j * depth + (now.first - low) * PANEL;
        R(pack_panel)(kept + before.first * run->p.row, run->p.row, 1, ran, columns, to);
        to += ran * PANEL;
        if (l->h0) R(pack_panel)((const real *)l->h0 + ran * l->output + j, l->output, 1, now.count - ran, columns, to);
        else memset(to, 0, (now.count - ran) * PANEL * sizeof(real));
    }
}

/* C (+)= A B for packed tiles of A and packed B of `columns` columns, whose panels are `panel` numbers apart. */
static void R(rnn_unit_product)(isize count, isize columns, isize depth, const real *tiles, const real *packed, isize panel, real *c,
                                int accumulate) {
    for (isize j = 0; j < columns; j += PANEL, packed += panel)
        for (isize i = 0, h; i < count; i += h) {
            h = tile_height(count - i);
            R(gemm_tile)((int)h, (int)isize_min(PANEL, columns - j), depth, tiles + i * depth, 1, h, packed, PANEL, c + i * columns + j, columns,
                         accumulate);
        }
}

/* Weight gradients (+)= grads^T [x, h before], for the units [first, last) of each gate. Tiles of grads serve both products. */
static void R(rnn_weight_gradients)(const R(rnn_return) *run, isize first, isize last, isize rows, int accumulate, real *room) {
    const rnn_layer *l = run->l;
    const rnn_shape *p = &run->p;
    for (isize k = 0, depth; k < rows; k += depth, accumulate = 1) {
        depth = depth_block(rows - k);
        for (isize slot = 0; slot < p->gates + p->side; slot++)
            for (isize i = first, count; i < last; i += count) {
                count = even_part(last - i, GEMM_ROWS, TILE_ROWS);
                R(pack_a)(run->grads + k * run->row + slot * run->gap + i, 1, run->row, count, depth, room);
                if (slot < p->gates)
                    R(rnn_unit_product)(count, l->input, depth, room, run->x + k * PANEL, rows * PANEL,
                                        (real *)run->d->dw_ih + (p->x_gate[slot] * l->hidden + i) * l->input, accumulate);
                if (slot >= p->side)
                    R(rnn_unit_product)(count, l->output, depth, room, run->h + k * PANEL, rows * PANEL,
                                        (real *)run->d->dw_hh + ((slot - p->side) * l->hidden + i) * l->output, accumulate);
            }
    }
}

static void R(rnn_backward_thread)(const R(rnn_return) *run, int thread, int threads) {
    const rnn_layer *l = run->l;
    const rnn_gradients *d = run->d;
    const rnn_shape *p = &run->p;
    const isize width = p->width, gap = run->gap, depth = run->depth, slots = p->gates + p->side;
    isize first, last, h_first, h_last, x_first, x_last;
    R(rnn_share)(width, thread, threads, &first, &last);
    R(rnn_share)(run->h_row, thread, threads, &h_first, &h_last);
    R(rnn_share)(l->input, thread, threads, &x_first, &x_last);
    isize mine = isize_min(last, l->hidden) - first;
    real *room = run->room + thread * GEMM_ROOM;
    R(rnn_pack_stacked)(l->w_hh, rnn_in_order, p->gates, l->hidden, gap, l->output, h_first, isize_min(h_last, l->output), run->wh);
    if (d->dx) R(rnn_pack_stacked)(l->w_ih, p->x_gate, p->gates, l->hidden, gap, l->input, x_first, x_last, run->wx);
    if (l->w_hr && mine > 0) R(pack_b)((const real *)l->w_hr + first, l->hidden, 1, l->output, mine, run->wr + first * l->output);
    const real *dy = d->dy;
    isize low, high, at_once = even_part(l->rows, RNN_BACKWARD_ROWS, l->batch);
    for (isize s = l->steps - 1, end, start; s >= 0; s = end) {
        end = rnn_chunk(run->steps, s, -1, at_once, &low, &high);
        start = s;
        int begun = s < l->steps - 1;
        for (; s > end; s--) {
            isize count = run->steps[s].count, at = run->steps[s].first;
            rnn_step before = s ? run->steps[s - 1] : (rnn_step){0, 0};
            const real *state = (const real *)l->saved + at * p->row;
            const real *state_before = (const real *)l->saved + before.first * p->row;
            real *grads = run->grads + (at - low) * run->row;
            if (l->w_hr) {
                for (isize b = 0; b < count; b++)
                    for (isize k = h_first; k < h_last; k += LANES) {
                        vec dh = V(load)(run->dh + b * run->h_row + k);
                        if (dy) dh += R(load_some)(dy + (at + b) * l->y_row + k, l->output - k);
                        V(store)(grads + b * run->row + 4 * width + k, dh);
                    }
                RNN_BARRIER(threads);
                R(rnn_product)(count, last - first, l->output, grads + 4 * width, run->row, run->wr + first * l->output, grads + first,
                               run->row, 0);
            }
            for (isize b = 0; b < count; b++)
                for (isize k = first; k < last; k += LANES) {
                    const real *g = state + b * p->row + k;
                    real *to = grads + b * run->row + k, *dh_b = run->dh + b * run->h_row + k;
                    isize inside = l->hidden - k;
                    if (k % PANEL == 0 && b + 1 < count) {       /* processors do not see rows that long to be in a row */
                        for (isize slot = 0; slot < slots; slot++) __builtin_prefetch(g + p->row + slot * width);
                        if (l->kind == RNN_LSTM) __builtin_prefetch(g + p->row + 5 * width);
                        if (p->slots > 1 && b + 1 < before.count) __builtin_prefetch(state_before + (b + 1) * p->row + 4 * width + k);
                        if (dy) __builtin_prefetch(dy + (at + b + 1) * l->y_row + k);
                    }
                    vec h_before = V(all)(0), c_before = V(all)(0), dh;
                    if (b < before.count) {
                        const real *old = state_before + b * p->row + k;
                        if (l->kind == RNN_LSTM) c_before = V(load)(old + 4 * width);
                        if (l->kind == RNN_GRU) h_before = V(load)(old + 4 * width);
                    } else {
                        if (l->kind == RNN_LSTM && l->c0) c_before = R(load_some)((const real *)l->c0 + b * l->hidden + k, inside);
                        if (l->kind == RNN_GRU && l->h0) h_before = R(load_some)((const real *)l->h0 + b * l->hidden + k, inside);
                    }
                    if (l->w_hr) dh = V(load)(to);
                    else {
                        dh = V(load)(dh_b);
                        if (dy) dh += R(load_some)(dy + (at + b) * l->y_row + k, inside);
                    }
                    vec past = R(rnn_gates_back)(l->kind, width, g, to, gap, gap - k, dh, run->dc + b * width + k, h_before, c_before);
                    if (!l->w_hr) V(store)(dh_b, past);
                }
            RNN_BARRIER(threads);
            if ((s > 0 || d->dh0) && h_last > h_first)
                R(rnn_product)(count, isize_min(h_last, up_to_multiple(l->output, UNIT)) - h_first, depth, grads + p->side * gap, run->row,
                               run->wh + h_first * depth, run->dh + h_first, run->h_row, !l->w_hr);
        }
        isize rows = high - low;
        for (isize j = x_first; d->dw_ih && j < x_last; j += PANEL)
            R(pack_panel)((const real *)l->x + low * l->input + j, l->input, 1, rows, isize_min(PANEL, l->input - j), run->x + j * rows);
        for (isize j = h_first; d->dw_ih && j < isize_min(h_last, l->output); j += PANEL) R(rnn_pack_before)(run, start, end, low, rows, j);
        for (isize j = first; d->dw_hr && j < isize_min(last, l->hidden); j += PANEL)
            R(pack_panel)((const real *)l->saved + low * p->row + 6 * width + j, p->row, 1, rows, isize_min(PANEL, l->hidden - j), run->m + j * rows);
        RNN_BARRIER(threads);
        if (d->dw_ih) R(rnn_weight_gradients)(run, first, first + mine, rows, begun, room);
        if (d->dw_hr && h_last > h_first)
            R(gemm_packed)(isize_min(h_last, l->output) - h_first, l->hidden, rows, run->grads + 4 * width + h_first, 1, run->row, run->m,
                           (real *)d->dw_hr + h_first * l->hidden, l->hidden, begun, room);
        for (isize r = 0, end; d->db_ih && r < rows; r = end) {     /* short sums first: they round less */
            end = isize_min(r + 16, rows);
            for (isize g = 0; g < slots; g++)
                for (isize k = first; k < last; k += LANES) {
                    vec part = V(all)(0);
                    for (isize i = r; i < end; i++) part += V(load)(run->grads + i * run->row + g * gap + k);
                    V(store)(run->bias + g * width + k, V(load)(run->bias + g * width + k) + part);
                }
        }
        if (d->dx && x_last > x_first)
            R(rnn_product)(rows, x_last - x_first, depth, run->grads, run->row, run->wx + x_first * depth, (real *)d->dx + low * l->input + x_first,
                           l->input, d->add_dx);
        RNN_BARRIER(threads);           /* the next chunk overwrites what was read here */
    }
    for (isize g = 0; d->db_ih && g < p->gates && mine > 0; g++) {
        memcpy((real *)d->db_ih + p->x_gate[g] * l->hidden + first, run->bias + g * width + first, mine * sizeof(real));
        memcpy((real *)d->db_hh + g * l->hidden + first, run->bias + (g + p->side) * width + first, mine * sizeof(real));
    }
    for (isize b = 0; d->dh0 && h_last > h_first && b < l->batch; b++)
        memcpy((real *)d->dh0 + b * l->output + h_first, run->dh + b * run->h_row + h_first, (isize_min(h_last, l->output) - h_first) * sizeof(real));
    for (isize b = 0; d->dc0 && mine > 0 && b < l->batch; b++)
        memcpy((real *)d->dc0 + b * l->hidden + first, run->dc + b * width + first, mine * sizeof(real));
}

static int R(rnn_backward)(const rnn_layer *l, const rnn_gradients *d) {
    R(rnn_return) run = {l, d, R(rnn_shape)(l)};
    const rnn_shape *p = &run.p;
    isize slots = p->gates + p->side + (l->w_hr != NULL), chunk = RNN_BACKWARD_ROWS + l->batch;
    run.h_row = up_to_multiple(l->output, LANES), run.gap = l->w_hr || l->hidden <= PANEL ? p->width : l->hidden;
    run.depth = p->gates * run.gap, run.row = up_to_multiple(slots * run.gap, PANEL) + PANEL;
    int threads = rnn_threads(l, p, (p->width + PANEL - 1) / PANEL);
    isize wx = d->dx ? R(packed_size)(run.depth, l->input) : 0, wh = R(packed_size)(run.depth, l->output);
    isize wr = l->w_hr ? R(packed_size)(l->output, l->hidden) : 0, grads = isize_min(chunk, l->rows) * run.row, dh = l->batch * run.h_row;
    isize dc = l->batch * p->width, bias = slots * p->width, rows = isize_min(chunk, l->rows);
    isize x = d->dw_ih ? R(packed_size)(rows, l->input) : 0, h = d->dw_ih ? R(packed_size)(rows, l->output) : 0;
    isize m = d->dw_hr ? R(packed_size)(rows, l->hidden) : 0, room = threads * GEMM_ROOM;
    isize steps = up_to_multiple(l->steps * sizeof(rnn_step), 64);
    char *block = scratch_get(steps + (wx + wh + wr + grads + dh + dc + bias + x + h + m + room + 11 * PANEL) * sizeof(real));
    if (!block) return -1;
    rnn_steps(l, (rnn_step *)block);
    run.steps = (rnn_step *)block;
    real *memory = (real *)(block + steps);
    run.wx = R(rnn_carve)(&memory, wx), run.wh = R(rnn_carve)(&memory, wh), run.wr = R(rnn_carve)(&memory, wr);
    run.grads = R(rnn_carve)(&memory, grads), run.dh = R(rnn_carve)(&memory, dh), run.dc = R(rnn_carve)(&memory, dc);
    run.bias = R(rnn_carve)(&memory, bias), run.x = R(rnn_carve)(&memory, x), run.h = R(rnn_carve)(&memory, h);
    run.m = R(rnn_carve)(&memory, m), run.room = memory;
    memset(run.bias, 0, bias * sizeof(real));
    R(rnn_spread)(d->dhn, l->batch, l->output, run.dh, run.h_row);
    R(rnn_spread)(d->dcn, l->batch, l->hidden, run.dc, p->width);
    if (threads == 1) R(rnn_backward_thread)(&run, 0, 1);
    else {
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
        R(rnn_backward_thread)(&run, omp_get_thread_num(), omp_get_num_threads());
#endif
    }
    scratch_put(block);
    return 0;
}
