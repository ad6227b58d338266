/* Reductions of one dimension of three, a template (real.h). */
#include "cascade.h"
#include "scratch.h"

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

/* The sum of one row on several threads, in the same order: the greatest runs of a cascade are added up one after the other, whoever made them.
 * 0: there are too few of them, or no memory. */
static int R(sum_of_long_row)(int threads, const real *x, isize n, int parts, real *to) {
    const isize vectors = n * parts / LANES, chain = vectors / CHAINS, step = CHAINS * LANES;
    const int power = run_power(chain);
    const isize length = (isize)1 << (LEVELS - 1) * power, runs = chain / length;
    vec *run = runs < 2 ? NULL : scratch_get(runs * CHAINS * sizeof(vec)), sum[CHAINS], total[CHAINS] = {0};
    if (!run) return 0;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (isize r = 0; r < runs; r++) R(cascade_of)(LEVELS - 1, power, x + r * length * step, step, LANES, length, CHAINS, LANES, run + r * CHAINS);
    R(cascade_of)(LEVELS - 1, power, x + runs * length * step, step, LANES, chain - runs * length, CHAINS, LANES, sum);
    for (int k = 0; k < CHAINS; k++) {
        for (isize r = 0; r < runs; r++) total[k] += run[r * CHAINS + k];
        sum[k] += total[k];
    }
    for (isize i = chain * CHAINS; i < vectors; i++) sum[0] += V(load)(x + i * LANES);
    R(sum_of_lanes)(x, n, parts, ((sum[0] + sum[1]) + sum[2]) + sum[3], to);
    scratch_put(run);
    return 1;
}

/* to[o][j] = the sum of x[o][i][j] over i < n of numbers of one or two parts; work is split over the results alone */
static void R(sum_middle)(int threads, int parts, const real *x, isize outer, isize n, isize inner, real *to) {
    isize reals = inner * parts, block = CHAINS * LANES, blocks = inner == 1 ? 1 : (reals + block - 1) / block, jobs = outer * blocks;
    if (R(short_rows)(parts, n, inner)) jobs = (outer + LANES - 1) / LANES;
    if (threads > 1 && jobs == 1 && inner == 1 && n * parts > SUM_GRAIN && R(sum_of_long_row)(threads, x, n, parts, to)) return;
    if (threads == 1 || jobs == 1 || outer * n * reals <= SUM_GRAIN) {              /* a region of one thread costs more than a small sum */
        for (isize job = 0; job < jobs; job++) R(sum_job)(job, blocks, parts, x, outer, n, inner, to);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (isize job = 0; job < jobs; job++) R(sum_job)(job, blocks, parts, x, outer, n, inner, to);
}
