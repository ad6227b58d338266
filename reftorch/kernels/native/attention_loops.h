/* The loops of attention.h for one REAL. torch: sums over a row go in PANEL lanes, which are folded in halves; numbers after the last whole panel are
 * added to that one by one, and their exponentials are those of double. */

/* How many scores of a row count. */
INLINE isize R(seen_of)(isize r, isize n, isize height, isize seen) { return isize_max(0, isize_min(n, seen + r % height)); }

static real R(attend_row)(isize n, isize count, real scale, real *x, const real *mask, real *most, real *total) {
    const real before = *most;
    vec top = V(all)(before);
    isize i = 0;
    for (; i + LANES <= count; i += LANES) {
        vec v = V(load)(x + i);
        if (mask) v = V(fma)(v, V(all)(scale), V(load)(mask + i));
        else v *= V(all)(scale);
        V(store)(x + i, v);
        top = V(where)((v > top) | (v != v), v, top);
    }
    real now = before;
    for (int l = 0; l < LANES; l++) now = top[l] > now || top[l] != top[l] ? top[l] : now;
    for (; i < count; i++) {
        x[i] = mask ? V(fma)(V(all)(x[i]), V(all)(scale), V(all)(mask[i]))[0] : x[i] * scale;
        now = x[i] > now || x[i] != x[i] ? x[i] : now;
    }
    if (now == -(real)INFINITY) {
        memset(x, 0, n * sizeof(real));
        return 1;
    }
    const isize whole = isize_min(n / PANEL * PANEL, up_to_multiple(count, PANEL));
    for (i = count; i < whole; i++) x[i] = -(real)INFINITY;
    vec sum[2] = {0};
    for (i = 0; i < whole; i += PANEL)
#pragma GCC unroll 2
        for (int k = 0; k < 2; k++) {
            vec e = V(weight_exp)(V(load)(x + i + k * LANES) - V(all)(now));
            V(store)(x + i + k * LANES, e);
            sum[k] += e;
        }
    real made = V(sum)(sum[0] + sum[1]);
    for (; i < count; i++) x[i] = (real)exp((double)(x[i] - now)), made += x[i];
    for (; i < n; i++) x[i] = 0;
    const real fade = before == -(real)INFINITY ? 0 : (real)exp((double)(before - now));
    *most = now, *total = made + fade * *total;
    return fade;
}

static void R(weigh)(int threads, isize rows, isize n, isize height, isize seen, double scale, void *scores, const void *mask, void *most, void *total,
                     void *fade) {
#pragma omp parallel for num_threads(threads) if (threads > 1 && rows * n >= ATTENTION_GRAIN)
    for (isize r = 0; r < rows; r++)
        ((real *)fade)[r] = R(attend_row)(n, R(seen_of)(r, n, height, seen), (real)scale, (real *)scores + r * n, mask ? (const real *)mask + r * n : NULL,
                                          (real *)most + r, (real *)total + r);
}

static void R(finish)(int threads, isize rows, isize columns, const void *most, const void *total, void *sums, void *log_total) {
#pragma omp parallel for num_threads(threads) if (threads > 1 && rows * columns >= ATTENTION_GRAIN)
    for (isize r = 0; r < rows; r++) {
        const real top = ((const real *)most)[r], all = ((const real *)total)[r], share = 1 / all;
        const int hidden = top == -(real)INFINITY;
        real *x = (real *)sums + r * columns;
        for (isize i = 0; i < columns; i++) x[i] = hidden ? 0 : x[i] * share;
        ((real *)log_total)[r] = hidden ? 0 : top + V(scalar_log)(all);
    }
}

static void R(weigh_again)(int threads, isize rows, isize n, isize height, isize seen, void *scores, const void *mask, const void *log_total) {
#pragma omp parallel for num_threads(threads) if (threads > 1 && rows * n >= ATTENTION_GRAIN)
    for (isize r = 0; r < rows; r++) {
        real *x = (real *)scores + r * n, less = ((const real *)log_total)[r];
        const real *add = mask ? (const real *)mask + r * n : NULL;
        isize i = 0, count = R(seen_of)(r, n, height, seen);
        for (; i < n; i += LANES) {
            const int lanes = (int)isize_min(LANES, n - i);
            vec v = V(load_part)(x + i, lanes);
            if (add) v += V(load_part)(add + i, lanes);
            V(store_part)(x + i, V(activation_exp)(v - V(all)(less)), lanes);
        }
        for (i = count; i < n; i++) x[i] = 0;
    }
}

/* sum(a b) */
INLINE real R(row_dot)(isize n, const real *a, const real *b) {
    real total = n ? a[0] * b[0] : 0;
    if (n < PANEL) {
        for (isize i = 1; i < n; i++) total += a[i] * b[i];
        return total;
    }
    vec sum[2] = {0};
    for (isize i = 0; i < n; i += LANES) {
        const int lanes = (int)isize_min(LANES, n - i);
        sum[i / LANES % 2] += lanes == LANES ? V(load)(a + i) * V(load)(b + i) : V(load_part)(a + i, lanes) * V(load_part)(b + i, lanes);
    }
    return V(sum)(sum[0] + sum[1]);
}

static void R(change)(int threads, isize rows, isize n, isize columns, const void *weights, const void *a, const void *b, void *changes) {
#pragma omp parallel for num_threads(threads) if (threads > 1 && rows * n >= ATTENTION_GRAIN)
    for (isize r = 0; r < rows; r++) {
        const vec less = V(all)(R(row_dot)(columns, (const real *)a + r * columns, (const real *)b + r * columns));
        const real *w = (const real *)weights + r * n;
        real *x = (real *)changes + r * n;
        for (isize i = 0; i < n; i += LANES) {
            const int lanes = (int)isize_min(LANES, n - i);
            V(store_part)(x + i, V(load_part)(w + i, lanes) * (V(load_part)(x + i, lanes) - less), lanes);
        }
    }
}
