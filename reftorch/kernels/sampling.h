/* Samples of distributions that have one parameter an element, drawn one after the other in logical order. */
#ifndef REFTORCH_SAMPLING_H
#define REFTORCH_SAMPLING_H

#include "rng.h"

/* torch: only float64 probabilities are compared with 53 bits. Gives the number of values drawn: it stops at an
 * invalid probability, as torch does, with the stream at that place. */
static long rng_bernoulli_f64(rng_t *g, uint8_t *out, const double *p, long n) {
    long i = 0;
    for (; i < n && p[i] >= 0 && p[i] <= 1; i++) out[i] = rng_u53(g) < p[i];
    return i;
}
static long rng_bernoulli_f32(rng_t *g, uint8_t *out, const float *p, long n) {
    long i = 0;
    for (; i < n && p[i] >= 0 && p[i] <= 1; i++) out[i] = unit24(rng_u32(g)) < p[i];
    return i;
}

/* The x86 conversion: what does not fit becomes the smallest integer. */
static inline int64_t to_i64(double v) { return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : INT64_MIN; }

/* Knuth's product for small rates, Hoermann's PTRS (1993) for the others */
static int64_t rng_poisson(rng_t *g, double rate) {
    if (rate == 0) return 0;
    if (rate < 10) {
        double limit = exp(-rate), product = 1.0;
        for (int64_t k = 0;; k++) {
            product *= rng_u53(g);
            if (!(product > limit)) return k;
        }
    }
    double log_rate = log(rate), b = 0.931 + 2.53 * sqrt(rate), a = -0.059 + 0.02483 * b;
    double log_inv_alpha = log(1.1239 + 1.1328 / (b - 3.4)), v_r = 0.9277 - 3.6224 / (b - 2);
    for (;;) {
        double u = rng_u53(g) - 0.5, v = rng_u53(g), us = 0.5 - fabs(u);
        int64_t k = to_i64(floor((2 * a / us + b) * u + rate + 0.43));
        if (us >= 0.07 && v <= v_r) return k;
        if (k < 0 || (us < 0.013 && v > us)) continue;
        if (log(v) + log_inv_alpha - log(a / (us * us) + b) <= -rate + (double)k * log_rate - lgamma((double)k + 1)) return k;
    }
}

/* what Stirling's formula for log k! lacks */
static double stirling_tail(double k) {
    static const double first[] = {0.0810614667953272,  0.0413406959554092,  0.0276779256849983,  0.02079067210376509,
                                   0.0166446911898211,  0.0138761288230707,  0.0118967099458917,  0.0104112652619720,
                                   0.00925546218271273, 0.00833056343336287};
    if (k < 10) return first[(int)k];
    double square = (k + 1) * (k + 1);
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1);
}

/* torch: the operands are of the tensor's type T, what meets a double constant is double. For T in float, double:
 *   gamma_T     Marsaglia and Tsang (2000)
 *   binomial_T  sums of geometric gaps for n*p < 10, else transformed rejection (Hoermann's BTRS, 1993)
 *   multinomial_T  one row of weights: cumulative sums in T, then k searches */
#define RNG_REALS(X) X(f64, double, log1p, sqrt, floor) X(f32, float, log1pf, sqrtf, floorf)

