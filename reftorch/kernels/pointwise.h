/* Pointwise loops with NumPy's inner-loop signature: what PyTorch has and NumPy has not, or has otherwise.
 *
 * Each line of a list below is one function of x, y, ... over the element type T; a macro makes the loops of all its types from it.
 * <tgmath.h> picks expf for float, cexp for complex: the formula is written once.  Operands that do not move (step 0: a
 * Python number, a broadcast value) are read once. */
#include <complex.h>
#include <tgmath.h>
#include <numpy/npy_common.h>

#include "native/pointwise_kernels.h"
#include "wide.h"


#define AT(T, k) (*(T *)(p[k] + i * s[k]))

#define LOOP1(NAME, S, TYPE, EXPR)                                                                      \
    static void NAME##_##S(char **p, const npy_intp *n, const npy_intp *s, void *unused) {              \
        typedef TYPE T;                                                                                 \
        if (s[0] == sizeof(T) && s[1] == sizeof(T)) {                                                   \
            const T *a = (const T *)p[0]; T *r = (T *)p[1];                                             \
            for (npy_intp i = 0; i < n[0]; i++) { T x = a[i]; r[i] = EXPR; }                            \
        } else                                                                                          \
            for (npy_intp i = 0; i < n[0]; i++) { T x = AT(T, 0); AT(T, 1) = EXPR; }                    \
    }

#define LOOP2(NAME, S, TYPE, EXPR)                                                                      \
    static void NAME##_##S(char **p, const npy_intp *n, const npy_intp *s, void *unused) {              \
        typedef TYPE T;                                                                                 \
        if (s[0] == sizeof(T) && s[1] == sizeof(T) && s[2] == sizeof(T)) {                              \
            const T *a = (const T *)p[0], *b = (const T *)p[1]; T *r = (T *)p[2];                       \
            for (npy_intp i = 0; i < n[0]; i++) { T x = a[i], y = b[i]; r[i] = EXPR; }                  \
        } else if (s[0] == sizeof(T) && s[1] == 0 && s[2] == sizeof(T)) {                               \
            const T *a = (const T *)p[0]; T *r = (T *)p[2]; const T y = *(T *)p[1];                     \
            for (npy_intp i = 0; i < n[0]; i++) { T x = a[i]; r[i] = EXPR; }                            \
        } else                                                                                          \
            for (npy_intp i = 0; i < n[0]; i++) { T x = AT(T, 0), y = AT(T, 1); AT(T, 2) = EXPR; }      \
    }

#define LOOP3(NAME, S, TYPE, EXPR)                                                                      \
    static void NAME##_##S(char **p, const npy_intp *n, const npy_intp *s, void *unused) {              \
        typedef TYPE T;                                                                                 \
        if (s[0] == sizeof(T) && s[1] == 0 && s[2] == 0 && s[3] == sizeof(T)) {                         \
            const T *a = (const T *)p[0]; T *r = (T *)p[3]; const T y = *(T *)p[1], z = *(T *)p[2];     \
            for (npy_intp i = 0; i < n[0]; i++) { T x = a[i]; r[i] = EXPR; }                            \
        } else if (s[0] == sizeof(T) && s[1] == sizeof(T) && s[2] == 0 && s[3] == sizeof(T)) {          \
            const T *a = (const T *)p[0], *b = (const T *)p[1]; T *r = (T *)p[3]; const T z = *(T *)p[2]; \
            for (npy_intp i = 0; i < n[0]; i++) { T x = a[i], y = b[i]; r[i] = EXPR; }                  \
        } else                                                                                          \
            for (npy_intp i = 0; i < n[0]; i++) { T x = AT(T, 0), y = AT(T, 1), z = AT(T, 2); AT(T, 3) = EXPR; } \
    }

#define LOOP4(NAME, S, TYPE, EXPR)                                                                      \
    static void NAME##_##S(char **p, const npy_intp *n, const npy_intp *s, void *unused) {              \
        typedef TYPE T;                                                                                 \
        if (s[0] == sizeof(T) && s[1] == sizeof(T) && s[2] == sizeof(T) && s[3] == 0 && s[4] == sizeof(T)) { \
            const T *a = (const T *)p[0], *b = (const T *)p[1], *c = (const T *)p[2]; T *r = (T *)p[4]; \
            const T w = *(T *)p[3];                                                                     \
            for (npy_intp i = 0; i < n[0]; i++) { T x = a[i], y = b[i], z = c[i]; r[i] = EXPR; }        \
        } else                                                                                          \
        for (npy_intp i = 0; i < n[0]; i++) { T x = AT(T, 0), y = AT(T, 1), z = AT(T, 2), w = AT(T, 3); AT(T, 4) = EXPR; } \
    }

