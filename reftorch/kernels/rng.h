/* The random streams of PyTorch's CPU build, value for value: one MT19937 engine and every fill drawn from it.
 *
 * Three steps make a fill: whole blocks of 624 words are twisted and tempered at once, a `draw_*` turns words into
 * a run of doubles, floats or int64s, and `store_*` rounds that run to the dtype of the result. Nothing depends on
 * how long the runs are, so the stream is that of drawing the values one by one.
 *
 * Bits are kept by three rules: double precision transforms call libm; a multiply that PyTorch's AVX2 build fuses
 * with an add is written fma(); compile with -ffp-contract=off so that no other one is.
 * -fno-math-errno -fno-trapping-math change no value and let gcc vectorise. */
#ifndef REFTORCH_RNG_H
#define REFTORCH_RNG_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* A kernel is written once as NAME_body; SIMD_KERNEL adds the AVX2 copy and the choice between them at run time. */
#if defined(__x86_64__) && defined(__GNUC__)
#define SIMD_KERNEL(name, params, args)                                                                   \
    static __attribute__((target("avx2,fma"), noinline)) void name##_avx2 params { name##_body args; }   \
    static void name params {                                                                             \
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) name##_avx2 args;            \
        else name##_body args;                                                                            \
    }
#define SIMD_BODY static inline __attribute__((always_inline)) void
#else
#define SIMD_KERNEL(name, params, args) static void name params { name##_body args; }
#define SIMD_BODY static inline void
#endif

#define RNG_RUN 512                    /* values per run: the scratch of a fill stays in the first-level cache */
#define RNG_2PI 6.283185307179586      /* 2*pi rounded to double */
#define RNG_PI 3.141592653589793

/* ------------------------------------------------------------------------------------------------- the engine */
#define MT_N 624
#define MT_M 397

typedef struct {
    uint64_t seed;
    int32_t left;                      /* draws until the next twist, plus one */
    uint32_t next;                     /* position in mt */
    uint32_t mt[MT_N];
    uint32_t tempered[MT_N];           /* the outputs of mt */
    int32_t has_normal;                /* second value of the last serial Box-Muller pair: */
    double normal;
} rng_t;

typedef struct {                       /* the 5056 bytes of torch.get_rng_state() */
    uint64_t seed;
    int32_t left, seeded;
    uint64_t next;
    uint64_t mt[MT_N];
    double unused_x, normal, unused_rho;
    int32_t has_normal, pad;
    float unused_float;
    uint8_t unused_flag, pad2[3];
} rng_blob;

SIMD_BODY mt_temper_body(const uint32_t *mt, uint32_t *out) {
    for (int i = 0; i < MT_N; i++) {
        uint32_t y = mt[i];
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c5680u;
        y ^= (y << 15) & 0xefc60000u;
        out[i] = y ^ (y >> 18);
    }
}

#define MT_MIX(u, v) (((((u) & 0x80000000u) | ((v) & 0x7fffffffu)) >> 1) ^ (-((v) & 1u) & 0x9908b0dfu))

SIMD_BODY mt_twist_body(uint32_t *mt, uint32_t *out) {
    int i;
    for (i = 0; i < MT_N - MT_M; i++) mt[i] = mt[i + MT_M] ^ MT_MIX(mt[i], mt[i + 1]);
    for (; i < MT_N - 1; i++) mt[i] = mt[i + MT_M - MT_N] ^ MT_MIX(mt[i], mt[i + 1]);
    mt[MT_N - 1] = mt[MT_M - 1] ^ MT_MIX(mt[MT_N - 1], mt[0]);
    mt_temper_body(mt, out);
}

SIMD_KERNEL(mt_temper, (const uint32_t *mt, uint32_t *out), (mt, out))
SIMD_KERNEL(mt_twist, (uint32_t *mt, uint32_t *out), (mt, out))

