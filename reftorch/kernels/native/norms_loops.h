/* Group and layer norm for one REAL. */

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

/* ------------------------------------------------------------------ groups: `width` channels of one sample, which follow each other */
INLINE real R(inverse)(double var, double eps) { return (real)(1 / sqrt(var + eps)); }

static void R(groups_forward)(int threads, const norm_shape *s, double eps, const void *x_, const void *weight_, const void *bias_, void *y_, void *mean_,
                              void *rstd_) {
    const real *weight = weight_, *bias = bias_;
    real *mean = mean_, *rstd = rstd_;
    const isize rest = s->rest, width = s->channels / s->groups, size = width * rest;
    SHARE(s->batch * s->channels * rest)
    for (isize i = 0; i < s->batch * s->groups; i++) {
        const real *x = (const real *)x_ + i * size;
        double total = 0, squares = 0;
        R(fold)(SUM, 0, x, NULL, NULL, 0, size, &total);
        mean[i] = (real)(total / size);
        R(fold)(SQUARES, 0, x, NULL, NULL, mean[i], size, &squares);
        rstd[i] = R(inverse)(squares / size, eps);
        for (isize k = 0; k < width; k++) {
            const isize c = i % s->groups * width + k;
            const real a = rstd[i] * (weight ? weight[c] : 1);
            R(scale)(x + k * rest, rest, a, (real)fma(-mean[i], a, bias ? bias[c] : 0), (real *)y_ + i * size + k * rest);
        }
    }
}

/* dx = p dy + q (x - m) + t; p dy rounds for itself, so that of one element, where t = -p dy, nothing is left */
INLINE void R(mix)(const real *dy, const real *x, isize n, real mean, real p, real q, real t, real *dx) {
    const vec m = V(all)(mean), a = V(all)(p), b = V(all)(q), c = V(all)(t);
    isize i = 0;
    for (; i + LANES <= n; i += LANES) V(store)(dx + i, V(load)(dy + i) * a + V(fma)(V(load)(x + i) - m, b, c));
    for (; i < n; i++) dx[i] = dy[i] * p + (real)fma(x[i] - mean, q, t);
}

static int R(groups_backward)(int threads, const norm_shape *s, const void *dy_, const void *x_, const void *weight_, const void *mean_, const void *rstd_,
                              void *dx_, void *dw_, void *db_) {
    const real *dy = dy_, *x = x_, *weight = weight_, *mean = mean_, *rstd = rstd_;
    real *dx = dx_, *dw = dw_, *db = db_;
    const isize rest = s->rest, planes = s->batch * s->channels, width = s->channels / s->groups;
    double *sums = scratch_get(planes * 2 * sizeof(double));            /* of each plane: of g, and of g (x - m) r */
    if (!sums) return -1;
    SHARE(planes * rest)
    for (isize i = 0; i < s->batch * s->groups; i++) {
        const double r = rstd[i], size = (double)width * rest;
        double first = 0, second = 0;
        for (isize k = i * width; k < (i + 1) * width; k++) {
            const double w = weight ? weight[k % s->channels] : 1;
            sums[2 * k] = sums[2 * k + 1] = 0;
            R(fold)(GRADIENTS, 0, x + k * rest, dy + k * rest, NULL, mean[i], rest, sums + 2 * k);
            first += w * sums[2 * k], second += w * sums[2 * k + 1];
            sums[2 * k + 1] *= r;
        }
        for (isize k = i * width; dx && k < (i + 1) * width; k++) {
            const real p = (real)(r * (weight ? weight[k % s->channels] : 1));
            R(mix)(dy + k * rest, x + k * rest, rest, mean[i], p, (real)(-r * r * r * second / size), (real)(-r * first / size), dx + k * rest);
        }
    }
    for (isize c = 0; (dw || db) && c < s->channels; c++) {
        double first = 0, second = 0;
        for (isize k = c; k < planes; k += s->channels) first += sums[2 * k], second += sums[2 * k + 1];
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

static void R(rows_backward)(int threads, isize rows, isize n, const void *dy_, const void *x_, const void *weight_, const void *mean_,
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
    if (!dw && !db) return;
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
}