#define HALF ((T)0.5)
#define ONE ((T)1)
#define MIN(a, b) ((b) < (a) ? (b) : (a))
#define MAX(a, b) ((b) > (a) ? (b) : (a))
/* a NaN in `a` stays: comparisons with it are false */
#define CLAMP(a, lo, hi) ((a) < (lo) ? (lo) : (a) > (hi) ? (hi) : (a))
#define CDF(v) (HALF * (ONE + erf((v) * (T)M_SQRT1_2)))

/* ------------------------------------------------------------------ special functions, in double */
static double digamma_of(double x) {
    double r = 0;
    if (x == 0) return copysign(INFINITY, -x);
    if (x < 0) {
        if (x == trunc(x)) return NAN;
        r = -M_PI / tan(M_PI * fmod(x, 1));
        x = 1 - x;
    }
    for (; x < 10; x += 1) r -= 1 / x;
    double z = 1 / (x * x);                  /* the asymptotic series: log(x) - 1/(2x) - sum of B(2k) / (2k x^2k) */
    double tail = z * (1. / 12 - z * (1. / 120 - z * (1. / 252 - z * (1. / 240 - z * (1. / 132 - z * (691. / 32760 - z / 12))))));
    return r + log(x) - 0.5 / x - (x < 1e17 ? tail : 0);
}

static double trigamma_of(double x, double sin_pi_x) {
    double sign = 1, r = 0;
    if (x < 0.5) {
        r = -M_PI * M_PI / (sin_pi_x * sin_pi_x);
        sign = -1;
        x = 1 - x;
    }
    for (; x < 10; x += 1) r += 1 / (x * x);
    double z = 1 / (x * x);
    return sign * (r + (1 + 0.5 / x + z * (1. / 6 - z * (1. / 30 - z * (1. / 42 - z * (1. / 30 - z * 5. / 66))))) / x);
}

/* Polynomials by p[k+1] = (UP * p[k] - DOWN * p[k-1]) / BY from p[0] = 1 and p[1] = FIRST; degrees below 0 give 0, those beyond LIMIT
 * NaN. torch: between -1 and 1 the degrees beyond `summed` are CLOSED, and UP * p[k] is not rounded before the difference. */
#define POLYNOMIAL_OF(NAME, S, TYPE, FIRST, UP, DOWN, BY, CLOSED, LIMIT)                                \
    static inline __attribute__((always_inline)) TYPE NAME##_of_##S(TYPE x, npy_int64 n, npy_int64 summed) { \
        typedef TYPE T;                                                                                 \
        T p = 1, q = FIRST;                                                                             \
        if (n < 0) return 0;                                                                            \
        if (n > LIMIT) return NAN;                                                                      \
        if (n == 0) return p;                                                                           \
        if (n > summed && x > -1 && x < 1) { T t = acos(x); (void)t; CLOSED; }                          \
        for (npy_int64 k = 1; k < n && q == q; k++) { T r = fma(UP, q, -((T)(DOWN) * p)) / (BY); p = q; q = r; } \
        return q;                                                                                       \
    }
#define POLYNOMIAL(NAME, ...) POLYNOMIAL_OF(NAME, f, float, __VA_ARGS__) POLYNOMIAL_OF(NAME, d, double, __VA_ARGS__)
#define POLYNOMIAL_AT(NAME, v, n, summed) (sizeof(T) == 4 ? (T)NAME##_of_f(v, n, summed) : (T)NAME##_of_d(v, n, summed))
#define ANY_DEGREE NPY_MAX_INT64
#define HERMITE_DEGREE (sizeof(T) == 4 ? 128 : 512)
POLYNOMIAL(chebyshev_t, x, 2 * x, 1, 1, return cos(n * t), ANY_DEGREE)
POLYNOMIAL(chebyshev_u, 2 * x, 2 * x, 1, 1, return sin((n + 1) * t) / sin(t), ANY_DEGREE)
POLYNOMIAL(chebyshev_v, 2 * x - 1, 2 * x, 1, 1, return cos((n + HALF) * t) / cos(t / 2), ANY_DEGREE)
POLYNOMIAL(chebyshev_w, 2 * x + 1, 2 * x, 1, 1, return sin((n + HALF) * t) / sin(t / 2), ANY_DEGREE)
POLYNOMIAL(hermite_h, 2 * x, 2 * x, 2 * k, 1, , HERMITE_DEGREE)
POLYNOMIAL(hermite_he, x, x, k, 1, , HERMITE_DEGREE)
POLYNOMIAL(laguerre, 1 - x, 2 * k + (1 - x), k, k + 1, , ANY_DEGREE)
POLYNOMIAL(legendre, x, (2 * k + 1) * x, k, k + 1, , ANY_DEGREE)

