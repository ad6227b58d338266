/* Loops over the functions of vector_math.h and what is made of them, a template (real.h).
 *
 * Each line of a list is a function of x, y, z, w. All elements go through the same vector code, those left over at the end of
 * a row in a vector that is partly empty, and strided ones by way of a buffer: a result does not depend on where its number
 * stands. */
#include "parallel.h"
#include "real.h"

#ifndef ELEMENTARY_H
#define ELEMENTARY_H
#define FUNCTIONS(X)                                                                                     \
    X(relu, 1, V(at_least)(x, ZERO) + ZERO)                                                              \
    X(sigmoid, 1, ONE / (ONE + V(exp_beside_one)(-x)))                                                   \
    X(silu, 1, x / (ONE + V(exp_beside_one)(-x)))                                                        \
    X(erf, 1, V(erf)(x))                                                                                 \
    X(erfc, 1, V(erfc)(x))                                                                               \
    X(erfinv, 1, V(erfinv)(x))                                                                           \
    X(gelu, 1, V(gelu)(x))                                                                               \
    X(gelu_tanh, 1, HALF * x * (ONE + V(tanh)(TANH_ARG(x))))                                             \
    X(silu_backward, 2, ({ vec g = ONE / (ONE + V(exp_beside_one)(-y)); x * g * (ONE + y * (ONE - g)); })) \
    X(gelu_backward, 2, ({ vec density, below = V(normal)(y, &density); x * (below + y * density); }))   \
    X(gelu_tanh_backward, 2, ({ vec t = V(tanh)(TANH_ARG(y));                                            \
        x * HALF * (ONE + t + y * (ONE - t * t) * TANH_SLOPE(y)); }))                                    \
    X(elu, 4, ({ vec up = x * z; !V(any)(x <= ZERO) ? up : V(where)(x > ZERO, up, V(expm1)(x * w) * y * z); }))

/* Three steps, t the result of the one before: each is done for some vectors before the next, as a processor does not look far
 * enough ahead to work at several long chains at once. */
#define STEPPED_FUNCTIONS(X)                                                                             \
    X(mish, 1, V(activation_exp)(x), V(log1p)(t), x * V(tanh)(t))                                        \
    X(log_sigmoid, 1, V(activation_exp)(-V(abs)(x)), V(log1p)(t), V(at_most)(x, ZERO) - t)               \
    X(softplus, 3, V(activation_exp)(x * y), V(log1p)(t), V(where)(x * y > z, x, t / y))

/* float64 has these from NumPy */
#define FUNCTIONS_F32(X)                                                                                 \
    X(exp, 1, f32_exp(x)) X(exp2, 1, f32_exp2(x)) X(expm1, 1, f32_expm1(x))                              \
    X(log, 1, f32_log(x)) X(log2, 1, f32_log2(x)) X(log10, 1, f32_log10(x)) X(log1p, 1, f32_log1p(x))    \
    X(tanh, 1, f32_tanh(x)) X(sinh, 1, f32_sinh(x)) X(cosh, 1, f32_cosh(x))                              \
    X(sin, 1, f32_sin(x)) X(cos, 1, f32_cos(x)) X(tan, 1, f32_tan(x))                                    \
    X(arcsin, 1, f32_arcsin(x)) X(arccos, 1, f32_arccos(x)) X(arctan, 1, f32_arctan(x)) X(arctan2, 2, f32_arctan2(x, y))

#define ZERO V(all)(0)
#define HALF V(all)((real)0.5)
#define ONE V(all)(1)
#define BETA V(all)((real)0.79788456080286535588)               /* sqrt(2 / pi) */
#define TANH_ARG(v) (BETA * ((v) + V(all)((real)0.044715) * (v) * (v) * (v)))
#define TANH_SLOPE(v) (BETA * (ONE + V(all)((real)(3 * 0.044715)) * (v) * (v)))
enum { GATHERED = 512,                      /* elements that go through the buffer at a time */
       STEPPED = 32,                        /* vectors that are taken a step at a time */
       LEAST_PART = 32768 };                /* elements for which a thread is worth its start */

/* Threads for a loop that NumPy calls, which knows none; those of a parallel region (core/strided.h) are at work already. */
static int part_count(const int *threads, npy_intp n) {
#ifdef _OPENMP
    if (threads && *threads > 1 && n > LEAST_PART && !omp_in_parallel()) return *threads;
#endif
    return 1;
}
static void in_parts(pointwise_loop loop, int operands, char **p, npy_intp n, const npy_intp *s, int parts) {
    npy_intp size = up_to_multiple((n + parts - 1) / parts, 16);
#pragma omp parallel for num_threads(parts) schedule(static)
    for (npy_intp start = 0; start < n; start += size) {
        npy_intp count = isize_min(size, n - start);
        char *q[5];
        for (int k = 0; k < operands; k++) q[k] = p[k] + start * s[k];
        loop(q, &count, s, 0);
    }
}