static void rng_seed(rng_t *g, uint64_t seed) {
    g->seed = seed;
    g->mt[0] = (uint32_t)seed;         /* torch: only the low 32 bits reach the engine */
    for (uint32_t j = 1; j < MT_N; j++) g->mt[j] = 1812433253u * (g->mt[j - 1] ^ (g->mt[j - 1] >> 30)) + j;
    g->left = 1;
    g->next = 0;
    g->has_normal = 0;
    g->normal = 0;
}

static void rng_get(const rng_t *g, rng_blob *b) {
    memset(b, 0, sizeof *b);
    b->seed = g->seed;
    b->left = g->left;
    b->seeded = 1;
    b->next = g->next;
    for (int i = 0; i < MT_N; i++) b->mt[i] = g->mt[i];
    b->has_normal = g->has_normal;
    b->normal = g->has_normal ? g->normal : 0;
}

static int rng_set(rng_t *g, const rng_blob *b) {              /* 0 if the state is not one of the engine's */
    if (!b->seeded || b->left <= 0 || b->left > MT_N || b->next > MT_N) return 0;
    g->seed = b->seed;
    g->left = b->left;
    g->next = (uint32_t)b->next;
    for (int i = 0; i < MT_N; i++) g->mt[i] = (uint32_t)b->mt[i];
    g->has_normal = b->has_normal != 0;
    g->normal = b->normal;
    mt_temper(g->mt, g->tempered);
    return 1;
}

/* The twist is lazy: it belongs to the draw after the 624th, as in torch. The test of `next` is for forged states. */
static inline void rng_refill(rng_t *g) {
    if (g->left > 1 && g->next < MT_N) return;
    mt_twist(g->mt, g->tempered);
    g->left = MT_N + 1;
    g->next = 0;
}

static inline uint32_t rng_u32(rng_t *g) {
    rng_refill(g);
    g->left--;
    return g->tempered[g->next++];
}

static inline uint64_t rng_u64(rng_t *g) {
    uint64_t high = rng_u32(g);
    return high << 32 | rng_u32(g);
}

static inline double rng_u53(rng_t *g) { return (double)(int64_t)(rng_u64(g) & 0x1fffffffffffffu) * 0x1p-53; }

static void rng_words(rng_t *g, uint32_t *w, long n) {         /* w = NULL draws and forgets */
    while (n > 0) {
        rng_refill(g);
        long k = g->left - 1, room = MT_N - g->next;
        if (k > room) k = room;
        if (k > n) k = n;
        if (w) memcpy(w, g->tempered + g->next, k * sizeof *w), w += k;
        g->next += k;
        g->left -= k;
        n -= k;
    }
}

/* ------------------------------------------------------------------------------------------------- the dtypes */
static inline uint32_t bits_of(float x) { uint32_t b; memcpy(&b, &x, 4); return b; }
static inline float float_of(uint32_t b) { float x; memcpy(&x, &b, 4); return x; }

static inline uint16_t to_f16(float x) {                       /* round to nearest even */
    uint32_t b = bits_of(x), sign = b >> 16 & 0x8000, a = b & 0x7fffffff;
    uint32_t normal = (a - 0x37fff001u + (a >> 13 & 1)) >> 13;
    uint32_t tiny = bits_of(float_of(a) + 0.5f) - 0x3f000000u; /* the adder does the rounding of subnormals */
    uint32_t huge = a > 0x7f800000 ? 0x7e00 : 0x7c00;
    return (uint16_t)(sign | (a >= 0x47800000 ? huge : a < 0x38800000 ? tiny : normal));
}

static inline uint16_t to_bf16(float x) {
    uint32_t b = bits_of(x);
    return x != x ? 0x7fc0 : (uint16_t)((b + 0x7fff + (b >> 16 & 1)) >> 16);
}

