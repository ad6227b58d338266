/* Batches of matrix products, a template (real.h): C is [batch][rows][columns], contiguous. */
#include "gemm.h"

static int R(gemm_batch)(int threads, isize batch, isize rows, isize columns, isize depth, const real *a, matrix_strides sa, const real *b,
                         matrix_strides sb, real *c, int accumulate) {
    int inside = batch >= threads && batch > 1 ? 1 : threads, failed = 0;       /* threads share the batch where it is long enough */
    int outside = inside > 1 || (double)batch * rows * columns * depth < GEMM_SERIAL ? 1 : threads;
    if (batch == 1)
        return R(gemm)(inside, rows, columns, depth, a, sa.row, sa.col, b, sb.row, sb.col, c, columns, accumulate);
#pragma omp parallel for num_threads(outside) if (outside > 1) reduction(| : failed)
    for (isize i = 0; i < batch; i++)
        failed |= R(gemm)(inside, rows, columns, depth, a + i * sa.batch, sa.row, sa.col, b + i * sb.batch, sb.row, sb.col, c + i * rows * columns,
                          columns, accumulate);
    return failed;
}