/* ------------------------------------------------------------------ functions of real numbers */
#define REAL1(X)                                                                                        \
    X(frac, x - trunc(x))                                                                               \
    X(deg2rad, x * (T)(M_PI / 180))                                                                     \
    X(rad2deg, x * (T)(180 / M_PI))                                                                     \
    X(ndtr, CDF(x))                                                                                     \
    X(digamma, (T)digamma_of(x))                                                                        \
    X(trigamma, (T)trigamma_of(x, sin((T)M_PI * x)))                                                    \
    X(spherical_j0, x == 0 ? ONE : isinf(x) ? 0 : sin(x) / x)                                           \
    X(relu6, CLAMP(x, 0, 6))                                                                            \
    X(hardsigmoid, CLAMP(x + 3, 0, 6) / 6)                                                              \
    X(hardswish, x * CLAMP(x + 3, 0, 6) / 6)

#define POLYNOMIALS(X)                                                                                  \
    X(chebyshev_polynomial_t, POLYNOMIAL_AT(chebyshev_t, x, (npy_int64)y, 6))                            \
    X(chebyshev_polynomial_u, POLYNOMIAL_AT(chebyshev_u, x, (npy_int64)y, 8))                            \
    X(chebyshev_polynomial_v, POLYNOMIAL_AT(chebyshev_v, x, (npy_int64)y, 8))                            \
    X(chebyshev_polynomial_w, POLYNOMIAL_AT(chebyshev_w, x, (npy_int64)y, 8))                            \
    X(shifted_chebyshev_polynomial_t, POLYNOMIAL_AT(chebyshev_t, 2 * x - 1, (npy_int64)y, 6))            \
    X(shifted_chebyshev_polynomial_u, POLYNOMIAL_AT(chebyshev_u, 2 * x - 1, (npy_int64)y, 6))            \
    X(shifted_chebyshev_polynomial_v, POLYNOMIAL_AT(chebyshev_v, 2 * x - 1, (npy_int64)y, 6))            \
    X(shifted_chebyshev_polynomial_w, POLYNOMIAL_AT(chebyshev_w, 2 * x - 1, (npy_int64)y, 4))            \
    X(hermite_polynomial_h, POLYNOMIAL_AT(hermite_h, x, (npy_int64)y, ANY_DEGREE))                       \
    X(hermite_polynomial_he, POLYNOMIAL_AT(hermite_he, x, (npy_int64)y, ANY_DEGREE))                     \
    X(laguerre_polynomial_l, POLYNOMIAL_AT(laguerre, x, (npy_int64)y, ANY_DEGREE))                       \
    X(legendre_polynomial_p, POLYNOMIAL_AT(legendre, x, (npy_int64)y, ANY_DEGREE))

#define REAL2(X)                                                                                        \
    X(leaky_relu, x > 0 ? x : x * y)                                                                    \
    X(hardshrink, (x >= -y && x <= y) ? 0 : x)                                                          \
    X(softshrink, x > y ? x - y : x < -y ? x + y : x != x ? x : 0)

#define REAL4(X)                                                                                        \
    X(addcdiv, x + w * y / z)

/* One rounding for a product and the sum it goes into, as PyTorch's kernels have it for every length and layout. */
#define FUSED3(X)                                                                                       \
    X(add_scaled, fma(z, y, x))                                                                         \
    X(lerp, fabs(z) < HALF ? fma(z, y - x, x) : fma(z - ONE, y - x, y))

#define FUSED4(X)                                                                                       \
    X(addcmul, fma(w * y, z, x))

/* ------------------------------------------------------------------ real and complex */
#define FIELD1(X)                                                                                       \
    X(rsqrt, ONE / sqrt(x))                                                                             \
    X(sinc, x == 0 ? ONE : sin(x * (T)M_PI) / (x * (T)M_PI))