/* code, storage, value `v` of a double or int64 rounded to it; the half types go through float, as in torch */
#define RNG_DTYPES(X)                    \
    X(BOOL, uint8_t, v != 0)             \
    X(U8, uint8_t, (uint8_t)(int64_t)v)  \
    X(I8, int8_t, (int8_t)(int64_t)v)    \
    X(I16, int16_t, (int16_t)(int64_t)v) \
    X(U16, uint16_t, (uint16_t)(int64_t)v) \
    X(I32, int32_t, (int32_t)(int64_t)v) \
    X(U32, uint32_t, (uint32_t)(int64_t)v) \
    X(I64, int64_t, (int64_t)v)          \
    X(U64, uint64_t, (uint64_t)(int64_t)v) \
    X(F16, uint16_t, to_f16((float)v))   \
    X(BF16, uint16_t, to_bf16((float)v)) \
    X(F32, float, (float)v)              \
    X(F64, double, (double)v)

typedef enum {
#define X(code, type, value) RNG_##code,
    RNG_DTYPES(X)
#undef X
    RNG_NDTYPES
} rng_dtype;

static const long rng_size[] = {
#define X(code, type, value) sizeof(type),
    RNG_DTYPES(X)
#undef X
};

#define X(code, type, value)                                                                               \
    SIMD_BODY store_f64_##code##_body(void *out, const double *r, long n) {                                \
        for (long i = 0; i < n; i++) { double v = r[i]; ((type *)out)[i] = value; }                        \
    }                                                                                                      \
    SIMD_KERNEL(store_f64_##code, (void *out, const double *r, long n), (out, r, n))                       \
    static void store_i64_##code(void *out, const int64_t *r, long n) {                                    \
        for (long i = 0; i < n; i++) { int64_t v = r[i]; ((type *)out)[i] = value; }                       \
    }
RNG_DTYPES(X)
#undef X

static void (*const store_f64[])(void *, const double *, long) = {
#define X(code, type, value) store_f64_##code,
    RNG_DTYPES(X)
#undef X
};

static void (*const store_i64[])(void *, const int64_t *, long) = {
#define X(code, type, value) store_i64_##code,
    RNG_DTYPES(X)
#undef X
};

SIMD_BODY store_halves_body(int bfloat, uint16_t *out, const float *r, long n) {
    if (bfloat) for (long i = 0; i < n; i++) out[i] = to_bf16(r[i]);
    else for (long i = 0; i < n; i++) out[i] = to_f16(r[i]);
}
SIMD_KERNEL(store_halves, (int bfloat, uint16_t *out, const float *r, long n), (bfloat, out, r, n))

/* --------------------------------------------------------------------------------------------- unit uniforms */
static inline float unit24(uint32_t w) { return (float)(int32_t)(w & 0xffffff) * 0x1p-24f; }

/* (high:low mod 2^53) * 2^-53 by conversions of int32, which vectorise; every step is exact */
static inline double unit53(uint32_t high, uint32_t low) {
    double h = (double)(int32_t)(high & 0x1fffff), l = (double)(int32_t)(low ^ 0x80000000u);
    return (h * 0x1p32 + (l + 0x1p31)) * 0x1p-53;
}

SIMD_BODY uniform_f32_body(const uint32_t *w, float *r, long n, float low, float high) {
    float width = high - low;
    for (long i = 0; i < n; i++) {
        float v = fmaf(unit24(w[i]), width, low);
        r[i] = v == high ? low : v;
    }
}
SIMD_BODY uniform_f64_body(const uint32_t *w, double *r, long n, double low, double high) {
    double width = high - low;
    for (long i = 0; i < n; i++) {
        double v = fma(unit53(w[2 * i], w[2 * i + 1]), width, low);
        r[i] = v == high ? low : v;
    }
}
SIMD_KERNEL(uniform_f32, (const uint32_t *w, float *r, long n, float low, float high), (w, r, n, low, high))
SIMD_KERNEL(uniform_f64, (const uint32_t *w, double *r, long n, double low, double high), (w, r, n, low, high))

