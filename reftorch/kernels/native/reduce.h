/* Reductions of one dimension of three, a template (real.h). */
#include "cascade.h"

/* to[o][j] = the sum of x[o][i][j] over i < n; work is split over the results alone */
static void R(sum_middle)(int threads, const real *x, isize outer, isize n, isize inner, real *to) {
    isize block = CHAINS * LANES, blocks = inner == 1 ? 1 : (inner + block - 1) / block;
    int many = threads > 1 && outer * blocks > 1 && outer * n * inner > SUM_GRAIN;
#pragma omp parallel for num_threads(threads) if (many) schedule(static)
    for (isize job = 0; job < outer * blocks; job++) {
        isize o = job / blocks, j = job % blocks * block;
        if (inner == 1) to[o] = R(sum_of_row)(x + o * n, n);
        else R(sum_of_columns)(x + o * n * inner + j, inner, n, isize_min(block, inner - j), inner < LANES, to + o * inner + j);
    }
}
