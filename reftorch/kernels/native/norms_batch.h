/* Batch norm for one REAL: a set is a channel of the whole batch.
 *
 * torch: all of this rounds as PyTorch does. Over planes (rest > 1) means and variances are summed in double, gradients in LANES
 * lanes a plane and in double from plane to plane; over the rows of a matrix (rest == 1) all go in the type, one row after the other. */

/* The first `count` numbers at x, or to it. */
INLINE vec R(part)(const real *x, int count) { return count == LANES ? V(load)(x) : V(load_part)(x, count); }
INLINE void R(put)(real *x, vec v, int count) {
    if (count == LANES) V(store)(x, v);
    else memcpy(x, &v, count * sizeof(real));
}

INLINE void R(finish)(real squares, isize size, double eps, real *rstd, real *var) {
    *rstd = (real)(1 / sqrt((double)(squares / (real)size) + eps));
    *var = squares / (real)(size - 1);
}

/* y = a x + b, with the mean in b */
INLINE void R(coefficients)(isize c, const real *mean, const real *rstd, const real *weight, const real *bias, real *a, real *b) {
    *a = rstd[c] * (weight ? weight[c] : 1);
    *b = (real)fma(-mean[c], *a, bias ? bias[c] : 0);
}

/* ------------------------------------------------------------------ planes */
/* The sum of n numbers, or of their squared distances from the mean. */
INLINE double R(wide_sum)(const int squares, const real *x, real mean, isize n) {
    const vec m = V(all)(mean);
    f64x4 sum[4 * WIDE_PARTS] = {0};
    isize i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES)
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
            vec v = V(load)(x + i + k * LANES);
            if (squares) { v -= m; v *= v; }
            V(add_wide)(sum + k * WIDE_PARTS, v);
        }
    double total = 0;
    for (; i < n; i++) {
        real v = x[i];
        if (squares) { v -= mean; v *= v; }
        total += v;
    }
    for (int k = 0; k < 4 * WIDE_PARTS; k++) total += f64_sum(sum[k]);
    return total;
}

INLINE void R(scale)(const real *x, isize n, real scale, real shift, real *y) {
    const vec a = V(all)(scale), b = V(all)(shift);
    isize i = 0;
    for (; i + LANES <= n; i += LANES) V(store)(y + i, V(fma)(V(load)(x + i), a, b));
    for (; i < n; i++) y[i] = (real)fma(x[i], scale, shift);
}

static void R(planes_forward)(int threads, const norm_shape *s, double eps, const real *x, const real *weight, const real *bias, real *y, real *mean,
                              real *rstd, real *var) {
    const isize rest = s->rest, next = s->channels * rest, size = s->batch * rest;
    SHARE(size * s->channels)
    for (isize c = 0; c < s->channels; c++) {
        double total = 0, squares = 0;
        real a, b;
        for (isize n = 0; n < s->batch; n++) total += R(wide_sum)(0, x + n * next + c * rest, 0, rest);
        mean[c] = (real)(total / size);
        for (isize n = 0; n < s->batch; n++) squares += R(wide_sum)(1, x + n * next + c * rest, mean[c], rest);
        R(finish)((real)squares, size, eps, rstd + c, var + c);
        R(coefficients)(c, mean, rstd, weight, bias, &a, &b);
        for (isize n = 0; n < s->batch; n++) R(scale)(x + n * next + c * rest, rest, a, b, y + n * next + c * rest);
    }
}

/* Adds the sums of dy and dy (x - mean) over a plane to sum[0] and sum[1]. */
INLINE void R(plane_sums)(const real *dy, const real *x, real mean, isize n, double *sum) {
    if (n < LANES) {
        real first = dy[0], second = (x[0] - mean) * dy[0];
        for (isize i = 1; i < n; i++) first += dy[i], second += (x[i] - mean) * dy[i];
        sum[0] += first, sum[1] += second;
        return;
    }
    const vec m = V(all)(mean);
    vec g = V(load)(dy), first = g, second = (V(load)(x) - m) * g;
    isize i = LANES;
    for (; i + LANES <= n; i += LANES) {
        g = V(load)(dy + i);
        first += g, second += (V(load)(x + i) - m) * g;
    }
    if (i < n) {
        g = V(load_part)(dy + i, (int)(n - i));
        first += g, second = V(fma)(V(load_part)(x + i, (int)(n - i)) - m, g, second);
    }
    sum[0] += V(sum)(first), sum[1] += V(sum)(second);
}