/* --------------------------------------------------------------------- Box-Muller in blocks of sixteen (randn) */
/* Cephes logf for 2^-24 <= x <= 1 with the fusions of torch's AVX2 build */
static inline float rng_logf(float u) {
    uint32_t b = bits_of(u);
    float e = (float)((int32_t)(b >> 23) - 126), m = float_of((b & 0x007fffff) | 0x3f000000);
    int small = m < 0.707106781186547524f;
    float x = (m - 1.0f) + (small ? m : 0.0f), z = x * x, y = 7.0376836292e-2f;
    e -= small ? 1.0f : 0.0f;
    y = fmaf(y, x, -1.1514610310e-1f);
    y = fmaf(y, x, 1.1676998740e-1f);
    y = fmaf(y, x, -1.2420140846e-1f);
    y = fmaf(y, x, 1.4249322787e-1f);
    y = fmaf(y, x, -1.6668057665e-1f);
    y = fmaf(y, x, 2.0000714765e-1f);
    y = fmaf(y, x, -2.4999993993e-1f);
    y = fmaf(y, x, 3.3333331174e-1f);
    y = fmaf(x * y, z, e * -2.12194440e-4f);
    y = fmaf(-z, 0.5f, y);
    return fmaf(e, 0.693359375f, x + y);
}

/* Cephes sinf and cosf together, t >= 0 */
static inline void rng_sincosf(float t, float *sine, float *cosine) {
    int32_t q = ((int32_t)(t * 1.27323954473516f) + 1) & ~1;
    float y = (float)q;
    t = fmaf(y, -0.78515625f, t);
    t = fmaf(y, -2.4187564849853515625e-4f, t);
    t = fmaf(y, -3.77489497744594108e-8f, t);
    float z = t * t;
    float c = fmaf(2.443315711809948e-5f, z, -1.388731625493765e-3f);
    c = fmaf(c, z, 4.166664568298827e-2f);
    c = fmaf(z, z * c, -(z * 0.5f)) + 1.0f;
    float s = fmaf(-1.9515295891e-4f, z, 8.3321608736e-3f);
    s = fmaf(s, z, -1.6666654611e-1f);
    s = fmaf(t, z * s, t);
    uint32_t swap = -(uint32_t)(q >> 1 & 1), sb = bits_of(s), cb = bits_of(c), other = (sb ^ cb) & swap;
    *sine = float_of((sb ^ other) ^ ((uint32_t)q << 29 & 0x80000000u));
    *cosine = float_of((cb ^ other) ^ (~((uint32_t)q - 2) << 29 & 0x80000000u));
}

SIMD_BODY boxmuller_f32_body(const uint32_t *w, float *r, long blocks, float mean, float std) {
    for (; blocks > 0; blocks--, w += 16, r += 16)
        for (int j = 0; j < 8; j++) {
            float radius = sqrtf(-2.0f * rng_logf(1.0f - unit24(w[j]))), s, c;
            rng_sincosf(6.28318530717958647692f * unit24(w[j + 8]), &s, &c);
            r[j] = fmaf(radius * c, std, mean);
            r[j + 8] = fmaf(radius * s, std, mean);
        }
}
SIMD_KERNEL(boxmuller_f32, (const uint32_t *w, float *r, long blocks, float mean, float std), (w, r, blocks, mean, std))

static void boxmuller_f64(const uint32_t *w, double *r, long blocks, double mean, double std) {
    for (; blocks > 0; blocks--, w += 32, r += 16)
        for (int j = 0; j < 8; j++) {
            double radius = sqrt(-2.0 * log(1.0 - unit53(w[2 * j], w[2 * j + 1])));
            double theta = RNG_2PI * unit53(w[2 * j + 16], w[2 * j + 17]);
            r[j] = fma(radius * cos(theta), std, mean);
            r[j + 8] = fma(radius * sin(theta), std, mean);
        }
}

