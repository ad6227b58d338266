/* Sums in PyTorch's order, a template (real.h): vectors are added up in runs, runs in runs of runs, so that the error grows with
 * the logarithm of their number; a row of numbers is four such sums of vectors at a time, after what does not fill a vector. */
#include "real.h"

#ifndef CASCADE_H
#define CASCADE_H
enum { LEVELS = 4, CHAINS = 4 };            /* runs of runs, and sums that go on side by side */
INLINE void f32_turn(f32x8 *r) { f32_transpose8(r); }
INLINE void f64_turn(f64x4 *r) { f64_transpose4(r); }
static int ceil_log2(isize n) { return n <= 1 ? 0 : 64 - __builtin_clzll((unsigned long long)n - 1); }
static int run_power(isize n) { return (int)isize_max(4, ceil_log2(n) / LEVELS); }
#endif

INLINE vec R(take)(const real *x, int lanes) { return lanes == LANES ? V(load)(x) : V(load_part)(x, lanes); }

/* sum[k] = the sum of the vectors at x + i * step + k * next, i < n, for k < width, of which `lanes` numbers count; runs of
 * 2^power vectors, and `levels` of runs with that of single vectors */
INLINE void R(cascade_of)(const int levels, int power, const real *x, isize step, isize next, isize n, int width, int lanes, vec *sum) {
    const isize length = (isize)1 << power;
    vec run[LEVELS][CHAINS];
    isize i = 0;
    for (int k = 0; k < width; k++) sum[k] = V(all)(0);
    for (int level = 1; level < levels; level++)
        for (int k = 0; k < width; k++) run[level][k] = V(all)(0);
    while (levels > 1 && i + length <= n) {
        for (isize end = i + length; i < end; i++)
#pragma GCC unroll 4
            for (int k = 0; k < width; k++) sum[k] += R(take)(x + i * step + k * next, lanes);
        for (int k = 0; k < width; k++) {
            run[1][k] += sum[k];
            sum[k] = V(all)(0);
        }
        for (int level = 2; level < levels && !(i & ((length - 1) << ((level - 1) * power))); level++)
            for (int k = 0; k < width; k++) {
                run[level][k] += run[level - 1][k];
                run[level - 1][k] = V(all)(0);
            }
    }
    for (; i < n; i++)
#pragma GCC unroll 4
        for (int k = 0; k < width; k++) sum[k] += R(take)(x + i * step + k * next, lanes);
    for (int k = 0; k < width; k++)
        for (int level = 1; level < levels; level++) sum[k] += run[level][k];
}
INLINE void R(cascade)(const real *x, isize step, isize next, isize n, int width, int lanes, vec *sum) {
    const int power = run_power(n);
    if (n < (isize)1 << power) R(cascade_of)(1, power, x, step, next, n, width, lanes, sum);
    else if (n < (isize)1 << 2 * power) R(cascade_of)(2, power, x, step, next, n, width, lanes, sum);     /* no run of runs gets full */
    else R(cascade_of)(LEVELS, power, x, step, next, n, width, lanes, sum);
}

/* The sum of n vectors at x + i * step */
INLINE vec R(sum_of_vectors)(const real *x, isize step, isize n, int lanes) {
    vec sum[CHAINS];
    R(cascade)(x, CHAINS * step, step, n / CHAINS, CHAINS, lanes, sum);
    for (isize i = n / CHAINS * CHAINS; i < n; i++) sum[0] += R(take)(x + i * step, lanes);
    return ((sum[0] + sum[1]) + sum[2]) + sum[3];
}

/* to[part] = the sum of a row from that of its vectors, each of which has numbers of `parts` parts, and the numbers that fill none */
INLINE void R(sum_of_lanes)(const real *x, isize n, const int parts, vec lanes, real *to) {
    real total[2] = {0};
    for (isize i = n * parts / LANES * LANES; i < n * parts; i++) total[i % parts] += x[i];
    for (int k = 0; k < LANES; k++) total[k % parts] += lanes[k];
    for (int p = 0; p < parts; p++) to[p] = total[p];
}

/* to[part] = the sum of n numbers that follow each other, each of which has `parts` parts (two: complex) */
INLINE void R(sum_of_row)(const real *x, isize n, const int parts, real *to) {
    const int width = LANES / parts;                                    /* numbers of a vector */
    if (n < width) {                                                    /* four sums of numbers */
        for (int p = 0; p < parts; p++) {
            real sum[CHAINS] = {0};
            isize i = n / CHAINS * CHAINS;
            for (isize k = 0; k < i; k++) sum[k] = x[k * parts + p];
            for (; i < n; i++) sum[0] += x[i * parts + p];
            to[p] = ((sum[0] + sum[1]) + sum[2]) + sum[3];
        }
        return;
    }
    R(sum_of_lanes)(x, n, parts, R(sum_of_vectors)(x, LANES, n / width, LANES), to);
}

/* The same of as many rows of numbers, one after the other, as a vector has lanes: what is left to add one by one lies side by side once
 * turned. n is at least LANES. */
INLINE void R(sum_of_rows)(const real *x, isize n, real *to) {
    const isize vectors = n / LANES, rest = n % LANES;
    vec lanes[LANES], ends[LANES], total = V(all)(0);
    for (int r = 0; r < LANES; r++) {
        lanes[r] = R(sum_of_vectors)(x + r * n, LANES, vectors, LANES);
        ends[r] = V(load)(x + (r + 1) * n - LANES);
    }
    V(turn)(lanes);
    if (rest) {
        V(turn)(ends);
        for (isize i = LANES - rest; i < LANES; i++) total += ends[i];
    }
#pragma GCC unroll 8
    for (int k = 0; k < LANES; k++) total += lanes[k];
    V(store)(to, total);
}

static void R(store_part)(real *to, vec x, isize lanes) {
    x += V(all)(0);                                                     /* no -0.0: sums start from 0 */
    memcpy(to, &x, lanes * sizeof(real));
}

/* to[j] = the sum of x[i * step + j], i < n, for j < columns; `narrow`: these are all columns, and do not fill a vector */
static void R(sum_of_columns)(const real *x, isize step, isize n, isize columns, int narrow, real *to) {
    isize j = 0;
    vec sum[CHAINS];
    for (; j + CHAINS * LANES <= columns; j += CHAINS * LANES) {
        R(cascade)(x + j, step, LANES, n, CHAINS, LANES, sum);
        for (int k = 0; k < CHAINS; k++) R(store_part)(to + j + k * LANES, sum[k], LANES);
    }
    for (; j + LANES <= columns; j += LANES) R(store_part)(to + j, R(sum_of_vectors)(x + j, step, n, LANES), LANES);
    if (narrow && columns >= CHAINS) {                                  /* four columns are one sum of vectors */
        R(cascade)(x, step, 0, n, 1, CHAINS, sum);
        R(store_part)(to, sum[0], CHAINS);
        j = CHAINS;
    }
    if (j < columns) R(store_part)(to + j, R(sum_of_vectors)(x + j, step, n, (int)(columns - j)), columns - j);
}