#define X(name, T, log1pT, sqrtT, floorT)                                                                           \
    static double gamma_##name(rng_t *g, T alpha) {                                                                 \
        double scale = 1.0;                                                                                         \
        if (alpha < (T)1) {                                                                                         \
            if (alpha == 0) return 0.0;                                                                             \
            scale = pow(1.0 - rng_u53(g), (T)1 / alpha);                                                            \
            alpha += (T)1;                                                                                          \
        }                                                                                                           \
        T third = 1.0f / 3.0f, d_narrow = alpha - third;                                                            \
        double d = d_narrow, c = 1.0 / sqrt(9.0 * d);                                                               \
        if (!(d > 0)) return NAN; /* torch: never returns for a negative or NaN alpha */                            \
        for (;;) {                                                                                                  \
            double x, y;                                                                                            \
            do {                                                                                                    \
                x = rng_normal(g);                                                                                  \
                y = 1.0 + c * x;                                                                                    \
            } while (y <= 0);                                                                                       \
            double v = y * y * y, u = 1.0 - rng_u53(g), xx = x * x;                                                 \
            if (u < 1.0 - 0.0331f * xx * xx) return scale * d * v;                                                  \
            if (log(u) < 0.5 * xx + d * (1.0 - v + log(v))) return scale * d * v;                                   \
        }                                                                                                           \
    }                                                                                                               \
    static T binomial_gaps_##name(rng_t *g, T n, T p) {                                                             \
        double log_q = log1pT(-p), sum = 0;                                                                         \
        for (T successes = 0;; successes += 1) {                                                                    \
            sum += ceil(log(rng_u53(g)) / log_q);                                                                   \
            if (sum > n) return successes;                                                                          \
        }                                                                                                           \
    }                                                                                                               \
    static T binomial_rejection_##name(rng_t *g, T n, T p) {                                                        \
        T mean_narrow = n * p, q = (T)1 - p, sd_narrow = sqrtT(mean_narrow * q), r_narrow = p / q;                  \
        double mean = mean_narrow, sd = sd_narrow, r = r_narrow, m = floorT((n + (T)1) * p), n1 = n + (T)1;         \
        double b = 1.15 + 2.53 * sd, a = -0.0873 + 0.0248 * b + 0.01 * p, c = mean + 0.5, v_r = 0.92 - 4.2 / b;     \
        double alpha = (2.83 + 5.1 / b) * sd;                                                                       \
        for (;;) {                                                                                                  \
            double u = rng_u53(g) - 0.5, v = rng_u53(g), us = 0.5 - fabs(u);                                        \
            T k = (T)floor((2 * a / us + b) * u + c);                                                               \
            if (k < 0 || k > n) continue;                                                                           \
            if (us >= 0.07 && v <= v_r) return k;                                                                   \
            T k1 = k + (T)1, rest = n - k, rest1 = rest + (T)1;                                                     \
            v = log(v * alpha / (a / (us * us) + b));                                                               \
            double bound = (m + 0.5) * log((m + 1) / (r * (n - m + 1))) + n1 * log((n - m + 1) / rest1) +           \
                           (k + 0.5) * log(r * rest1 / k1) + stirling_tail(m) + stirling_tail(n - m) -              \
                           stirling_tail(k) - stirling_tail(rest);                                                  \
            if (v <= bound) return k;                                                                               \
        }                                                                                                           \
    }                                                                                                               \
    static T binomial_##name(rng_t *g, T n, T p) {                                                                  \
        if (n <= 0 || p <= 0) return 0;                                                                             \
        if (p >= 1) return n;                                                                                       \
        if (p != p) return p;                                                                                       \
        if (!(n < INFINITY)) return NAN; /* torch: never returns */                                                 \
        int mirror = !(p <= (T)0.5);                                                                                \
        if (mirror) p = (T)(1.0 - p);                                                                               \
        T np = n * p, k = np >= 10 ? binomial_rejection_##name(g, n, p) : binomial_gaps_##name(g, n, p);            \
        return mirror ? n - k : k;                                                                                  \
    }                                                                                                               \
    static const char *multinomial_##name(rng_t *g, const T *weight, T *sums, long n, int64_t *out, long k) {       \
        T sum = 0;                                                                                                  \
        for (long j = 0; j < n; j++) {                                                                              \
            if (!(weight[j] >= 0)) return "encountering probability entry < 0";                                     \
            if (!(weight[j] < INFINITY)) return "encountering probability entry = infinity or NaN";                 \
            sums[j] = sum += weight[j];                                                                             \
        }                                                                                                           \
        if (!(sum > 0)) return "sum of probabilities <= 0";                                                         \
        for (long j = 0; j < n; j++) sums[j] /= sum;                                                                \
        sums[n - 1] = 1;                                                                                            \
        for (long i = 0; i < k; i++) {                                                                              \
            double u = rng_u53(g);                                                                                  \
            const T *first = sums;                                                                                  \
            for (long size = n, half; size > 1; size -= half) {                                                     \
                half = size / 2;                                                                                    \
                first += first[half - 1] < u ? half : 0;                                                            \
            }                                                                                                       \
            out[i] = first - sums + (*first < u);                                                                   \
        }                                                                                                           \
        return NULL; /* no complaint */                                                                             \
    }
RNG_REALS(X)
#undef X

/* The sum of a row as torch.sum rounds it with 256-bit vectors: four lanes, in each four accumulators that are emptied into
 * a second, third and fourth level after every `step` rows. */
static double rng_lane_sum(const double *x, long n) {          /* n elements of x, each the fourth */
    double sum[4][4] = {{0}};
    long rows = n / 4, i = 0;
    int bits = 1, power;
    while (1L << bits < rows) bits++;
    power = bits / 4 > 4 ? bits / 4 : 4;
    for (long step = 1L << power; i + step <= rows;) {
        for (long end = i + step; i < end; i++)
            for (int k = 0; k < 4; k++) sum[0][k] += x[(4 * i + k) * 4];
        for (int level = 1; level < 4; level++) {
            for (int k = 0; k < 4; k++) sum[level][k] += sum[level - 1][k], sum[level - 1][k] = 0;
            if (i & (step - 1) << level * power) break;
        }
    }
    for (; i < rows; i++)
        for (int k = 0; k < 4; k++) sum[0][k] += x[(4 * i + k) * 4];
    for (int level = 1; level < 4; level++)
        for (int k = 0; k < 4; k++) sum[0][k] += sum[level][k];
    for (i = 4 * rows; i < n; i++) sum[0][0] += x[i * 4];
    return sum[0][0] + sum[0][1] + sum[0][2] + sum[0][3];
}

static double rng_row_sum(const double *x, long n) {
    double sum = 0;
    for (long i = n - n % 4; i < n; i++) sum += x[i];
    for (int lane = 0; n >= 4 && lane < 4; lane++) sum += rng_lane_sum(x + lane, n / 4);
    return sum;
}

#endif
