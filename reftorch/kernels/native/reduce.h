/* Reductions of one dimension of three, a template (real.h). */
#include "cascade.h"

INLINE int R(short_rows)(int parts, isize n, isize inner) { return inner == 1 && parts == 1 && n >= LANES && n <= SHORT_ROW; }

/* One job of `sum_middle`: a result, or a block of some that lie side by side; of short rows LANES results. */
INLINE void R(sum_job)(isize job, isize blocks, int parts, const real *x, isize outer, isize n, isize inner, real *to) {
    isize reals = inner * parts, block = CHAINS * LANES, o = job / blocks, j = job % blocks * block;
    if (R(short_rows)(parts, n, inner)) {
        o *= LANES;
        if (o + LANES <= outer) R(sum_of_rows)(x + o * n, n, to + o);
        else for (; o < outer; o++) R(sum_of_row)(x + o * n, n, 1, to + o);
        return;
    }
    const real *from = x + o * n * reals;
    if (inner > 1) R(sum_of_columns)(from + j, reals, n, isize_min(block, reals - j), parts == 1 && inner < LANES, to + o * reals + j);
    else if (parts == 1) R(sum_of_row)(from, n, 1, to + o);
    else R(sum_of_row)(from, n, 2, to + o * 2);
}

/* to[o][j] = the sum of x[o][i][j] over i < n of numbers of one or two parts; work is split over the results alone */
static void R(sum_middle)(int threads, int parts, const real *x, isize outer, isize n, isize inner, real *to) {
    isize reals = inner * parts, block = CHAINS * LANES, blocks = inner == 1 ? 1 : (reals + block - 1) / block, jobs = outer * blocks;
    if (R(short_rows)(parts, n, inner)) jobs = (outer + LANES - 1) / LANES;
    if (threads == 1 || jobs == 1 || outer * n * reals <= SUM_GRAIN) {              /* a region of one thread costs more than a small sum */
        for (isize job = 0; job < jobs; job++) R(sum_job)(job, blocks, parts, x, outer, n, inner, to);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (isize job = 0; job < jobs; job++) R(sum_job)(job, blocks, parts, x, outer, n, inner, to);
}