static void R(planes_backward)(int threads, const norm_shape *s, int known, const real *dy, const real *x, const real *weight, const real *mean,
                               const real *rstd, real *dx, real *dw, real *db) {
    const isize rest = s->rest, next = s->channels * rest, size = s->batch * rest;
    SHARE(size * s->channels)
    for (isize c = 0; c < s->channels; c++) {
        double sum[2] = {0};
        for (isize n = 0; (!known || dw || db) && n < s->batch; n++)
            R(plane_sums)(dy + n * next + c * rest, x + n * next + c * rest, mean[c], rest, sum);
        if (dw) dw[c] = (real)(sum[1] * rstd[c]);
        if (db) db[c] = (real)sum[0];
        const vec m = V(all)(mean[c]), r = V(all)(rstd[c]), w = V(all)(weight ? weight[c] : 1), less = V(all)((real)(sum[0] / size));
        const vec slope = V(all)((real)sum[1] * rstd[c] * rstd[c] / (real)size);
        for (isize n = 0; dx && n < s->batch; n++)
            for (isize i = 0; i < rest; i += LANES) {
                const isize at = n * next + c * rest + i;
                const int count = (int)isize_min(LANES, rest - i);
                vec g = R(part)(dy + at, count);
                if (!known) g = V(fma)(m - R(part)(x + at, count), slope, g - less);
                R(put)(dx + at, g * r * w, count);
            }
    }
}

/* ------------------------------------------------------------------ rows of a matrix, `vecs` vectors of its columns; the last has `count` */
INLINE void R(strip_statistics)(const int vecs, const int count, isize rows, isize row, double eps, const real *x, real *mean, real *rstd, real *var) {
    vec sum[STRIP] = {0}, squares[STRIP] = {0};
    for (isize i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int k = 0; k < vecs; k++) sum[k] += R(part)(x + i * row + k * LANES, count);
    for (int k = 0; k < vecs; k++) sum[k] /= V(all)((real)rows);
    for (isize i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int k = 0; k < vecs; k++) {
            vec far = R(part)(x + i * row + k * LANES, count) - sum[k];
            squares[k] = V(fma)(far, far, squares[k]);
        }
    for (int k = 0; k < vecs; k++) R(put)(mean + k * LANES, sum[k], count);
    for (int j = 0; j < vecs * count; j++) R(finish)(squares[j / LANES][j % LANES], rows, eps, rstd + j, var + j);
}

INLINE void R(strip_scale)(const int vecs, const int count, isize rows, isize row, const real *x, const real *scale, const real *shift, real *y) {
    vec a[STRIP], b[STRIP];
    for (int k = 0; k < vecs; k++) a[k] = V(load)(scale + k * LANES), b[k] = V(load)(shift + k * LANES);
    for (isize i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int k = 0; k < vecs; k++) R(put)(y + i * row + k * LANES, V(fma)(R(part)(x + i * row + k * LANES, count), a[k], b[k]), count);
}

INLINE void R(strip_gradients)(const int vecs, const int count, isize rows, isize row, int known, const real *dy, const real *x, const real *weight,
                               const real *mean, const real *rstd, real *dx, real *dw, real *db) {
    vec m[STRIP], r[STRIP], w[STRIP], first[STRIP] = {0}, second[STRIP] = {0}, less[STRIP], slope[STRIP];
    for (int k = 0; k < vecs; k++) {
        m[k] = R(part)(mean + k * LANES, count), r[k] = R(part)(rstd + k * LANES, count);
        w[k] = weight ? R(part)(weight + k * LANES, count) : V(all)(1);
    }
    for (isize i = 0; i < rows; i++)
#pragma GCC unroll 8
        for (int k = 0; k < vecs; k++) {
            vec g = R(part)(dy + i * row + k * LANES, count);
            first[k] += g, second[k] = V(fma)(R(part)(x + i * row + k * LANES, count) - m[k], g, second[k]);
        }
    for (int k = 0; k < vecs; k++) {
        if (db) R(put)(db + k * LANES, first[k], count);
        if (dw) R(put)(dw + k * LANES, second[k] * r[k], count);
        less[k] = first[k] / V(all)((real)rows), slope[k] = second[k] * r[k] * r[k] / V(all)((real)rows);
    }
    for (isize i = 0; dx && i < rows; i++)
#pragma GCC unroll 8
        for (int k = 0; k < vecs; k++) {
            const isize at = i * row + k * LANES;
            vec g = R(part)(dy + at, count);
            if (!known) {
                vec far = R(part)(x + at, count) - m[k];
                g -= less[k];
                if (count == LANES) g = V(fma)(-far, slope[k], g);
                else g -= far * slope[k];
            }
            R(put)(dx + at, g * r[k] * w[k], count);
        }
}