/* the backward ones: the gradient x of a function and its result or argument y */
#define FIELD2(X)                                                                                       \
    X(pow, pow(x, y))                                                                                   \
    X(rsub, y - x)                                                                                      \
    X(sigmoid_backward, x * CONJ((ONE - y) * y))                                                        \
    X(tanh_backward, x * CONJ(ONE - y * y))

/* ------------------------------------------------------------------ complex alone */
#define PART(S, T)                                                                                      \
    static inline T _Complex times_##S(T _Complex a, T _Complex b) {        /* as it stands: C's own product mends NaN */ \
        return __builtin_complex(creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b)); \
    }                                                                                                   \
    static inline T _Complex over_##S(T _Complex a, T _Complex b) {         /* Smith's quotient */      \
        if (fabs(creal(b)) >= fabs(cimag(b))) {                                                         \
            T ratio = cimag(b) / creal(b), scale = 1 / (creal(b) + cimag(b) * ratio);                   \
            return __builtin_complex((creal(a) + cimag(a) * ratio) * scale, (cimag(a) - creal(a) * ratio) * scale); \
        }                                                                                               \
        T ratio = creal(b) / cimag(b), scale = 1 / (creal(b) * ratio + cimag(b));                       \
        return __builtin_complex((creal(a) * ratio + cimag(a)) * scale, (cimag(a) * ratio - creal(a)) * scale); \
    }
PART(F, float) PART(D, double)
#define TIMES(a, b) (sizeof(T) == 8 ? (T)times_F(a, b) : (T)times_D(a, b))
#define OVER(a, b) (sizeof(T) == 8 ? (T)over_F(a, b) : (T)over_D(a, b))

/* for complex numbers in the place of NumPy's: its product rounds once where PyTorch rounds twice, its size is not the nearest number */
#define SIZE(S, T)                                                                                      \
    static void absolute_##S(char **p, const npy_intp *n, const npy_intp *s, void *unused) {            \
        for (npy_intp i = 0; i < *n; i++) {                                                             \
            const T *z = (T *)(p[0] + i * s[0]);                                                        \
            *(T *)(p[1] + i * s[1]) = hypot(z[0], z[1]);                                                \
        }                                                                                               \
    }
SIZE(F, float) SIZE(D, double)

/* torch: divides what fills pairs of its vectors (64 bytes on this generation of processors), and multiplies the rest by the reciprocal */
#define SGN(S, T)                                                                                       \
    static void sgn_##S(char **p, const npy_intp *n, const npy_intp *s, void *unused) {                 \
        npy_intp paired = s[0] == 2 * sizeof(T) && s[1] == 2 * sizeof(T) ? *n - *n % (npy_intp)(64 / sizeof(T)) : 0; \
        for (npy_intp i = 0; i < *n; i++) {                                                             \
            const T *z = (T *)(p[0] + i * s[0]);                                                        \
            T re = z[0], im = z[1], size = hypot(re, im), *to = (T *)(p[1] + i * s[1]);                 \
            if (size == 0) to[0] = to[1] = 0;                                                           \
            else if (i < paired) to[0] = re / size, to[1] = im / size;                                  \
            else to[0] = re * (1 / size), to[1] = im * (1 / size);                                      \
        }                                                                                               \
    }
SGN(F, float) SGN(D, double)

#define COMPLEX1(X)                                                                                     \
    X(sigmoid, ONE / (ONE + exp(-x)))                                                                   \
    X(silu, x / (ONE + exp(-x)))                                                                        \
    X(exp2, exp(x * (T)M_LN2))

#define COMPLEX2(X)                                                                                     \
    X(multiply, TIMES(x, y))                                                                            \
    X(silu_backward, ({ T g = ONE / (ONE + exp(-y)); x * conj(g * (ONE + y * (ONE - g))); }))

#define COMPLEX3(X)                                                                                     \
    X(lerp, fabs(z) < 0.5 ? x + TIMES(z, y - x) : y - TIMES(y - x, ONE - z))

#define COMPLEX4(X)                                                                                     \
    X(addcmul, x + TIMES(TIMES(w, y), z))                                                               \
    X(addcdiv, x + OVER(TIMES(w, y), z))

