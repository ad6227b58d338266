/* The loops of windows.h for one REAL. Planes are shared out among the threads. */

#define ints PASTE(ints, REAL)
#define places PASTE(places, REAL)

#define PRAGMA(TEXT) _Pragma(#TEXT)
#define FOR_PLANES(cost) PRAGMA(omp parallel for num_threads(threads) if (threads > 1 && (cost) >= WINDOW_GRAIN))

/* Windows of the whole grid, and elements of a plane. */
INLINE isize R(windows_of)(const window_grid *g) { return g->dim[0].out * g->dim[1].out * g->dim[2].out; }
INLINE isize R(plane_of)(const window_grid *g) { return g->dim[0].size * g->dim[1].size * g->dim[2].size; }

/* What a window meets in one dim. */
typedef struct { isize first, count, step; } R(span);
INLINE R(span) R(span_of)(const window_dim *d, isize o) {
    isize first = d->first[o], length = d->end[o] - first;
    return (R(span)){first, length <= 0 ? 0 : d->step == 1 ? length : (length - 1) / d->step + 1, d->step};
}

/* The sizes that are met most are constants of their own copy of a loop over a window. */
#define BY_SIZE(h, w, CALL)                                                                                                       \
    if ((h).step == 1 && (w).step == 1 && (h).count == 2 && (w).count == 2) { CALL(2, 2, 1, 1); }                                 \
    else if ((h).step == 1 && (w).step == 1 && (h).count == 3 && (w).count == 3) { CALL(3, 3, 1, 1); }                            \
    else { CALL((h).count, (w).count, (h).step, (w).step); }

/* Where windows beside each other have their k-th elements: column[k * padded + o], windows past the last like the last. A window with
 * fewer elements than others has its last one several times, which changes no maximum. */
typedef struct {
    isize padded, taps;
    int32_t *column;
    int8_t *apart;                      /* of each LANES windows: how far these lie apart, 1 or 2; 0: otherwise or unevenly, or some are empty */
} R(columns);

static int R(columns_of)(const window_dim *d, R(columns) *made) {
    made->padded = up_to_multiple(d->out, LANES), made->taps = 1;
    for (isize o = 0; o < d->out; o++) made->taps = isize_max(made->taps, R(span_of)(d, o).count);
    made->column = scratch_get(made->padded * made->taps * sizeof(int32_t) + made->padded / LANES);
    if (!made->column) return -1;
    made->apart = (int8_t *)(made->column + made->padded * made->taps);
    for (isize o = 0; o < made->padded; o++) {
        R(span) w = R(span_of)(d, isize_min(o, d->out - 1));
        for (isize k = 0; k < made->taps; k++)
            made->column[k * made->padded + o] = w.count ? (int32_t)(w.first + isize_min(k, w.count - 1) * w.step) : 0;
    }
    for (isize c = 0; c < made->padded; c += LANES) {
        isize end = isize_min(c + LANES, d->out);
        int step = c + 1 < end ? made->column[c + 1] - made->column[c] : 1, even = step == 1 || step == 2;
        for (isize o = c; even && o < end; o++) {
            even = R(span_of)(d, o).count > 0;
            for (isize k = 0; k < made->taps; k++) even &= o == c || made->column[k * made->padded + o] - made->column[k * made->padded + o - 1] == step;
        }
        made->apart[c / LANES] = even ? step : 0;
    }
    return 0;
}

/* The elements at x[base + at[i]], of windows past the last any; nothing past the `size` of x is read. */
INLINE vec R(picked)(const real *x, isize size, isize base, const int32_t *at, int apart) {
    const real *from = x + base + at[0];
    if (apart == 1 && base + at[0] + LANES <= size) return V(load)(from);
    if (apart == 2 && base + at[0] + 2 * LANES <= size) return V(evens)(V(load)(from), V(load)(from + LANES));
    vec v;
#pragma GCC unroll 8
    for (int i = 0; i < LANES; i++) v[i] = x[base + at[i]];
    return v;
}
INLINE ints R(widened)(const int32_t *at, isize base) {
    places v;
    ints made;
    memcpy(&v, at, sizeof v);
    made = __builtin_convertvector(v, ints);
    return made + (__typeof__(made[0]))base;
}

