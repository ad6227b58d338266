/* The kernels of gemm_kernels.h, a template (real.h). Wide vectors are for whole products alone: small ones have orders to keep. */
#include "gemm_kernels.h"
#ifdef WIDE_VECTORS
#include "gemm.h"
#else
#include "gemm_small.h"
#endif

/* One product, in PyTorch's order. */
static int R(gemm_one)(int threads, const gemm_problem *p, isize i) {
    const real *a = (const real *)p->a + i * p->sa.batch, *b = (const real *)p->b + i * p->sb.batch;
    real *c = (real *)p->c + i * p->rows * p->columns;
#ifndef WIDE_VECTORS
    if (p->in_order) {
        R(gemm_plain)(p->rows, p->columns, p->depth, a, p->sa.row, p->sa.col, b, p->sb.row, p->sb.col, c, p->accumulate);
        return 0;
    }
    if (p->rows < SMALL_ROWS || p->columns < SMALL_COLUMNS)
        return R(gemm_small)(threads, p->rows, p->columns, p->depth, a, p->sa.row, p->sa.col, b, p->sb.row, p->sb.col, c, p->accumulate,
                             p->of_batch);
#endif
    return R(gemm)(threads, p->rows, p->columns, p->depth, a, p->sa.row, p->sa.col, b, p->sb.row, p->sb.col, c, p->columns, p->accumulate);
}

static int R(gemm_product)(const gemm_problem *p) {
    if (p->batch == 1) return R(gemm_one)(p->threads, p, 0);
    int inside = p->batch >= p->threads ? 1 : p->threads, failed = 0;           /* threads share the batch where it is long enough */
    int outside = inside > 1 || (double)p->batch * p->rows * p->columns * p->depth < GEMM_SERIAL ? 1 : p->threads;
#pragma omp parallel for num_threads(outside) if (outside > 1) reduction(| : failed)
    for (isize i = 0; i < p->batch; i++) failed |= R(gemm_one)(inside, p, i);
    return failed;
}

#ifndef WIDE_VECTORS
static int R(gemm_vector_product)(const gemm_problem *p) {
    return R(gemm_vector)(p->threads, p->rows, p->depth, p->a, p->sa.row, p->sa.col, p->b, p->sb.row, p->c, p->accumulate);
}

/* ---- complex numbers: pairs of reals, the strides in pairs. Every sum is two, of the products with the real and with the imaginary parts of
 * the left matrix, but for COMPLEX_LEAST. */
static int R(gemm_complex_vector)(const gemm_problem *p) {           /* whole products */
    real *c = p->c;
    for (isize i = 0; i < p->rows; i++) {
        const real *m = (const real *)p->a + 2 * i * p->sa.row, *x = p->b;
        real re = 0, im = 0;
        for (isize k = 0; k < p->depth; k++, m += 2 * p->sa.col, x += 2 * p->sb.row)
            re += m[0] * x[0] - m[1] * x[1], im += m[0] * x[1] + m[1] * x[0];
        c[2 * i] = re, c[2 * i + 1] = im;
    }
    return 0;
}

/* A row times a column: the first product and every second one after it in one sum, the others in another. */
static void R(complex_dot)(isize depth, const real *x, isize x_step, const real *w, isize w_step, real *c) {
    real sum[2][4] = {{0}};
    for (isize k = 0; k < depth; k++, x += 2 * x_step, w += 2 * w_step) {
        real *s = sum[k > 0 && k % 2 == 0];
        s[0] += x[0] * w[0], s[1] += x[1] * w[1], s[2] += x[0] * w[1], s[3] += x[1] * w[0];
    }
    for (int i = 0; i < 4; i++) sum[0][i] += sum[1][i];
    c[0] = sum[0][0] - sum[0][1], c[1] = sum[0][2] + sum[0][3];
}

static int R(gemm_complex)(const gemm_problem *p) {
    isize rows = p->rows, columns = p->columns, depth = p->depth, width = 2 * columns;
    const real *x = p->a, *w = p->b;
    real *c = p->c;
    if (rows == 1 || columns == 1) {
        for (isize i = 0; i < rows * columns; i++)
            R(complex_dot)(depth, columns == 1 ? x + 2 * i * p->sa.row : x, p->sa.col, columns == 1 ? w : w + 2 * i * p->sb.col, p->sb.row, c + 2 * i);
        return 0;
    }
    if (depth < COMPLEX_LEAST || columns < COMPLEX_LEAST) {
        for (isize j = 0; j < columns; j++) {
            for (isize i = 0; i < rows; i++) {
                gemm_problem one = {.rows = 1, .depth = depth, .a = x + 2 * i * p->sa.row, .sa = p->sa, .b = w + 2 * j * p->sb.col, .sb = p->sb,
                                    .c = c + i * width + 2 * j};
                R(gemm_complex_vector)(&one);
            }
        }
        return 0;
    }
    real *lines = scratch_get(depth * width * sizeof(real)), *imaginary = scratch_get(rows * width * sizeof(real));
    int failed = !lines || !imaginary;
    for (isize k = 0; k < depth && !failed; k++)
        for (isize j = 0; j < columns; j++)
            memcpy(lines + k * width + 2 * j, w + 2 * (k * p->sb.row + j * p->sb.col), 2 * sizeof(real));
    failed = failed || R(gemm)(p->threads, rows, width, depth, x, 2 * p->sa.row, 2 * p->sa.col, lines, width, 1, c, width, 0)
        || R(gemm)(p->threads, rows, width, depth, x + 1, 2 * p->sa.row, 2 * p->sa.col, lines, width, 1, imaginary, width, 0);
    for (isize i = 0; i < rows * width && !failed; i += 2) c[i] -= imaginary[i + 1], c[i + 1] += imaginary[i];
    scratch_put(lines), scratch_put(imaginary);
    return failed ? -1 : 0;
}

static int R(gemm_dot_product)(const gemm_problem *p) {
    *(real *)p->c = R(gemm_dot)(p->depth, p->a, p->sa.col, p->b, p->sb.row);
    return 0;
}
#endif
