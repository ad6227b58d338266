/* The loops of attention.h for one REAL. torch: sums over a row go in PANEL lanes, which are folded in halves; numbers after the last whole panel are
 * added to that one by one, and their exponentials are those of double. */

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

/* A row of scores becomes weights once more, over their total; `count` of them count. */
static void R(weigh_again)(isize n, isize count, real *x, const real *add, real less) {
    for (isize i = 0; i < n; i += LANES) {
        const int lanes = (int)isize_min(LANES, n - i);
        vec v = V(load_part)(x + i, lanes);
        if (add) v += V(load_part)(add + i, lanes);
        V(store_part)(x + i, V(activation_exp)(v - V(all)(less)), lanes);
    }
    for (isize i = count; i < n; i++) x[i] = 0;
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

/* x = weights (x - less) */
static void R(change)(isize n, const real *weights, real less, real *x) {
    for (isize i = 0; i < n; i += LANES) {
        const int lanes = (int)isize_min(LANES, n - i);
        V(store_part)(x + i, V(load_part)(weights + i, lanes) * (V(load_part)(x + i, lanes) - V(all)(less)), lanes);
    }
}

static __attribute__((noinline)) void R(scaled)(isize n, const real *x, real factor, real *to) {
    isize i = 0;
    for (; i + LANES <= n; i += LANES) V(store)(to + i, V(load)(x + i) * V(all)(factor));
    for (; i < n; i++) to[i] = x[i] * factor;
}

/* c (+)= factor a b of row-major matrices, a [rows, depth] and b [depth, columns], or turned. The factor joins where PyTorch's BLAS multiplies by
 * it; `room` is for what it makes. */
static __attribute__((noinline)) int R(product)(const attention_problem *s, int threads, isize rows, isize columns, isize depth,
                      const real *a, int a_turned, const real *b, int b_turned, real factor, real *c, int accumulate, real *room) {
    gemm_problem p = {1, rows, columns, depth, a, b, c, {0, a_turned ? 1 : depth, a_turned ? rows : 1},
                      {0, b_turned ? 1 : columns, b_turned ? depth : 1}, accumulate, 0, s->batch * s->heads > 1, threads};
    const int large = rows >= SMALL_ROWS && columns >= SMALL_COLUMNS, column = columns == 1 && rows > 1;
    const gemm_fn run = large ? s->large : s->small;
    if (factor == 1) return run(&p);
    if (large || (column && p.sa.row == 1)) R(scaled)(depth * columns, b, factor, room), p.b = room;
    else if (!column && p.sb.col == 1) R(scaled)(rows * depth, a, factor, room), p.a = room;
    else {
        p.accumulate = 0, p.c = room;
        const int failed = run(&p);
        for (isize i = 0; i < rows * columns; i++) c[i] = accumulate ? room[i] * factor + c[i] : room[i] * factor;
        return failed;
    }
    return run(&p);
}

INLINE real *R(matrix_of)(const attention_part *p, isize b, isize h) { return (real *)p->at + b * p->batch + h * p->head; }

/* A matrix without gaps between its rows, in `room` unless it is such a one: rows a power of two apart would fall onto each other in the cache. */
static __attribute__((noinline)) const real *R(gathered)(const attention_part *p, isize b, isize h, isize rows, isize width, real *room) {
    const real *x = R(matrix_of)(p, b, h);
    if (p->row == width) return x;
    for (isize i = 0; i < rows; i++) memcpy(room + i * width, x + i * p->row, width * sizeof(real));
    return room;
}

static __attribute__((noinline)) void R(scatter)(const attention_part *p, isize b, isize h, isize rows, isize width, const real *x) {
    for (isize i = 0; i < rows; i++) memcpy(R(matrix_of)(p, b, h) + i * p->row, x + i * width, width * sizeof(real));
}

static const real *R(mask_row)(const attention_problem *s, isize b, isize h, isize i, isize j) {
    return s->mask.at ? R(matrix_of)(&s->mask, b, h) + i * s->mask.row + j : NULL;
}

/* How many of n keys from j on query i sees. */
INLINE isize R(seen)(const attention_problem *s, isize n, isize i, isize j) { return s->causal ? isize_max(0, isize_min(n, i - j + 1)) : n; }

/* The end of the keys that any of the queries before `end` sees, taken by blocks. */
INLINE isize R(key_end)(const attention_problem *s, isize end) { return s->causal ? isize_min(end, s->keys) : s->keys; }

static isize R(forward_room)(const attention_problem *s) {
    const isize step = isize_min(attention_queries(s->queries), s->queries), block = isize_min(ATTENTION_KEYS, s->keys);
    return (s->queries + 2 * s->keys) * s->width + step * (block + s->width + 2);
}

static int R(forward_head)(const attention_problem *s, int threads, isize b, isize h, real *room) {
    const isize step = attention_queries(s->queries), width = s->width;
    const real *q = R(gathered)(&s->q, b, h, s->queries, width, room), *k = R(gathered)(&s->k, b, h, s->keys, width, room += s->queries * width);
    const real *v = R(gathered)(&s->v, b, h, s->keys, width, room += s->keys * width);
    real *made = room + s->keys * width, *most = made + isize_min(step, s->queries) * width, *total, *scores, fade;
    total = most + isize_min(step, s->queries), scores = total + isize_min(step, s->queries);
    int failed = 0;
    for (isize i = 0; i < s->queries; i += step) {
        const isize rows = isize_min(step, s->queries - i), end = R(key_end)(s, i + step);
        for (isize r = 0; r < rows; r++) most[r] = -(real)INFINITY, total[r] = 0;
        for (isize j = 0; j < end; j += ATTENTION_KEYS) {
            const isize n = isize_min(ATTENTION_KEYS, s->keys - j);
            failed |= R(product)(s, threads, rows, n, width, q + i * width, 0, k + j * width, 1, 1, scores, 0, NULL);
            for (isize r = 0; r < rows; r++) {
                fade = R(attend_row)(n, R(seen)(s, n, i + r, j), (real)s->scale, scores + r * n, R(mask_row)(s, b, h, i + r, j), most + r, total + r);
                if (j) R(scaled)(width, made + r * width, fade, made + r * width);
            }
            failed |= R(product)(s, threads, rows, width, n, scores, 0, v + j * width, 0, 1, made, j > 0, NULL);
        }
        for (isize r = 0; r < rows; r++) {               /* queries that see nothing give zeros */
            real *out = R(matrix_of)(&s->out, b, h) + (i + r) * s->out.row;
            real *log_total = R(matrix_of)(&s->log_total, b, h) + (i + r) * s->log_total.row;
            const int hidden = most[r] == -(real)INFINITY;
            if (hidden) memset(out, 0, width * sizeof(real));
            else R(scaled)(width, made + r * width, 1 / total[r], out);
            *log_total = hidden ? 0 : most[r] + V(scalar_log)(total[r]);
        }
    }
    return failed;
}

static isize R(backward_room)(const attention_problem *s) {
    const isize step = isize_min(attention_queries(s->queries), s->queries), block = isize_min(ATTENTION_KEYS, s->keys);
    return (3 * s->queries + 4 * s->keys) * s->width + 2 * step * block + isize_max(step * block, isize_max(step, block) * s->width);
}

static int R(backward_head)(const attention_problem *s, int threads, isize b, isize h, real *room) {
    const isize step = attention_queries(s->queries), most = isize_min(step, s->queries) * isize_min(ATTENTION_KEYS, s->keys);
    const isize width = s->width, size_q = s->queries * width, size_k = s->keys * width;
    const real *q = R(gathered)(&s->q, b, h, s->queries, width, room), *k = R(gathered)(&s->k, b, h, s->keys, width, room += size_q);
    const real *v = R(gathered)(&s->v, b, h, s->keys, width, room += size_k), *g = R(gathered)(&s->grad, b, h, s->queries, width, room += size_k);
    const real scale = (real)s->scale, *out = R(matrix_of)(&s->out, b, h), *log_total = R(matrix_of)(&s->log_total, b, h);
    real *dq = room + s->queries * width, *dk = dq + size_q, *dv = dk + size_k;
    real *weights = dv + size_k, *changes = weights + most, *free = changes + most;
    isize done = 0;
    int failed = 0;
    for (isize i = 0; i < s->queries; i += step) {
        const isize rows = isize_min(step, s->queries - i), end = R(key_end)(s, i + step);
        for (isize j = 0; j < end; j += ATTENTION_KEYS) {
            const isize n = isize_min(ATTENTION_KEYS, s->keys - j);
            const int again = j < done;                  /* these keys had a query before */
            failed |= R(product)(s, threads, rows, n, width, q + i * width, 0, k + j * width, 1, scale, weights, 0, free);
            for (isize r = 0; r < rows; r++)
                R(weigh_again)(n, R(seen)(s, n, i + r, j), weights + r * n, R(mask_row)(s, b, h, i + r, j), log_total[(i + r) * s->log_total.row]);
            failed |= R(product)(s, threads, n, width, rows, weights, 1, g + i * width, 0, 1, dv + j * width, again, NULL);
            failed |= R(product)(s, threads, rows, n, width, g + i * width, 0, v + j * width, 1, 1, changes, 0, NULL);
            for (isize r = 0; r < rows; r++)
                R(change)(n, weights + r * n, R(row_dot)(width, g + (i + r) * width, out + (i + r) * s->out.row), changes + r * n);
            failed |= R(product)(s, threads, rows, width, n, changes, 0, k + j * width, 0, scale, dq + i * width, j > 0, free);
            failed |= R(product)(s, threads, n, width, rows, changes, 1, q + i * width, 0, scale, dk + j * width, again, free);
        }
        done = isize_max(done, isize_min(up_to_multiple(end, ATTENTION_KEYS), s->keys));
    }
    memset(dk + done * width, 0, (s->keys - done) * width * sizeof(real));
    memset(dv + done * width, 0, (s->keys - done) * width * sizeof(real));
    R(scatter)(&s->dq, b, h, s->queries, width, dq);
    R(scatter)(&s->dk, b, h, s->keys, width, dk);
    R(scatter)(&s->dv, b, h, s->keys, width, dv);
    return failed;
}

/* Every head; threads share the heads, where there are enough. */
static __attribute__((noinline)) int R(every_head)(const attention_problem *s, isize room,
                      int (*one)(const attention_problem *, int, isize, isize, real *)) {
    const isize count = s->batch * s->heads;
    const int inside = count >= s->threads ? 1 : s->threads, alone = inside > 1 || count * s->queries * s->keys < ATTENTION_GRAIN;
    const int outside = alone ? 1 : s->threads;
    int failed = 0;
#pragma omp parallel for num_threads(outside) if (outside > 1) reduction(| : failed)
    for (isize i = 0; i < count; i++) {
        real *own = scratch_get(room * sizeof(real));
        failed |= own ? one(s, inside, i / s->heads, i % s->heads, own) : -1;
        scratch_put(own);
    }
    return failed;
}

static int R(forward)(const attention_problem *s) { return R(every_head)(s, R(forward_room)(s), R(forward_head)); }
static int R(backward)(const attention_problem *s) { return R(every_head)(s, R(backward_room)(s), R(backward_head)); }
