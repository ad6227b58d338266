/* The loops of norms.h for one REAL. */

/* Sums over n elements that follow each other, added to total[0] and, for GRADIENTS, total[1]; there g = dy, or dy weight. */
INLINE void R(fold)(const int what, const int weighted, const real *x, const real *dy, const real *weight, real mean, isize n, double *total) {
    const vec m = V(all)(mean);
    isize i = 0;
    while (i < n) {
        vec first[4] = {0}, second[4] = {0};
        isize end = isize_min(n, i + 4 * LANES * NORM_BLOCK);
        for (; i + 4 * LANES <= end; i += 4 * LANES)
#pragma GCC unroll 4
            for (int k = 0; k < 4; k++) {
                vec v = V(load)(x + i + k * LANES);
                if (what == SUM) first[k] += v;
                else if (what == SQUARES) { v -= m; first[k] = V(fma)(v, v, first[k]); }
                else {
                    vec g = V(load)(dy + i + k * LANES);
                    if (weighted) g *= V(load)(weight + i + k * LANES);
                    first[k] += g, second[k] = V(fma)(g, v - m, second[k]);
                }
            }
        real rest[2] = {0};
        if (end == n)
            for (; i < n; i++) {
                real v = x[i], g = what == GRADIENTS ? weighted ? dy[i] * weight[i] : dy[i] : 0;
                rest[0] += what == SUM ? v : what == SQUARES ? (v - mean) * (v - mean) : g;
                rest[1] += g * (v - mean);
            }
        total[0] += (double)V(sum)((first[0] + first[1]) + (first[2] + first[3])) + rest[0];
        if (what == GRADIENTS) total[1] += (double)V(sum)((second[0] + second[1]) + (second[2] + second[3])) + rest[1];
    }
}

/* The same over rows, for `width` columns (at most NORM_COLUMNS) of a matrix; mean: one a column. */
INLINE void R(fold_columns)(const int what, const real *x, const real *dy, const real *mean, isize rows, isize row, int width,
                            double *first, double *second) {
    for (isize from = 0; from < rows; from += NORM_BLOCK) {
        real a[NORM_COLUMNS] = {0}, b[NORM_COLUMNS] = {0};
        isize end = isize_min(rows, from + NORM_BLOCK);
        for (isize i = from; i < end; i++)
            for (int j = 0; j < width; j++) {
                real v = x[i * row + j];
                if (what == SUM) a[j] += v;
                else if (what == SQUARES) a[j] += (v - mean[j]) * (v - mean[j]);
                else a[j] += dy[i * row + j], b[j] += dy[i * row + j] * (v - mean[j]);
            }
        for (int j = 0; j < width; j++) first[j] += a[j];
        if (what == GRADIENTS) for (int j = 0; j < width; j++) second[j] += b[j];
    }
}

/* ------------------------------------------------------------------ sets of segments: `count` of them, `rest` long, `stride` apart */
typedef struct { isize count, stride, start, channel, step; } R(set);     /* segment k belongs to channel + k * step */

INLINE R(set) R(set_at)(const norm_shape *s, isize i) {
    if (!s->groups) return (R(set)){s->batch, s->channels * s->rest, i * s->rest, i, 0};
    isize width = s->channels / s->groups;
    return (R(set)){width, s->rest, i * width * s->rest, i % s->groups * width, 1};
}
INLINE isize R(sets)(const norm_shape *s) { return s->groups ? s->batch * s->groups : s->channels; }

INLINE real R(inverse)(double var, double eps) { return (real)(1 / sqrt(var + eps)); }

/* torch: scaled and shifted at once, with m folded into the shift */
INLINE void R(scale)(const real *x, isize n, real scale, real shift, real *y) {
    const vec a = V(all)(scale), b = V(all)(shift);
    isize i = 0;
    for (; i + LANES <= n; i += LANES) V(store)(y + i, V(fma)(V(load)(x + i), a, b));
    for (; i < n; i++) y[i] = (real)fma(x[i], scale, shift);
}