/* ------------------------------------------------------------------ real and integer */
#define IS_INTEGER ((T)0.5 == 0)
#define ORDERED1(X)                                                                                     \
    X(sign, (T)((x > 0) - (x < 0)))                                                                     \
    X(sgn, (T)((x > 0) - (x < 0)))                                                                      \
    X(floor, IS_INTEGER ? x : (T)floor(x))                                                              \
    X(ceil, IS_INTEGER ? x : (T)ceil(x))                                                                \
    X(trunc, IS_INTEGER ? x : (T)trunc(x))                                                              \
    X(round, IS_INTEGER ? x : (T)rint(x))

#define ORDERED3(X)                                                                                     \
    X(hardtanh, CLAMP(x, y, z))                                                                         \
    X(threshold, x <= y ? z : x)                                                                        \
    X(threshold_backward, y <= z ? 0 : x)

/* ------------------------------------------------------------------ integer alone */
#define SHIFT_MAX ((T)(sizeof(T) * 8 - ((T)-1 < 0)))

/* torch: a negative power of an integer is that of its reciprocal, cut to an integer */
static npy_int64 int_pow(npy_int64 x, npy_int64 y) {
    npy_int64 r = 1;
    if (y < 0) return x == 1 ? 1 : x == -1 ? (y & 1 ? -1 : 1) : 0;
    for (; y; y >>= 1, x = (npy_int64)((npy_uint64)x * (npy_uint64)x)) if (y & 1) r = (npy_int64)((npy_uint64)r * (npy_uint64)x);
    return r;
}

#define INTEGER1(X)                                                                                     \
    X(relu, x > 0 ? x : 0)

#define INTEGER2(X)                                                                                     \
    X(pow, (T)int_pow(x, y))                                                                            \
    X(rsub, y - x)                                                                                      \
    X(div_trunc, y == 0 ? 0 : y == (T)-1 ? (T)(0 - x) : (T)(x / y))                                     \
    X(lshift, y < 0 || (npy_uint64)y >= sizeof(T) * 8 ? 0 : (T)((npy_uint64)x << y))                    \
    X(rshift, x >> (y < 0 || y >= SHIFT_MAX ? SHIFT_MAX : y))

#define INTEGER4(X)                                                                                     \
    X(addcmul, x + w * y * z)

#define R1(N, E) WIDE LOOP1(N, f, float, E) WIDE LOOP1(N, d, double, E)
#define R2(N, E) LOOP2(N, f, float, E) LOOP2(N, d, double, E)
#define R3(N, E) LOOP3(N, f, float, E) LOOP3(N, d, double, E)
#define R4(N, E) LOOP4(N, f, float, E) LOOP4(N, d, double, E)
#define F2(N, E) WIDE LOOP2(N, f, float, E) WIDE LOOP2(N, d, double, E)
#define F3(N, E) WIDE LOOP3(N, f, float, E) WIDE LOOP3(N, d, double, E)
#define F4(N, E) WIDE LOOP4(N, f, float, E) WIDE LOOP4(N, d, double, E)
#define C1(N, E) LOOP1(N, F, float _Complex, E) LOOP1(N, D, double _Complex, E)
#define C2(N, E) LOOP2(N, F, float _Complex, E) LOOP2(N, D, double _Complex, E)
#define C3(N, E) LOOP3(N, F, float _Complex, E) LOOP3(N, D, double _Complex, E)
#define C4(N, E) LOOP4(N, F, float _Complex, E) LOOP4(N, D, double _Complex, E)
#define I1(N, E) LOOP1(N, b, signed char, E) LOOP1(N, B, unsigned char, E) LOOP1(N, h, short, E) LOOP1(N, i, int, E) LOOP1(N, l, npy_int64, E)
#define I2(N, E) LOOP2(N, b, signed char, E) LOOP2(N, B, unsigned char, E) LOOP2(N, h, short, E) LOOP2(N, i, int, E) LOOP2(N, l, npy_int64, E)
#define I3(N, E) LOOP3(N, b, signed char, E) LOOP3(N, B, unsigned char, E) LOOP3(N, h, short, E) LOOP3(N, i, int, E) LOOP3(N, l, npy_int64, E)
#define I4(N, E) LOOP4(N, b, signed char, E) LOOP4(N, B, unsigned char, E) LOOP4(N, h, short, E) LOOP4(N, i, int, E) LOOP4(N, l, npy_int64, E)