static void R(max_plane)(const window_grid *g, const R(columns) *columns, const real *x, real *values, int64_t *indices) {
    const isize rows = g->dim[1].size, row = g->dim[2].size, out = g->dim[2].out, size = g->dim[0].size * rows * row;
    for (isize a = 0; a < g->dim[0].out; a++) {
        R(span) d = R(span_of)(&g->dim[0], a);
        for (isize b = 0; b < g->dim[1].out; b++, values += out, indices += out) {
            R(span) h = R(span_of)(&g->dim[1], b);
            const int empty = !d.count || !h.count;
            for (isize c = 0; c < out; c += LANES) {
                const int32_t *column = columns->column + c;
                const int apart = columns->apart[c / LANES];
                vec best = V(all)(-(real)INFINITY);
                ints at = R(widened)(column, (d.first * rows + h.first) * row);
                for (isize i = 0; i < d.count; i++)
                    for (isize j = 0; j < h.count; j++) {
                        const isize base = ((d.first + i * d.step) * rows + h.first + j * h.step) * row;
                        for (isize k = 0; k < columns->taps; k++) {
                            vec v = R(picked)(x, size, base, column + k * columns->padded, apart);
                            ints better = (v > best) | (v != v), here = R(widened)(column + k * columns->padded, base);
                            best = V(where)(better, v, best);
                            at = (better & here) | (~better & at);
                        }
                    }
                if (apart && !empty) {
                    PASTE(indices, REAL) wide = __builtin_convertvector(at, PASTE(indices, REAL));
                    isize count = isize_min(LANES, out - c);
                    V(store_part)(values + c, best, (int)count);
                    memcpy(indices + c, &wide, count * sizeof *indices);
                    continue;
                }
                for (isize o = c; o < isize_min(out, c + LANES); o++) {
                    const int none = empty || !R(span_of)(&g->dim[2], o).count;
                    values[o] = none ? -(real)INFINITY : best[o - c];
                    indices[o] = none ? 0 : at[o - c];
                }
            }
        }
    }
}

static int R(max)(int threads, const window_grid *g, const void *x, void *values, int64_t *at) {
    const isize out = R(windows_of)(g), plane = R(plane_of)(g);
    R(columns) columns;
    if (R(columns_of)(&g->dim[2], &columns)) return -1;
    FOR_PLANES(g->planes * plane)
    for (isize p = 0; p < g->planes; p++) R(max_plane)(g, &columns, (const real *)x + p * plane, (real *)values + p * out, at + p * out);
    scratch_put(columns.column);
    return 0;
}

/* Divided as PyTorch does: an adaptive mean by each dim's count in turn, others by the product. */
INLINE real R(divided)(const window_grid *g, real total, isize a, isize b, isize c) {
    if (g->in_turn) return total / (real)g->divisors[0][a] / (real)g->divisors[1][b] / (real)g->divisors[2][c];
    return total / (real)(g->divisors[0][a] * g->divisors[1][b] * g->divisors[2][c]);
}

INLINE real R(sum_window)(const real *x, isize row, isize hs, isize ws, isize hstep, isize wstep, real total) {
#pragma GCC unroll 3
    for (isize h = 0; h < hs; h++)
#pragma GCC unroll 3
        for (isize w = 0; w < ws; w++) total += x[h * hstep * row + w * wstep];
    return total;
}

INLINE void R(add_window)(real *x, isize row, isize hs, isize ws, isize hstep, isize wstep, real share) {
#pragma GCC unroll 3
    for (isize h = 0; h < hs; h++)
#pragma GCC unroll 3
        for (isize w = 0; w < ws; w++) x[h * hstep * row + w * wstep] += share;
}

/* The means of a plane's windows, or what lays values back on a plane: `to` then gets a window's value in all its elements. */
INLINE void R(mean_plane)(const int adjoint, const window_grid *g, const real *from, real *to) {
    const isize rows = g->dim[1].size, row = g->dim[2].size;
    for (isize a = 0; a < g->dim[0].out; a++) {
        R(span) d = R(span_of)(&g->dim[0], a);
        for (isize b = 0; b < g->dim[1].out; b++) {
            R(span) h = R(span_of)(&g->dim[1], b);
            for (isize c = 0; c < g->dim[2].out; c++) {
                R(span) w = R(span_of)(&g->dim[2], c);
                real total = adjoint ? R(divided)(g, *from++, a, b, c) : 0;
                for (isize i = 0; i < d.count; i++) {
                    const isize at = ((d.first + i * d.step) * rows + h.first) * row + w.first;
#define CALL(hs, ws, hstep, wstep)                                                                       \
    if (adjoint) R(add_window)(to + at, row, hs, ws, hstep, wstep, total);                               \
    else total = R(sum_window)(from + at, row, hs, ws, hstep, wstep, total)
                    BY_SIZE(h, w, CALL);
#undef CALL
                }
                if (!adjoint) *to++ = R(divided)(g, total, a, b, c);
            }
        }
    }
}

