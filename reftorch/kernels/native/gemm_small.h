/* Products of few rows or columns, a template (real.h), with every element summed in PyTorch's order, to the last bit.
 *
 * PyTorch leaves products of fewer than SMALL_ROWS rows or SMALL_COLUMNS columns to loops of MKL whose order shows: products are rounded before
 * they are added, and alignment to 16 bytes decides where a sum is split into lanes. The order was found from outside on an AMD processor,
 * by adding ones around two huge numbers that cancel: the result tells which ones were added before. X is the left matrix, W the right one.
 *
 *   X by rows, W by columns   dot products: the first numbers of a row of X, up to a multiple of 16 bytes, one by one, whole vectors of 16
 *                             bytes lane by lane, the rest one by one. Columns come in fours; those left over have two sums a lane.
 *   one row or one column     the same, W (X) being read by rows; the last of four rows decides the alignment.
 *   W by rows                 element by element from what C holds, in the order of k; the columns before C's row is aligned add every
 *                             second group of four products before it joins the sum.
 *   X and W by columns        in the order of k.
 *
 * Larger products are sums by fma in the order of k, which gemm.h gives too. */
#include "gemm.h"
#include "gemm_kernels.h"

#ifndef GEMM_SMALL_H
#define GEMM_SMALL_H
enum { SMALL_GROUP = 4, SMALL_UNIT = 8 };
enum { COMPLEX_LEAST = 4 };               /* of depth and columns: below, complex products are added whole, in the order of the depth */

typedef struct {
    isize rows, columns, depth;
    int accumulate;
} small_shape;

#endif

typedef real R(quad) __attribute__((vector_size(16), may_alias));
enum { R(QUAD) = 16 / sizeof(real) };
#define SMALL_SUMS (SMALL_UNIT / R(QUAD))

INLINE R(quad) R(quad_load)(const real *p) { R(quad) v; memcpy(&v, p, sizeof v); return v; }
INLINE real R(quad_sum)(R(quad) v) {
    for (int half = R(QUAD) / 2; half; half /= 2)
        for (int i = 0; i < half; i++) v[i] += v[i + half];
    return v[0];
}

/* Numbers from p to the next multiple of 16 bytes. */
INLINE isize R(misaligned)(const real *p) { return (isize)(-((uintptr_t)p / sizeof(real)) % R(QUAD)); }

/* out[j] = sum of x[k] w[j * ldw + k] for `columns` of W: `head` products one by one, whole units in vectors, which take turns at the `sums`, the
 * rest one by one. */
INLINE void R(dots)(const int columns, const int sums, const int unit, isize depth, isize head, const real *x, const real *w, isize ldw, real *out) {
    const int vectors = unit / R(QUAD);
    isize end = depth > head ? head + (depth - head) / unit * unit : head;
    for (int j = 0; j < columns; j++) {
        out[j] = 0;
        for (isize k = 0; k < isize_min(head, depth); k++) out[j] += x[k] * w[j * ldw + k];
    }
    if (end > head) {
        R(quad) sum[SMALL_GROUP][4];
        for (int j = 0; j < columns; j++) {
            sum[j][0] = (R(quad)){out[j]};
            for (int q = 1; q < sums; q++) sum[j][q] = (R(quad)){0};
        }
        for (isize k = head; k < end; k += unit)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++) {
                R(quad) a = R(quad_load)(x + k + v * R(QUAD));
#pragma GCC unroll 4
                for (int j = 0; j < columns; j++) sum[j][v % sums] += a * R(quad_load)(w + j * ldw + k + v * R(QUAD));
            }
        for (int j = 0; j < columns; j++) {
            if (sums > 1) sum[j][0] += sum[j][1];
            if (sums > 2) sum[j][0] += sum[j][2] + sum[j][3];
            out[j] = R(quad_sum)(sum[j][0]);
        }
    }
    for (int j = 0; j < columns; j++)
        for (isize k = end; k < depth; k++) out[j] += x[k] * w[j * ldw + k];
}

INLINE void R(put)(const real *sums, int count, real *c, int accumulate) {
    for (int j = 0; j < count; j++) c[j] = accumulate ? c[j] + sums[j] : sums[j];
}

/* C = X W for rows of X and columns of W that lie in memory one number after another. */
static void R(small_dots)(small_shape s, const real *x, isize ldx, const real *w, isize ldw, real *c, isize ldc) {
    real sums[SMALL_GROUP];
    for (isize i = 0; i < s.rows; i++, x += ldx, c += ldc) {
        isize head = R(misaligned)(x), j = 0;
        for (; j + SMALL_GROUP <= s.columns; j += SMALL_GROUP) {
            R(dots)(SMALL_GROUP, 1, R(QUAD), s.depth, head, x, w + j * ldw, ldw, sums);
            R(put)(sums, SMALL_GROUP, c + j, s.accumulate);
        }
        for (; j < s.columns; j++) {
            R(dots)(1, SMALL_SUMS, SMALL_UNIT, s.depth, head, x, w + j * ldw, ldw, sums);
            R(put)(sums, 1, c + j, s.accumulate);
        }
    }
}

