/* Reductions of one dimension of three, a template (real.h). */
#include "cascade.h"

/* One job of `sum_middle`: a result, or a block of some that lie side by side. */
INLINE void R(sum_job)(isize job, isize blocks, int parts, const real *x, isize n, isize inner, real *to) {
    isize reals = inner * parts, block = CHAINS * LANES, o = job / blocks, j = job % blocks * block;
    const real *from = x + o * n * reals;
    if (inner > 1) R(sum_of_columns)(from + j, reals, n, isize_min(block, reals - j), parts == 1 && inner < LANES, to + o * reals + j);
    else if (parts == 1) R(sum_of_row)(from, n, 1, to + o);
    else R(sum_of_row)(from, n, 2, to + o * 2);
}

/* to[o][j] = the sum of x[o][i][j] over i < n of numbers of one or two parts; work is split over the results alone */
static void R(sum_middle)(int threads, int parts, const real *x, isize outer, isize n, isize inner, real *to) {
    isize reals = inner * parts, block = CHAINS * LANES, blocks = inner == 1 ? 1 : (reals + block - 1) / block, jobs = outer * blocks;
    if (threads == 1 || jobs == 1 || outer * n * reals <= SUM_GRAIN) {              /* a region of one thread costs more than a small sum */
        for (isize job = 0; job < jobs; job++) R(sum_job)(job, blocks, parts, x, n, inner, to);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (isize job = 0; job < jobs; job++) R(sum_job)(job, blocks, parts, x, n, inner, to);
}
