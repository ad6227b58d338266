/* The loops of rows.h for one REAL. torch: sums over a row of softmax go in PANEL lanes, which are folded in
 * halves; over a row shorter than that, one by one. */

/* The greatest of a row, or its last NaN; and whether none is less than that by more than exponentials in the normal range allow. */
INLINE real R(row_max)(const real *x, isize n, int *near) {
    vec most[2] = {V(all)(-(real)INFINITY), V(all)(-(real)INFINITY)}, least[2] = {V(all)((real)INFINITY), V(all)((real)INFINITY)};
    isize i = 0;
    for (; i + PANEL <= n; i += PANEL)
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            vec v = V(load)(x + i + k * LANES);
            most[k] = V(where)((v > most[k]) | (v != v), v, most[k]);
            least[k] = V(at_most)(least[k], v);
        }
    real found = most[0][0];
    for (int j = 0; j < PANEL; j++) { real v = most[j / LANES][j % LANES]; found = v > found || v != v ? v : found; }
    real low = x[0];
    for (int j = 0; j < PANEL; j++) low = least[j / LANES][j % LANES] < low ? least[j / LANES][j % LANES] : low;
    for (; i < n; i++) {
        found = x[i] > found || x[i] != x[i] ? x[i] : found;
        low = x[i] < low ? x[i] : low;
    }
    *near = low - found > -NORMAL_EXP;              /* not if there is a NaN, which is the greatest */
    return found;
}

/* What is left of a row: `count` numbers, fewer than a panel, as two vectors with zeros behind them. */
INLINE void R(load_rest)(const real *x, int count, vec *v) {
    v[0] = V(load_part)(x, count < LANES ? count : LANES);
    v[1] = count > LANES ? V(load_part)(x + LANES, count - LANES) : V(all)(0);
}
INLINE void R(store_rest)(real *x, int count, vec *v) { memcpy(x, v, count * sizeof(real)); }

INLINE void R(softmax_row)(const int log_, const int near, const real most, isize n, const real *x, real *y) {
    const vec m = V(all)(most);
    vec sum[2] = {0}, v[2];
    isize i = 0;
    for (; i + PANEL <= n; i += PANEL)
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            vec e = V(row_exp)(V(load)(x + i + k * LANES) - m, near);
            if (!log_) V(store)(y + i + k * LANES, e);
            sum[k] += e;
        }
    const int rest = (int)(n - i);
    if (rest) {
        R(load_rest)(x + i, rest, v);
        for (int k = 0; k < 2; k++) v[k] = V(activation_exp)(v[k] - m);
        real kept[PANEL] = {0};
        R(store_rest)(kept, rest, v);
        if (!log_) memcpy(y + i, kept, rest * sizeof(real));
        sum[0] += V(load)(kept), sum[1] += V(load)(kept + LANES);
    }
    real total = sum[0][0];
    if (n >= PANEL) total = V(sum)(sum[0] + sum[1]);
    else for (int j = 1; j < n; j++) total += sum[j / LANES][j % LANES];
    const vec a = V(all)(log_ ? (real)log(total) : 1 / total);
    for (i = 0; i + LANES <= n; i += LANES)
        if (log_) V(store)(y + i, V(load)(x + i) - m - a);
        else V(store)(y + i, V(load)(y + i) * a);
    for (; i < n; i++) y[i] = log_ ? x[i] - most - a[0] : y[i] * a[0];
}

static void R(softmax_at)(int log_, isize n, const real *x, real *y) {
    int near;
    const real most = R(row_max)(x, n, &near);
    if (log_ && near) R(softmax_row)(1, 1, most, n, x, y);
    else if (near) R(softmax_row)(0, 1, most, n, x, y);
    else R(softmax_row)(log_, 0, most, n, x, y);
}

static void R(softmax)(int threads, int log_, isize rows, isize n, const void *x_, void *y_) {
    const real *x = x_;
    real *y = y_;
    if (threads == 1) {                              /* no region: it costs more than a small matrix */
        for (isize r = 0; r < rows; r++) R(softmax_at)(log_, n, x + r * n, y + r * n);
        return;
    }
    SHARE(rows * n)
    for (isize r = 0; r < rows; r++) R(softmax_at)(log_, n, x + r * n, y + r * n);
}