static void R(mean)(int threads, const window_grid *g, const void *x, void *means) {
    const isize out = R(windows_of)(g), plane = R(plane_of)(g);
    FOR_PLANES(g->planes * plane)
    for (isize p = 0; p < g->planes; p++) R(mean_plane)(0, g, (const real *)x + p * plane, (real *)means + p * out);
}

static void R(mean_adjoint)(int threads, const window_grid *g, const void *grad, void *made) {
    const isize out = R(windows_of)(g), plane = R(plane_of)(g);
    FOR_PLANES(g->planes * plane)
    for (isize p = 0; p < g->planes; p++) {
        memset((real *)made + p * plane, 0, plane * sizeof(real));
        R(mean_plane)(1, g, (const real *)grad + p * out, (real *)made + p * plane);
    }
}

static void R(gather)(int threads, isize planes, isize count, isize size, const void *x, const int64_t *at, void *picked) {
    FOR_PLANES(planes * count)
    for (isize p = 0; p < planes; p++)
        for (isize i = p * count; i < (p + 1) * count; i++) ((real *)picked)[i] = ((const real *)x)[p * size + at[i]];
}

static void R(scatter)(int threads, isize planes, isize count, isize size, const void *values, const int64_t *at, void *made) {
    FOR_PLANES(planes * size)
    for (isize p = 0; p < planes; p++) {
        real *plane = (real *)made + p * size;
        memset(plane, 0, size * sizeof(real));
        for (isize i = p * count; i < (p + 1) * count; i++) plane[at[i]] += ((const real *)values)[i];
    }
}

/* One vector of rows' elements: +  w0 x0 + w1 x1 + ... */
static void R(mix_rows)(isize inner, isize taps, const real *x, const int64_t *at, const real *weights, real *made) {
    isize i = 0;
    for (; i + LANES <= inner; i += LANES) {
        vec total = V(load)(x + at[0] * inner + i) * weights[0];
        for (isize k = 1; k < taps; k++) total += V(load)(x + at[k] * inner + i) * weights[k];
        V(store)(made + i, total);
    }
    for (; i < inner; i++) {
        real total = x[at[0] * inner + i] * weights[0];
        for (isize k = 1; k < taps; k++) total += x[at[k] * inner + i] * weights[k];
        made[i] = total;
    }
}

static void R(resample)(int threads, isize outer, isize size, isize out, isize inner, isize taps, const void *x_, const int64_t *at,
                        const void *weights_, void *made_) {
    const real *weights = weights_;
    FOR_PLANES(outer * out * inner)
    for (isize p = 0; p < outer; p++) {
        const real *x = (const real *)x_ + p * size * inner;
        real *made = (real *)made_ + p * out * inner;
        if (!weights && inner == 1) for (isize o = 0; o < out; o++) made[o] = x[at[o]];
        else if (!weights) for (isize o = 0; o < out; o++) memcpy(made + o * inner, x + at[o] * inner, inner * sizeof(real));
        else if (inner == 1 && taps == 2)
            for (isize o = 0; o < out; o++) made[o] = x[at[2 * o]] * weights[2 * o] + x[at[2 * o + 1]] * weights[2 * o + 1];
        else for (isize o = 0; o < out; o++) R(mix_rows)(inner, taps, x, at + o * taps, weights + o * taps, made + o * inner);
    }
}

static void R(resample_adjoint)(int threads, isize outer, isize size, isize out, isize inner, isize taps, const void *grad_, const int64_t *at,
                                const void *weights, void *made_) {
    FOR_PLANES(outer * out * inner)
    for (isize p = 0; p < outer; p++) {
        const real *grad = (const real *)grad_ + p * out * inner;
        real *made = (real *)made_ + p * size * inner;
        memset(made, 0, size * inner * sizeof(real));
        for (isize o = 0; o < out; o++, grad += inner)
            for (isize k = 0; k < taps; k++) {
                real *to = made + at[o * taps + k] * inner;
                const real weight = weights ? ((const real *)weights)[o * taps + k] : 1;
                for (isize i = 0; i < inner; i++) to[i] += grad[i] * weight;
            }
    }
}

#undef ints
#undef places
#undef PRAGMA
#undef FOR_PLANES
#undef BY_SIZE