static void R(forward_columns)(int threads, const norm_shape *s, int known, double eps, const real *x, const real *weight, const real *bias,
                               real *y, real *mean, real *rstd, real *var) {
    const isize rows = s->batch, row = s->channels;
    SHARE(rows * row)
    for (isize from = 0; from < row; from += NORM_COLUMNS) {
        const int width = (int)isize_min(NORM_COLUMNS, row - from);
        if (!known) {
            double total[NORM_COLUMNS] = {0}, squares[NORM_COLUMNS] = {0};
            R(fold_columns)(SUM, x + from, NULL, NULL, rows, row, width, total, NULL);
            for (int j = 0; j < width; j++) mean[from + j] = (real)(total[j] / rows);
            R(fold_columns)(SQUARES, x + from, NULL, mean + from, rows, row, width, squares, NULL);
            for (int j = 0; j < width; j++) {
                rstd[from + j] = R(inverse)(squares[j] / rows, eps);
                if (var) var[from + j] = (real)(squares[j] / rows);
            }
        }
        real scale[NORM_COLUMNS], shift[NORM_COLUMNS];
        for (int j = 0; j < width; j++) {
            scale[j] = rstd[from + j] * (weight ? weight[from + j] : 1);
            shift[j] = (real)fma(-mean[from + j], scale[j], bias ? bias[from + j] : 0);
        }
        for (isize i = 0; i < rows; i++) {
            const real *xs = x + i * row + from;
            real *ys = y + i * row + from;
            int j = 0;
            for (; j + LANES <= width; j += LANES) V(store)(ys + j, V(fma)(V(load)(xs + j), V(load)(scale + j), V(load)(shift + j)));
            for (; j < width; j++) ys[j] = (real)fma(xs[j], scale[j], shift[j]);
        }
    }
}

static int R(forward)(int threads, const norm_shape *s, int known, double eps, const void *x_, const void *weight_, const void *bias_, void *y_,
                      void *mean_, void *rstd_, void *var_) {
    const real *x = x_, *weight = weight_, *bias = bias_;
    real *y = y_, *mean = mean_, *rstd = rstd_, *var = var_;
    if (s->rest == 1 && !s->groups) {
        R(forward_columns)(threads, s, known, eps, x, weight, bias, y, mean, rstd, var);
        return 0;
    }
    const isize sets = R(sets)(s), rest = s->rest;
    SHARE(s->batch * s->channels * rest)
    for (isize i = 0; i < sets; i++) {
        const R(set) set = R(set_at)(s, i);
        const real *from = x + set.start;
        if (!known) {
            const double size = (double)set.count * rest;
            double total = 0, squares = 0;
            for (isize k = 0; k < set.count; k++) R(fold)(SUM, 0, from + k * set.stride, NULL, NULL, 0, rest, &total);
            mean[i] = (real)(total / size);
            for (isize k = 0; k < set.count; k++) R(fold)(SQUARES, 0, from + k * set.stride, NULL, NULL, mean[i], rest, &squares);
            rstd[i] = R(inverse)(squares / size, eps);
            if (var) var[i] = (real)(squares / size);
        }
        for (isize k = 0; k < set.count; k++) {
            const isize c = set.channel + k * set.step;
            const real a = rstd[i] * (weight ? weight[c] : 1);
            R(scale)(from + k * set.stride, rest, a, (real)fma(-mean[i], a, bias ? bias[c] : 0), y + set.start + k * set.stride);
        }
    }
    return 0;
}

/* dx = p dy + q (x - m) + t; p dy rounds for itself, so that of one element, where t = -p dy, nothing is left */
INLINE void R(mix)(const real *dy, const real *x, isize n, real mean, real p, real q, real t, real *dx) {
    const vec m = V(all)(mean), a = V(all)(p), b = V(all)(q), c = V(all)(t);
    isize i = 0;
    for (; i + LANES <= n; i += LANES) V(store)(dx + i, V(load)(dy + i) * a + V(fma)(V(load)(x + i) - m, b, c));
    for (; i < n; i++) dx[i] = dy[i] * p + (real)fma(x[i] - mean, q, t);
}