static void R(softmax_backward)(int threads, int log_, isize rows, isize n, const void *dy_, const void *y_, void *dx_) {
    SHARE(rows * n)
    for (isize r = 0; r < rows; r++) {
        const real *dy = (const real *)dy_ + r * n, *y = (const real *)y_ + r * n;
        real *dx = (real *)dx_ + r * n;
        vec sum[2] = {0}, g[2], v[2];
        isize i = 0;
        for (; i + PANEL <= n; i += PANEL)
#pragma GCC unroll 2
            for (int k = 0; k < 2; k++) {
                vec got = V(load)(dy + i + k * LANES);
                if (!log_) got *= V(load)(y + i + k * LANES);
                sum[k] += got;
            }
        int rest = (int)(n - i);
        if (rest) {
            R(load_rest)(dy + i, rest, g), R(load_rest)(y + i, rest, v);
            for (int k = 0; k < 2; k++) {
                if (!log_) g[k] *= v[k];
                sum[k] += g[k];
            }
        }
        const vec total = V(all)(V(sum)(sum[0] + sum[1]));
        for (i = 0; i + LANES <= n; i += LANES) {
            vec got = V(load)(dy + i), out = V(load)(y + i);
            if (log_) V(store)(dx + i, got - V(activation_exp)(out) * total);
            else V(store)(dx + i, (got - total) * out);
        }
        rest = (int)(n - i);
        if (rest) {
            R(load_rest)(dy + i, rest, g), R(load_rest)(y + i, rest, v);
            if (log_) g[0] -= V(activation_exp)(v[0]) * total;
            else g[0] = (g[0] - total) * v[0];
            R(store_rest)(dx + i, rest, g);
        }
    }
}

/* torch: sums are added up in runs of a power of two terms, these in runs of as many, and so on; a row that is ignored moves none of them up */
static isize R(nll)(int mean, isize rows, isize n, const void *x, const int64_t *target, const void *weight, int64_t ignored, void *losses,
                    void *loss, void *total) {
    enum { RUNS = 8 };
    const int power = rows > 1 ? (int)isize_max(4, (64 - __builtin_clzll((unsigned long long)rows - 1)) / RUNS) : 4;
    real loss_runs[RUNS] = {0}, weight_runs[RUNS] = {0};
    isize kept = 0;
    for (isize r = 0; r < rows; r++) {
        const int64_t c = target[r];
        real each = 0;
        if (c != ignored) {
            if (c < 0 || c >= n) return r;
            const real w = weight ? ((const real *)weight)[c] : 1;
            each = w != 0 ? -((const real *)x)[r * n + c] * w : 0;
            loss_runs[0] += each, weight_runs[0] += w, kept++;
            for (int k = 1; k < RUNS && !(r & ((((isize)1 << power) - 1) << ((k - 1) * power))); k++) {
                loss_runs[k] += loss_runs[k - 1], weight_runs[k] += weight_runs[k - 1];
                loss_runs[k - 1] = weight_runs[k - 1] = 0;
            }
        }
        if (losses) ((real *)losses)[r] = each;
    }
    real sum = 0, weights = 0;
    for (int k = 0; k < RUNS; k++) sum += loss_runs[k], weights += weight_runs[k];
    if (!weight) weights = (real)kept;
    *(real *)loss = mean ? sum / weights : sum;
    *(real *)total = weights;
    return -1;
}

static void R(nll_backward)(isize rows, isize n, const void *loss, isize step, const int64_t *target, const void *weight, int64_t ignored, void *dx) {
    memset(dx, 0, rows * n * sizeof(real));
    for (isize r = 0; r < rows; r++) {
        if (target[r] == ignored || target[r] < 0 || target[r] >= n) continue;
        const real w = weight ? ((const real *)weight)[target[r]] : 1;
        if (w != 0) ((real *)dx)[r * n + target[r]] = -((const real *)loss)[r * step] * w;
    }
}

/* Four rows at a time, since each sum waits for the one before. */
static void R(running_sum)(int threads, int from_back, isize rows, isize n, const void *x_, void *y_) {
    const isize step = from_back ? -1 : 1, start = from_back ? n - 1 : 0;
    SHARE(rows * n)
    for (isize r = 0; r < rows; r += 4) {
        const real *x = (const real *)x_ + r * n + start;
        real *y = (real *)y_ + r * n + start;
        if (r + 4 <= rows) {
            double a = 0, b = 0, c = 0, d = 0;
            for (isize i = 0; i < n; i++, x += step, y += step)
                y[0] = (real)(a += x[0]), y[n] = (real)(b += x[n]), y[2 * n] = (real)(c += x[2 * n]), y[3 * n] = (real)(d += x[3 * n]);
        } else
            for (isize k = r; k < rows; k++) {
                double a = 0;
                const real *from = (const real *)x_ + k * n + start;
                real *to = (real *)y_ + k * n + start;
                for (isize i = 0; i < n; i++) to[i * step] = (real)(a += from[i * step]);
            }
    }
}