/* CALL(vecs, count, from) for every strip of columns: wide ones, and at the end vector by vector */
#define STRIPS(CALL)                                                                                     \
    SHARE(rows * row)                                                                                    \
    for (isize from = 0; from < row; from += STRIP * LANES) {                                            \
        if (row - from >= STRIP * LANES) { CALL(STRIP, LANES, from); continue; }                         \
        for (isize j = from; j < row; j += LANES) {                                                      \
            if (row - j >= LANES) { CALL(1, LANES, j); } else { CALL(1, (int)(row - j), j); }            \
        }                                                                                                \
    }

static void R(matrix_forward)(int threads, isize rows, isize row, int known, double eps, const real *x, const real *weight, const real *bias, real *y,
                              real *mean, real *rstd, real *var) {
#define CALL(vecs, count, j) {                                                                           \
        real a[STRIP * LANES] = {0}, b[STRIP * LANES] = {0};                                             \
        if (!known) R(strip_statistics)(vecs, count, rows, row, eps, x + (j), mean + (j), rstd + (j), var + (j)); \
        for (int k = 0; k < vecs * count; k++) R(coefficients)((j) + k, mean, rstd, weight, bias, a + k, b + k); \
        R(strip_scale)(vecs, count, rows, row, x + (j), a, b, y + (j));                                  \
    }
    STRIPS(CALL)
#undef CALL
}

static void R(matrix_backward)(int threads, isize rows, isize row, int known, const real *dy, const real *x, const real *weight, const real *mean,
                               const real *rstd, real *dx, real *dw, real *db) {
#define AT(p, j) ((p) ? (p) + (j) : NULL)
#define CALL(vecs, count, j)                                                                             \
    R(strip_gradients)(vecs, count, rows, row, known, dy + (j), x + (j), AT(weight, j), mean + (j), rstd + (j), AT(dx, j), AT(dw, j), AT(db, j))
    STRIPS(CALL)
#undef CALL
#undef AT
}
#undef STRIPS

/* ------------------------------------------------------------------ */
static void R(batch_forward)(int threads, const norm_shape *s, double eps, const void *x, const void *weight, const void *bias, void *y, void *mean,
                             void *rstd, void *var) {
    if (s->rest == 1) R(matrix_forward)(threads, s->batch, s->channels, 0, eps, x, weight, bias, y, mean, rstd, var);
    else R(planes_forward)(threads, s, eps, x, weight, bias, y, mean, rstd, var);
}

static void R(batch_apply)(int threads, const norm_shape *s, const void *x, const void *weight, const void *bias, void *y, const void *mean,
                           const void *rstd) {
    if (s->rest == 1) {
        R(matrix_forward)(threads, s->batch, s->channels, 1, 0, x, weight, bias, y, (real *)mean, (real *)rstd, NULL);
        return;
    }
    SHARE(s->batch * s->channels * s->rest)
    for (isize i = 0; i < s->batch * s->channels; i++) {
        real a, b;
        R(coefficients)(i % s->channels, mean, rstd, weight, bias, &a, &b);
        R(scale)((const real *)x + i * s->rest, s->rest, a, b, (real *)y + i * s->rest);
    }
}

static void R(batch_backward)(int threads, const norm_shape *s, int known, const void *dy, const void *x, const void *weight, const void *mean,
                              const void *rstd, void *dx, void *dw, void *db) {
    if (s->rest == 1) R(matrix_backward)(threads, s->batch, s->channels, known, dy, x, weight, mean, rstd, dx, dw, db);
    else R(planes_backward)(threads, s, known, dy, x, weight, mean, rstd, dx, dw, db);
}

/* torch: in the type where the statistics are only applied, in double for their gradients */
static void R(inverse_roots)(isize n, int wide, double eps, const void *var, void *rstd) {
    for (isize i = 0; i < n; i++) {
        const real v = ((const real *)var)[i];
        ((real *)rstd)[i] = wide ? (real)(1 / sqrt((double)v + eps)) : 1 / R(root)(v + (real)eps);
    }
}

static void R(blend)(isize n, double momentum, const void *batch, void *running) {
    const real gain = (real)momentum, keep = (real)(1 - momentum);
    for (isize i = 0; i < n; i++) ((real *)running)[i] = gain * ((const real *)batch)[i] + keep * ((real *)running)[i];
}