static void R(backward_columns)(int threads, const norm_shape *s, int known, const real *dy, const real *x, const real *weight, const real *mean,
                                const real *rstd, real *dx, real *dw, real *db) {
    const isize rows = s->batch, row = s->channels;
    SHARE(rows * row)
    for (isize from = 0; from < row; from += NORM_COLUMNS) {
        const int width = (int)isize_min(NORM_COLUMNS, row - from);
        double first[NORM_COLUMNS] = {0}, second[NORM_COLUMNS] = {0};
        real p[NORM_COLUMNS], q[NORM_COLUMNS] = {0}, t[NORM_COLUMNS] = {0};
        R(fold_columns)(GRADIENTS, x + from, dy + from, mean + from, rows, row, width, first, second);
        for (int j = 0; j < width; j++) {
            const double r = rstd[from + j], w = weight ? weight[from + j] : 1;
            if (dw) dw[from + j] = (real)(second[j] * r);
            if (db) db[from + j] = (real)first[j];
            p[j] = (real)(w * r);
            if (!known) q[j] = (real)(-w * r * r * r * second[j] / rows), t[j] = (real)(-w * r * first[j] / rows);
        }
        for (isize i = 0; dx && i < rows; i++) {
            const real *xs = x + i * row + from, *gs = dy + i * row + from;
            real *to = dx + i * row + from;
            for (int j = 0; j < width; j++) to[j] = gs[j] * p[j] + ((xs[j] - mean[from + j]) * q[j] + t[j]);
        }
    }
}

static int R(backward)(int threads, const norm_shape *s, int known, const void *dy_, const void *x_, const void *weight_, const void *mean_,
                       const void *rstd_, void *dx_, void *dw_, void *db_) {
    const real *dy = dy_, *x = x_, *weight = weight_, *mean = mean_, *rstd = rstd_;
    real *dx = dx_, *dw = dw_, *db = db_;
    const isize sets = R(sets)(s), rest = s->rest, segments = s->batch * s->channels;
    if (rest == 1 && !s->groups) {
        R(backward_columns)(threads, s, known, dy, x, weight, mean, rstd, dx, dw, db);
        return 0;
    }
    double *sums = scratch_get(segments * 2 * sizeof(double));          /* of each segment, in the order of the sets */
    if (!sums) return -1;
    SHARE(segments * rest)
    for (isize i = 0; i < sets; i++) {
        const R(set) set = R(set_at)(s, i);
        const double r = rstd[i], size = (double)set.count * rest;
        double *mine = sums + i * set.count * 2, first = 0, second = 0;
        for (isize k = 0; k < set.count; k++) {
            const isize at = set.start + k * set.stride;
            const double w = weight ? weight[set.channel + k * set.step] : 1;
            mine[2 * k] = mine[2 * k + 1] = 0;
            R(fold)(GRADIENTS, 0, x + at, dy + at, NULL, mean[i], rest, mine + 2 * k);
            first += w * mine[2 * k], second += w * mine[2 * k + 1];
            mine[2 * k + 1] *= r;
        }
        for (isize k = 0; dx && k < set.count; k++) {
            const isize at = set.start + k * set.stride;
            const real p = (real)(r * (weight ? weight[set.channel + k * set.step] : 1));
            R(mix)(dy + at, x + at, rest, mean[i], p, known ? 0 : (real)(-r * r * r * second / size), known ? 0 : (real)(-r * first / size), dx + at);
        }
    }
    /* In the order of the sets a batch's segments lie channel by channel, a group's sample by sample. */
    const isize by_sample = s->groups ? s->channels : 1, by_channel = s->groups ? 1 : s->batch;
    for (isize c = 0; (dw || db) && c < s->channels; c++) {
        double first = 0, second = 0;
        for (isize n = 0; n < s->batch; n++) {
            const double *segment = sums + 2 * (n * by_sample + c * by_channel);
            first += segment[0], second += segment[1];
        }
        if (db) db[c] = (real)first;
        if (dw) dw[c] = (real)second;
    }
    scratch_put(sums);
    return 0;
}