/* The loop of R(NAME_of), whose full vectors are left to VECTORS. An operand that does not move is a vector of one number that does not move. */
#define LOOP_OF(NAME, COUNT, VECTORS)                                                                    \
    static void R(NAME##_loop)(char **p, const npy_intp *n, const npy_intp *s, void *threads) {          \
        int parts = part_count(threads, n[0]);                                                           \
        if (parts > 1) { in_parts(R(NAME##_loop), COUNT + 1, p, n[0], s, parts); return; }               \
        const real *from[4];                                                                             \
        npy_intp step[4], i = 0, count = n[0];                                                           \
        real still[COUNT][LANES], *to = (real *)p[COUNT];                                                \
        int dense = s[COUNT] == sizeof(real) || count == 1;                                              \
        for (int k = 0; k < COUNT; k++) {                                                                \
            dense &= s[k] == sizeof(real) || s[k] == 0 || count == 1;                                    \
            from[k] = (const real *)p[k], step[k] = 1;                                                   \
            if (s[k] == 0 && count > 1) {                                                                \
                V(store)(still[k], V(all)(*from[k]));                                                    \
                from[k] = still[k], step[k] = 0;                                                         \
            }                                                                                            \
        }                                                                                                \
        if (!dense) { R(by_way_of_buffer)(R(NAME##_loop), COUNT + 1, p, count, s); return; }             \
        vec in[4] = {0};                                                                                 \
        VECTORS                                                                                          \
        if (i < count) {                                                                                 \
            int rest = (int)(count - i);                                                                 \
            for (int k = 0; k < COUNT; k++) in[k] = step[k] ? V(load_part)(from[k] + i, rest) : V(load)(from[k]); \
            vec r = R(NAME##_of)(in[0], in[1], in[2], in[3]);                                            \
            memcpy(to + i, &r, rest * sizeof(real));                                                     \
        }                                                                                                \
    }
#define TAKE(COUNT, at) for (int k = 0; k < COUNT; k++) in[k] = V(load)(from[k] + (at) * step[k]);

#define LOOP(NAME, COUNT, EXPR)                                                                          \
    INLINE vec R(NAME##_of)(vec x, vec y, vec z, vec w) { return EXPR; }                                 \
    LOOP_OF(NAME, COUNT, for (; i + LANES <= count; i += LANES) {                                        \
        TAKE(COUNT, i)                                                                                   \
        V(store)(to + i, R(NAME##_of)(in[0], in[1], in[2], in[3]));                                      \
    })

#define STEPPED_LOOP(NAME, COUNT, FIRST, SECOND, LAST)                                                   \
    INLINE vec R(NAME##_first)(vec x, vec y) { return FIRST; }                                           \
    INLINE vec R(NAME##_second)(vec t) { return SECOND; }                                                \
    INLINE vec R(NAME##_last)(vec x, vec y, vec z, vec t) { return LAST; }                               \
    INLINE vec R(NAME##_of)(vec x, vec y, vec z, vec w) {                                                \
        return R(NAME##_last)(x, y, z, R(NAME##_second)(R(NAME##_first)(x, y)));                         \
    }                                                                                                    \
    LOOP_OF(NAME, COUNT, while (i + LANES <= count) {                                                    \
        vec t[STEPPED];                                                                                  \
        int vectors = (int)isize_min(STEPPED, (count - i) / LANES);                                      \
        for (int j = 0; j < vectors; j++) { TAKE(COUNT, i + j * LANES) t[j] = R(NAME##_first)(in[0], in[1]); } \
        for (int j = 0; j < vectors; j++) t[j] = R(NAME##_second)(t[j]);                                 \
        for (int j = 0; j < vectors; j++, i += LANES) {                                                  \
            TAKE(COUNT, i)                                                                               \
            V(store)(to + i, R(NAME##_last)(in[0], in[1], in[2], t[j]));                                 \
        }                                                                                                \
    })
#endif

/* Runs a loop over operands whose elements do not follow each other. */
static void R(by_way_of_buffer)(pointwise_loop loop, int operands, char **p, npy_intp n, const npy_intp *s) {
    real buffer[5][GATHERED];
    npy_intp steps[5] = {sizeof(real), sizeof(real), sizeof(real), sizeof(real), sizeof(real)};
    char *q[5];
    for (npy_intp start = 0; start < n; start += GATHERED) {
        npy_intp count = isize_min(GATHERED, n - start);
        for (int k = 0; k < operands; k++) {
            char *from = p[k] + start * s[k];
            q[k] = (char *)buffer[k];
            if (k < operands - 1)
                for (npy_intp i = 0; i < count; i++) memcpy(&buffer[k][i], from + i * s[k], sizeof(real));
        }
        loop(q, &count, steps, 0);
        char *to = p[operands - 1] + start * s[operands - 1];
        for (npy_intp i = 0; i < count; i++) memcpy(to + i * s[operands - 1], &buffer[operands - 1][i], sizeof(real));
    }
}

FUNCTIONS(LOOP)
STEPPED_FUNCTIONS(STEPPED_LOOP)