#define CONJ(v) (v)
REAL1(R1) REAL2(R2) REAL4(R4) FIELD1(R1) FIELD2(R2) ORDERED1(R1) ORDERED3(R3) ORDERED1(I1) ORDERED3(I3) INTEGER1(I1) INTEGER2(I2)
POLYNOMIALS(F2) FUSED3(F3) FUSED4(F4) INTEGER4(I4)
#undef CONJ
#define CONJ(v) conj(v)
FIELD1(C1) FIELD2(C2) COMPLEX1(C1) COMPLEX2(C2) COMPLEX3(C3) COMPLEX4(C4)

LOOP1(sign, t, npy_bool, x)
LOOP1(sgn, t, npy_bool, x)

/* a Python number as exponent: the powers that torch has shorter forms for */
#define POW_SCALAR(S, TYPE)                                                                             \
    LOOP1(square, S, TYPE, x * x) LOOP1(cube, S, TYPE, x * x * x) LOOP1(root, S, TYPE, sqrt(x)) LOOP1(inverse, S, TYPE, ONE / x) \
    LOOP1(inverse_square, S, TYPE, ONE / (x * x)) LOOP1(inverse_root, S, TYPE, ONE / sqrt(x))           \
    static void pow_scalar_##S(char **p, const npy_intp *n, const npy_intp *s, void *unused) {          \
        if (s[1] == 0) {                                                                                \
            const TYPE y = *(TYPE *)p[1];                                                               \
            pointwise_loop f = y == 2 ? square_##S : y == 3 ? cube_##S : y == (TYPE)0.5 ? root_##S : y == -1 ? inverse_##S : \
                y == -2 ? inverse_square_##S : y == (TYPE)-0.5 ? inverse_root_##S : 0;                  \
            if (f) {                                                                                    \
                char *q[2] = {p[0], p[2]};                                                              \
                npy_intp t[2] = {s[0], s[2]};                                                           \
                f(q, n, t, 0);                                                                          \
                return;                                                                                 \
            }                                                                                           \
        }                                                                                               \
        pow_##S(p, n, s, 0);                                                                            \
    }
POW_SCALAR(f, float) POW_SCALAR(d, double) POW_SCALAR(F, float _Complex) POW_SCALAR(D, double _Complex)

#define E_R(N, K) {#N, N##_f, K, 'f'}, {#N, N##_d, K, 'd'},
#define E_C(N, K) {#N, N##_F, K, 'F'}, {#N, N##_D, K, 'D'},
#define E_I(N, K) {#N, N##_b, K, 'b'}, {#N, N##_B, K, 'B'}, {#N, N##_h, K, 'h'}, {#N, N##_i, K, 'i'}, {#N, N##_l, K, 'l'},
#define R1E(N, E) E_R(N, 1)
#define R2E(N, E) E_R(N, 2)
#define R3E(N, E) E_R(N, 3)
#define R4E(N, E) E_R(N, 4)
#define C1E(N, E) E_R(N, 1) E_C(N, 1)
#define C2E(N, E) E_R(N, 2) E_C(N, 2)
#define O1E(N, E) E_I(N, 1) E_R(N, 1)
#define O3E(N, E) E_I(N, 3) E_R(N, 3)
#define I1E(N, E) E_I(N, 1)
#define I2E(N, E) E_I(N, 2)
#define I4E(N, E) E_I(N, 4)
#define X1E(N, E) E_C(N, 1)
#define X2E(N, E) E_C(N, 2)
#define C3E(N, E) E_C(N, 3)
#define C4E(N, E) E_C(N, 4)

static const pointwise_entry pointwise_table[] = {
    REAL1(R1E) REAL2(R2E) REAL4(R4E) FIELD1(C1E) FIELD2(C2E) ORDERED1(O1E) ORDERED3(O3E) INTEGER1(I1E) INTEGER2(I2E)
    POLYNOMIALS(R2E) FUSED3(R3E) FUSED4(R4E) INTEGER4(I4E) COMPLEX1(X1E) COMPLEX2(X2E) COMPLEX3(C3E) COMPLEX4(C4E)
    E_R(pow_scalar, 2) E_C(pow_scalar, 2) {"pow_scalar", pow_b, 2, 'b'}, {"pow_scalar", pow_B, 2, 'B'}, {"pow_scalar", pow_h, 2, 'h'},
    {"pow_scalar", pow_i, 2, 'i'}, {"pow_scalar", pow_l, 2, 'l'}, {"sign", sign_t, 1, '?'}, {"sgn", sgn_t, 1, '?'},
    E_C(absolute, 1) E_C(sgn, 1) {0, 0, 0, 0}
};