/* ------------------------------------------------------------------ rows */
static void R(rows_forward)(int threads, isize rows, isize n, double eps, const void *x_, const void *weight_, const void *bias_, void *y_,
                            void *mean_, void *rstd_) {
    const real *weight = weight_, *bias = bias_;
    real *mean = mean_, *rstd = rstd_;
    SHARE(rows * n)
    for (isize i = 0; i < rows; i++) {
        const real *x = (const real *)x_ + i * n;
        real *y = (real *)y_ + i * n;
        double total = 0, squares = 0;
        R(fold)(SUM, 0, x, NULL, NULL, 0, n, &total);
        const real m = (real)(total / n);
        R(fold)(SQUARES, 0, x, NULL, NULL, m, n, &squares);
        const real r = R(inverse)(squares / n, eps);
        mean[i] = m, rstd[i] = r;
        isize j = 0;
        for (; j + LANES <= n; j += LANES) {
            vec v = (V(load)(x + j) - V(all)(m)) * V(all)(r), shift = V(all)(0);
            if (bias) shift = V(load)(bias + j);
            if (weight) v = V(fma)(v, V(load)(weight + j), shift);
            else v += shift;
            V(store)(y + j, v);
        }
        for (; j < n; j++) y[j] = (real)fma((x[j] - m) * r, weight ? weight[j] : 1, bias ? bias[j] : 0);
    }
}

static int R(rows_backward)(int threads, isize rows, isize n, const void *dy_, const void *x_, const void *weight_, const void *mean_,
                            const void *rstd_, void *dx_, void *dw_, void *db_) {
    const real *dy = dy_, *x = x_, *weight = weight_, *mean = mean_, *rstd = rstd_;
    real *dx = dx_, *dw = dw_, *db = db_;
    SHARE(dx ? rows * n : 0)
    for (isize i = 0; i < (dx ? rows : 0); i++) {
        const real *gs = dy + i * n, *xs = x + i * n;
        const double r = rstd[i];
        double total[2] = {0};
        if (weight) R(fold)(GRADIENTS, 1, xs, gs, weight, mean[i], n, total);
        else R(fold)(GRADIENTS, 0, xs, gs, NULL, mean[i], n, total);
        const real q = (real)(-r * r * r * total[1] / n), t = (real)(-r * total[0] / n);
        if (!weight) { R(mix)(gs, xs, n, mean[i], (real)r, q, t, dx + i * n); continue; }
        isize j = 0;
        const vec m = V(all)(mean[i]), a = V(all)((real)r), b = V(all)(q), c = V(all)(t);
        for (; j + LANES <= n; j += LANES)
            V(store)(dx + i * n + j, V(load)(gs + j) * V(load)(weight + j) * a + V(fma)(V(load)(xs + j) - m, b, c));
        for (; j < n; j++) dx[i * n + j] = gs[j] * weight[j] * (real)r + (real)fma(xs[j] - mean[i], q, t);
    }
    if (!dw && !db) return 0;
    SHARE(rows * n)
    for (isize from = 0; from < n; from += NORM_COLUMNS) {
        const int width = (int)isize_min(NORM_COLUMNS, n - from);
        double first[NORM_COLUMNS] = {0}, second[NORM_COLUMNS] = {0};
        for (isize block = 0; block < rows; block += NORM_BLOCK) {
            real a[NORM_COLUMNS] = {0}, b[NORM_COLUMNS] = {0};
            const isize end = isize_min(rows, block + NORM_BLOCK);
            for (isize i = block; i < end; i++) {
                const real *gs = dy + i * n + from, *xs = x + i * n + from, m = mean[i], r = rstd[i];
                for (int j = 0; j < width; j++) a[j] += gs[j], b[j] += gs[j] * ((xs[j] - m) * r);
            }
            for (int j = 0; j < width; j++) first[j] += a[j], second[j] += b[j];
        }
        for (int j = 0; j < width; j++) {
            if (db) db[from + j] = (real)first[j];
            if (dw) dw[from + j] = (real)second[j];
        }
    }
    return 0;
}