/* c = M x for a matrix of `rows` rows by rows. */
static void R(small_vector)(isize rows, isize depth, int accumulate, const real *m, isize ldm, const real *x, real *c) {
    real sums[SMALL_GROUP];
    isize i = 0;
    for (; i + SMALL_GROUP <= rows; i += SMALL_GROUP) {
        isize head = R(misaligned)(m + (i + SMALL_GROUP - 1) * ldm);
        R(dots)(SMALL_GROUP, 1, R(QUAD), depth, head ? head : R(QUAD), x, m + i * ldm, ldm, sums);
        R(put)(sums, SMALL_GROUP, c + i, accumulate);
    }
    isize head = R(misaligned)(x), left = rows - i;
    if (head == 0) head = R(QUAD);
    for (isize r = 0; r < left; r++) {
        const real *row = m + (i + r) * ldm;
        if (r == 0 && left > 1) R(dots)(1, 2, SMALL_UNIT, depth, head, x, row, ldm, sums);
        else if (r == 1) R(dots)(1, 1, SMALL_UNIT, depth, head, x, row, ldm, sums);
        else R(dots)(1, SMALL_SUMS, SMALL_UNIT, depth, head, x, row, ldm, sums);
        R(put)(sums, 1, c + i + r, accumulate);
    }
}

/* `width` neighbours of `rows` rows of C, product by product in the order of k. */
#define SMALL_RUN(NAME, V_TYPE, V_COUNT) \
    INLINE void R(NAME)(const int rows, isize depth, int accumulate, const real *x, isize x_row, isize x_col, const real *w, isize w_row, real *c, \
                        isize ldc) { \
        V_TYPE sum[SMALL_GROUP][V_COUNT], b; \
        enum { WIDE = sizeof(V_TYPE) / sizeof(real) }; \
        for (int i = 0; i < rows; i++) \
            for (int v = 0; v < V_COUNT; v++) { \
                if (accumulate) memcpy(&sum[i][v], c + i * ldc + v * WIDE, sizeof(V_TYPE)); \
                else memset(&sum[i][v], 0, sizeof(V_TYPE)); \
            } \
        for (isize k = 0; k < depth; k++) \
            for (int v = 0; v < V_COUNT; v++) { \
                memcpy(&b, w + k * w_row + v * WIDE, sizeof b); \
                for (int i = 0; i < rows; i++) sum[i][v] += x[i * x_row + k * x_col] * b; \
            } \
        for (int i = 0; i < rows; i++) \
            for (int v = 0; v < V_COUNT; v++) memcpy(c + i * ldc + v * WIDE, &sum[i][v], sizeof(V_TYPE)); \
    }
SMALL_RUN(run_wide, vec, 2)
SMALL_RUN(run_quad, R(quad), 1)
SMALL_RUN(run_one, real, 1)
#undef SMALL_RUN

INLINE void R(small_row_group)(const int rows, small_shape s, const real *x, isize x_row, isize x_col, const real *w, isize w_row, real *c, isize ldc) {
    isize j = 0;
    for (; j + PANEL <= s.columns; j += PANEL) R(run_wide)(rows, s.depth, s.accumulate, x, x_row, x_col, w + j, w_row, c + j, ldc);
    for (; j + R(QUAD) <= s.columns; j += R(QUAD)) R(run_quad)(rows, s.depth, s.accumulate, x, x_row, x_col, w + j, w_row, c + j, ldc);
    for (; j < s.columns; j++) R(run_one)(rows, s.depth, s.accumulate, x, x_row, x_col, w + j, w_row, c + j, ldc);
}