/* Threads share out the columns: rows may come twice. Rows that are picked are fetched ahead. */
static void R(add_rows)(int threads, isize count, isize n, const void *x, const int64_t *from, const int64_t *to, const void *factors, void *total) {
    const isize width = threads > 1 && count * n >= ROW_GRAIN ? up_to_multiple((n + threads - 1) / threads, 16) : n;
    PRAGMA(omp parallel for num_threads(threads) if (width < n))
    for (isize start = 0; start < n; start += width) {
        const isize size = isize_min(width, n - start);
        for (isize i = 0; i < count; i++) {
            const real *restrict add = (const real *)x + (from ? from[i] : i) * n + start;
            real *restrict sum = (real *)total + (to ? to[i] : i) * n + start;
            const real factor = factors ? ((const real *)factors)[i] : 1;
            if (from && i + ROWS_AHEAD < count)
                for (isize j = 0; j < size; j += 64 / (isize)sizeof(real))
                    __builtin_prefetch((const real *)x + from[i + ROWS_AHEAD] * n + start + j);
            for (isize j = 0; j < size; j++) sum[j] += factor * add[j];
        }
    }
}

/* The columns at `x` and `sum`, some full vectors or a part of one, of the sum of one bag; rows are fetched ahead, over the end of the bag. */
INLINE void R(bag_columns)(const int vectors, const int lanes, const real *x, isize n, const int64_t *from, isize first, isize last, isize count,
                           const real *factors, real *sum) {
    vec total[BAG_VECTORS];
#pragma GCC unroll 16
    for (int k = 0; k < vectors; k++) total[k] = V(all)(0);
    for (isize i = first; i < last; i++) {
        const real *row = x + from[i] * n, *later = x + from[isize_min(i + ROWS_AHEAD, count - 1)] * n;
        const vec factor = V(all)(factors ? factors[i] : 1);
#pragma GCC unroll 16
        for (int k = 0; k < vectors; k++) {
            const vec part = lanes == LANES ? V(load)(row + k * LANES) : V(load_part)(row, lanes);
            if (k % 2 == 0) __builtin_prefetch(later + k * LANES);
            if (factors) total[k] = V(bag_add)(total[k], factor, part);
            else total[k] += part;
        }
    }
#pragma GCC unroll 16
    for (int k = 0; k < vectors; k++) memcpy(sum + k * LANES, &total[k], lanes * sizeof(real));
}

INLINE void R(bag_sum)(const real *x, isize n, const int64_t *from, isize first, isize last, isize count, const real *factors, real *sum) {
    isize j = 0;
    for (; j + BAG_VECTORS * LANES <= n; j += BAG_VECTORS * LANES)
        R(bag_columns)(BAG_VECTORS, LANES, x + j, n, from, first, last, count, factors, sum + j);
    for (; j + 4 * LANES <= n; j += 4 * LANES) R(bag_columns)(4, LANES, x + j, n, from, first, last, count, factors, sum + j);
    for (; j + LANES <= n; j += LANES) R(bag_columns)(1, LANES, x + j, n, from, first, last, count, factors, sum + j);
    if (j < n) R(bag_columns)(1, (int)(n - j), x + j, n, from, first, last, count, factors, sum + j);
}

static void R(bag_sums)(int threads, isize bags, isize n, const void *x, const int64_t *from, const int64_t *start, isize end, const void *factors,
                        const int64_t *sizes, void *sums) {
    SHARE(end * n)
    for (isize b = 0; b < bags; b++) {
        const isize last = b + 1 < bags ? start[b + 1] : end;
        real *sum = (real *)sums + b * n;
        if (factors) R(bag_sum)(x, n, from, start[b], last, end, factors, sum);
        else R(bag_sum)(x, n, from, start[b], last, end, NULL, sum);
        if (sizes && sizes[b])
            for (isize j = 0; j < n; j++) sum[j] /= (real)sizes[b];
    }
}