/* n values, a multiple of 16 */
static void normal_blocks(rng_t *g, rng_dtype code, char *out, long n, double mean, double std) {
    uint32_t w[2 * RNG_RUN];
    float r[RNG_RUN];
    for (long m; n > 0; n -= m, out += m * rng_size[code]) {
        m = n < RNG_RUN ? n : RNG_RUN;
        rng_words(g, w, code == RNG_F64 ? 2 * m : m);
        if (code == RNG_F64) boxmuller_f64(w, (double *)out, m / 16, mean, std);
        else boxmuller_f32(w, code == RNG_F32 ? (float *)out : r, m / 16, (float)mean, (float)std);
        if (code != RNG_F64 && code != RNG_F32) store_halves(code == RNG_BF16, (uint16_t *)out, r, m);
    }
}

/* torch: the last 16 values of an incomplete block are all drawn anew; float32 and float64 have by then used up the
 * words of the incomplete block, the half types have not. */
static void fill_normal(rng_t *g, rng_dtype code, char *out, long n, double mean, double std) {
    long rest = n % 16;
    normal_blocks(g, code, out, n - rest, mean, std);
    if (!rest) return;
    if (code == RNG_F64 || code == RNG_F32) rng_words(g, NULL, code == RNG_F64 ? 2 * rest : rest);
    normal_blocks(g, code, out + (n - 16) * rng_size[code], 16, mean, std);
}

/* ------------------------------------------------------------------------------ one value after the other, in double */
static double rng_normal(rng_t *g) {
    if (g->has_normal) {
        g->has_normal = 0;
        return g->normal;
    }
    double u1 = rng_u53(g), u2 = rng_u53(g), theta = RNG_2PI * u1, radius = sqrt(-2.0 * log1p(-u2));
    g->has_normal = 1;
    g->normal = radius * sin(theta);
    return radius * cos(theta);
}

SIMD_BODY bernoulli_f64_body(const uint32_t *w, double *r, long n, double p, double one) {
    for (long i = 0; i < n; i++) r[i] = unit53(w[2 * i], w[2 * i + 1]) < p ? one : 0.0;
}
SIMD_KERNEL(bernoulli_f64, (const uint32_t *w, double *r, long n, double p, double one), (w, r, n, p, one))

/* the distributions of two parameters: a name, what is shared by a run, and one value as an expression */
#define RNG_DOUBLES(X)                                                                \
    X(SERIAL_NORMAL, (void)0, fma(rng_normal(g), b, a))                               \
    X(LOG_NORMAL, (void)0, exp(fma(rng_normal(g), b, a)))                             \
    X(EXPONENTIAL, double scale = -1.0 / a, scale * log1p(-rng_u53(g)))               \
    X(GEOMETRIC, double base = log1p(-a), ceil(log(rng_u53(g)) / base))               \
    X(CAUCHY, (void)0, fma(b, tan(RNG_PI * (rng_u53(g) - 0.5)), a))

typedef enum {
#define X(name, shared, value) RNG_##name,
    RNG_DOUBLES(X)
#undef X
    RNG_UNIFORM,
    RNG_BERNOULLI,
    RNG_NORMAL
} rng_kind;

static void draw_f64(rng_t *g, rng_kind kind, double *r, long n, double a, double b) {
    uint32_t w[2 * RNG_RUN];
    switch (kind) {
#define X(name, shared, value)                        \
    case RNG_##name: {                                \
        shared;                                       \
        for (long i = 0; i < n; i++) r[i] = value;    \
        break;                                        \
    }
    RNG_DOUBLES(X)
#undef X
    case RNG_UNIFORM:
        rng_words(g, w, 2 * n);
        uniform_f64(w, r, n, a, b);
        break;
    case RNG_BERNOULLI:
        rng_words(g, w, 2 * n);
        bernoulli_f64(w, r, n, a, b);
        break;
    case RNG_NORMAL:                                   /* has fill_normal */
        break;
    }
}