/* C = X W for rows of W that lie in memory one number after another. */
static void R(small_runs)(small_shape s, const real *x, isize x_row, isize x_col, const real *w, isize w_row, real *c, isize ldc, int split) {
    for (isize i = 0; i < s.rows;) {
        isize rows = s.rows - i >= SMALL_GROUP ? SMALL_GROUP : 1;
        real early[SMALL_GROUP][4];
        isize before[SMALL_GROUP] = {0};
        for (isize r = 0; split && r < rows; r++) {
            const real *a = x + (i + r) * x_row;
            isize head = R(misaligned)(c + (i + r) * ldc);
            if (s.columns - head < R(QUAD)) continue;
            before[r] = head;
            for (isize j = 0; j < head; j++) {
                real sum = s.accumulate ? c[(i + r) * ldc + j] : 0;
#define PRODUCT(K) (a[(K) * x_col] * w[(K) * w_row + j])
                isize k = 0;
                for (; k + SMALL_UNIT <= s.depth; k += SMALL_UNIT) {
                    for (isize h = k; h < k + SMALL_UNIT / 2; h++) sum += PRODUCT(h);
                    sum += ((PRODUCT(k + 4) + PRODUCT(k + 5)) + PRODUCT(k + 6)) + PRODUCT(k + 7);
                }
                for (; k < s.depth; k++) sum += PRODUCT(k);
#undef PRODUCT
                early[r][j] = sum;
            }
        }
        const real *from = x + i * x_row;
        if (rows == SMALL_GROUP) R(small_row_group)(SMALL_GROUP, s, from, x_row, x_col, w, w_row, c + i * ldc, ldc);
        else R(small_row_group)(1, s, from, x_row, x_col, w, w_row, c + i * ldc, ldc);
        for (isize r = 0; r < rows; r++) memcpy(c + (i + r) * ldc, early[r], before[r] * sizeof(real));
        i += rows;
    }
}

/* A copy of a matrix of any strides, by rows. */
static real *R(small_copy)(isize rows, isize columns, const real *m, isize m_row, isize m_col) {
    real *copy = scratch_get(isize_max(rows * columns, 1) * sizeof(real));
    for (isize i = 0; copy && i < rows; i++)
        for (isize j = 0; j < columns; j++) copy[i * columns + j] = m[i * m_row + j * m_col];
    return copy;
}

/* C = X W for columns of X and columns of W that lie in memory one number after another; -1 when memory is out. */
static int R(small_columns)(small_shape s, const real *x, isize x_col, const real *w, isize w_col, real *c, isize ldc) {
    real *room = R(QUAD) == 2 ? R(small_copy)(s.rows, s.depth, x, 1, x_col) : scratch_get(s.rows * s.columns * sizeof(real)), one;
    if (!room) return -1;
    if (R(QUAD) == 2) {                                  /* double: dot products, aligned by the column of W */
        for (isize i = 0; i < s.rows; i++)
            for (isize j = 0; j < s.columns; j++) {
                R(dots)(1, SMALL_SUMS, SMALL_UNIT, s.depth, R(misaligned)(w + j * w_col), room + i * s.depth, w + j * w_col, 0, &one);
                R(put)(&one, 1, c + i * ldc + j, s.accumulate);
            }
    } else {                                             /* C' = W' X' */
        R(small_runs)((small_shape){s.columns, s.rows, s.depth, 0}, w, w_col, 1, x, x_col, room, s.rows, 0);
        for (isize i = 0; i < s.rows; i++)
            for (isize j = 0; j < s.columns; j++) R(put)(room + j * s.rows + i, 1, c + i * ldc + j, s.accumulate);
    }
    scratch_put(room);
    return 0;
}

/* Part t of `threads` of c = M x (+ c). */
INLINE void R(gemm_vector_part)(int t, int threads, isize rows, isize depth, const real *m, isize m_row, isize m_col, const real *x, real *c,
                                int accumulate) {
    isize units = (rows + PANEL - 1) / PANEL, first = units * t / threads * PANEL;
    isize size = isize_min(units * (t + 1) / threads * PANEL, rows) - first;
    if (size <= 0) return;
    if (m_row == 1) R(small_runs)((small_shape){1, size, depth, accumulate}, x, 0, 1, m + first, m_col, c + first, 0, 0);
    else R(small_vector)(size, depth, accumulate, m + first * m_row, m_row, x, c + first);
}

/* c = M x (+ c) for a matrix by rows or by columns, on several threads; -1 when memory is out. */
static int R(gemm_vector)(int threads, isize rows, isize depth, const real *m, isize m_row, isize m_col, const real *x, isize x_step, real *c,
                          int accumulate) {
    real *m_copy = NULL, *x_copy = NULL;
    int failed = 0;
    if (m_row != 1 && m_col != 1) failed |= !(m_copy = R(small_copy)(rows, depth, m, m_row, m_col));
    if (x_step != 1) failed |= !(x_copy = R(small_copy)(1, depth, x, 0, x_step));
    if (m_copy) m = m_copy, m_row = depth, m_col = 1;
    if (x_copy) x = x_copy;
    if ((double)rows * depth < GEMM_SERIAL) threads = 1;
    if (failed) threads = 0;
    if (threads == 1) R(gemm_vector_part)(0, 1, rows, depth, m, m_row, m_col, x, c, accumulate);    /* a region of one thread is not free */
    else if (threads > 1) {
#pragma omp parallel for num_threads(threads)
        for (int t = 0; t < threads; t++) R(gemm_vector_part)(t, threads, rows, depth, m, m_row, m_col, x, c, accumulate);
    }
    scratch_put(m_copy), scratch_put(x_copy);
    return failed ? -1 : 0;
}

/* Part t of `threads` of C = X W (+ C), shared out by the longer side; -1 when memory is out. */
INLINE int R(gemm_small_part)(int t, int threads, small_shape s, const real *x, isize x_row, isize x_col, const real *w, isize w_row, isize w_col,
                              real *c) {
    isize ldc = s.columns, *length = s.columns >= s.rows ? &s.columns : &s.rows, units = (*length + PANEL - 1) / PANEL;
    isize first = units * t / threads * PANEL, size = isize_min(units * (t + 1) / threads * PANEL, *length) - first;
    int whole = length == &s.rows || first == 0;
    if (size <= 0) return 0;
    *length = size;
    if (length == &s.columns) w += first * w_col, c += first;
    else x += first * x_row, c += first * ldc;
    if (w_col == 1) R(small_runs)(s, x, x_row, x_col, w, w_row, c, ldc, whole);
    else if (x_col == 1) R(small_dots)(s, x, x_row, w, w_col, c, ldc);
    else return R(small_columns)(s, x, x_col, w, w_col, c, ldc);
    return 0;
}

/* C = X W (+ C), C being contiguous; `batched`: one of several, where a single column is a matrix as any other. -1 when memory is out. */
static int R(gemm_small)(int threads, isize rows, isize columns, isize depth, const real *x, isize x_row, isize x_col, const real *w, isize w_row,
                         isize w_col, real *c, int accumulate, int batched) {
    if (rows == 1) return R(gemm_vector)(threads, columns, depth, w, w_col, w_row, x, x_col, c, accumulate);
    if (columns == 1 && !batched) return R(gemm_vector)(threads, rows, depth, x, x_row, x_col, w, w_row, c, accumulate);
    real *x_copy = NULL, *w_copy = NULL;
    int failed = 0;
    if (isize_min(x_row, x_col) != 1) failed |= !(x_copy = R(small_copy)(rows, depth, x, x_row, x_col));
    if (isize_min(w_row, w_col) != 1) failed |= !(w_copy = R(small_copy)(depth, columns, w, w_row, w_col));
    if (x_copy) x = x_copy, x_row = depth, x_col = 1;
    if (w_copy) w = w_copy, w_row = columns, w_col = 1;
    small_shape s = {rows, columns, depth, accumulate};
    if ((double)rows * columns * depth < GEMM_SERIAL) threads = 1;
    if (failed) threads = 0;
    if (threads == 1) failed |= R(gemm_small_part)(0, 1, s, x, x_row, x_col, w, w_row, w_col, c);
    else if (threads > 1) {
#pragma omp parallel for num_threads(threads) reduction(| : failed)
        for (int t = 0; t < threads; t++) failed |= R(gemm_small_part)(t, threads, s, x, x_row, x_col, w, w_row, w_col, c);
    }
    scratch_put(x_copy), scratch_put(w_copy);
    return failed ? -1 : 0;
}

/* Sum of x[k] w[k]: blocks of four vectors of 16 bytes, each with a sum of its own; of the rest whatever is left over joins the first. */
static real R(gemm_dot)(isize depth, const real *x, isize x_step, const real *w, isize w_step) {
    if (x_step != 1 || w_step != 1) {
        real all = 0;
        for (isize k = 0; k < depth; k++) all += x[k * x_step] * w[k * w_step];
        return all;
    }
    R(quad) sum[4] = {{0}};
    isize k = 0;
    for (; k + 4 * R(QUAD) <= depth; k += 4 * R(QUAD))
#pragma GCC unroll 4
        for (int v = 0; v < 4; v++) sum[v] += R(quad_load)(x + k + v * R(QUAD)) * R(quad_load)(w + k + v * R(QUAD));
    if (R(QUAD) == 4 && k + 2 * R(QUAD) <= depth)
        for (int v = 0; v < 2; v++, k += R(QUAD)) sum[v] += R(quad_load)(x + k) * R(quad_load)(w + k);
    for (; k + R(QUAD) <= depth; k += R(QUAD)) sum[0] += R(quad_load)(x + k) * R(quad_load)(w + k);
    for (; k < depth; k++) sum[0][0] += x[k] * w[k];
    return R(quad_sum)(((sum[0] + sum[1]) + sum[2]) + sum[3]);
}

/* The products of a small batch: from what C holds, in the order of k. */
static void R(gemm_plain)(isize rows, isize columns, isize depth, const real *x, isize x_row, isize x_col, const real *w, isize w_row, isize w_col,
                          real *c, int accumulate) {
    for (isize i = 0; i < rows; i++)
        for (isize j = 0; j < columns; j++) {
            real sum = accumulate ? c[i * columns + j] : 0;
            for (isize k = 0; k < depth; k++) sum += x[i * x_row + k * x_col] * w[k * w_row + j * w_col];
            c[i * columns + j] = sum;
        }
}
#undef SMALL_SUMS