static void fill_uniform_f32(rng_t *g, rng_dtype code, char *out, long n, float low, float high) {
    uint32_t w[RNG_RUN];
    float r[RNG_RUN];
    int bfloat = code == RNG_BF16;
    uint16_t ends[2];
    store_halves(bfloat, ends, (float[]){low, high}, 2);
    for (long m; n > 0; n -= m, out += m * rng_size[code]) {
        m = n < RNG_RUN ? n : RNG_RUN;
        rng_words(g, w, m);
        uniform_f32(w, code == RNG_F32 ? (float *)out : r, m, low, high);
        if (code == RNG_F32) continue;
        uint16_t *h = (uint16_t *)out;
        store_halves(bfloat, h, r, m);
        for (long i = 0; i < m; i++)                   /* rounding may have reached the excluded end (or -0 for 0) */
            if (h[i] == ends[1] || ((h[i] | ends[1]) & 0x7fff) == 0) h[i] = ends[0];
    }
}

/* n values of a distribution into dense memory; a, b are its parameters in the order of the Tensor method */
static void rng_fill(rng_t *g, rng_kind kind, rng_dtype code, char *out, long n, double a, double b) {
    double r[RNG_RUN];
    if (kind == RNG_NORMAL) {
        fill_normal(g, code, out, n, a, b);
        return;
    }
    if (kind == RNG_UNIFORM && code != RNG_F64) {
        fill_uniform_f32(g, code, out, n, (float)a, (float)b);
        return;
    }
    for (long m; n > 0; n -= m, out += m * rng_size[code]) {
        m = n < RNG_RUN ? n : RNG_RUN;
        draw_f64(g, kind, code == RNG_F64 ? (double *)out : r, m, a, b);
        if (code != RNG_F64) store_f64[code](out, r, m);
    }
}

/* --------------------------------------------------------------------------------------------------- integers */
/* base + (draw mod range), the draw being of 64 bits if `wide`; range 0 stands for 2^64 */
static void rng_fill_integers(rng_t *g, rng_dtype code, char *out, long n, int64_t base, uint64_t range, int wide) {
    uint32_t w[2 * RNG_RUN];
    int64_t r[RNG_RUN];
    uint64_t inverse = range ? UINT64_MAX / range + 1 : 0;     /* Lemire: w mod range by two multiplications */
    for (long m; n > 0; n -= m, out += m * rng_size[code]) {
        m = n < RNG_RUN ? n : RNG_RUN;
        int64_t *v = code == RNG_I64 ? (int64_t *)out : r;
        rng_words(g, w, wide ? 2 * m : m);
        for (long i = 0; i < m; i++) {
            uint64_t x;
            if (wide) {
                x = (uint64_t)w[2 * i] << 32 | w[2 * i + 1];
                if (range) x %= range;
            } else {
#ifdef __SIZEOF_INT128__
                x = (uint64_t)((unsigned __int128)(inverse * w[i]) * range >> 64);
#else
                x = w[i] % range;
#endif
            }
            v[i] = (int64_t)(x + (uint64_t)base);
        }
        if (code != RNG_I64) store_i64[code](out, r, m);
    }
}

static void rng_permutation(rng_t *g, int64_t *a, int64_t n) {
    if (n < 214748364) {                               /* floor((2^32 - 1) / 20) */
        uint32_t w[RNG_RUN];
        for (int64_t i = 0; i < n; i++) a[i] = i;
        for (int64_t i = 0, m; i < n - 1; i += m) {
            m = n - 1 - i < RNG_RUN ? n - 1 - i : RNG_RUN;
            rng_words(g, w, m);
            for (int64_t j = 0; j < m; j++) {
                int64_t at = i + j, z = at + w[j] % (uint32_t)(n - at), held = a[at];
                a[at] = a[z];
                a[z] = held;
            }
        }
    } else
        for (int64_t i = 0; i < n; i++) {
            int64_t z = (int64_t)(rng_u64(g) % (uint64_t)(i + 1));
            a[i] = i;
            a[i] = a[z];
            a[z] = i;
        }
}

#endif
