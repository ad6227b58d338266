/* Elementary functions of vectors: f32_NAME of 8 floats, f64_NAME of 4 doubles.
 *
 * float has exp, exp2, log, erf and the normal distribution in its own arithmetic; the others are worked out in double from
 * a few short polynomials, which leaves one rounding that matters: the results are the nearest floats but for a few in a million.
 * Polynomials are minimax fits, highest power first. An exponent less n ln 2 lies within ln(2) / 2 of 0, a mantissa between
 * sqrt(1/2) and sqrt(2). */
#pragma once
#include <math.h>
#include "simd.h"

#define POLYNOMIAL(S, x, TERMS) S##_polynomial(x, TERMS, sizeof TERMS / sizeof *TERMS)
/* Even and odd powers side by side: sooner done, and another rounding. */
#define TWO_CHAINS(S, x, TERMS) S##_two_chains(x, TERMS, sizeof TERMS / sizeof *TERMS)
#define POLYNOMIALS(S, NUMBER, VECTOR)                                                                   \
    INLINE VECTOR S##_polynomial(VECTOR x, const NUMBER *terms, int count) {                             \
        VECTOR sum = S##_all(terms[0]);                                                                  \
        _Pragma("GCC unroll 16") for (int i = 1; i < count; i++) sum = S##_fma(sum, x, S##_all(terms[i])); \
        return sum;                                                                                      \
    }                                                                                                    \
    INLINE VECTOR S##_two_chains(VECTOR x, const NUMBER *terms, int count) {                             \
        VECTOR square = x * x, sum[2] = {S##_all(terms[0]), S##_all(terms[1])};                          \
        _Pragma("GCC unroll 16") for (int i = 2; i < count; i++) sum[i & 1] = S##_fma(sum[i & 1], square, S##_all(terms[i])); \
        return S##_fma(sum[count & 1], x, sum[~count & 1]);                                              \
    }
POLYNOMIALS(f32, float, f32x8)
POLYNOMIALS(f64, double, f64x4)

/* Lanes with |x| > bound, and NaNs: the bits of sizes are in the order of the sizes, and comparing whole numbers costs least */
INLINE i32x8 f32_beyond(f32x8 x, float bound) { return ((i32x8)x & INT32_MAX) > (i32x8)f32_all(bound); }

/* Lanes not in [low, high), which are > 0 */
INLINE i32x8 f32_outside(f32x8 x, float low, float high) {
    u32x8 from = (u32x8)f32_all(low), span = (u32x8)f32_all(high) - from;
    return (i32x8)((u32x8)x - from >= span);
}

/* r[i] = f(x[i]) where the mask is set: the rare cases */
static __attribute__((noinline)) f64x4 f64_mend(double (*f)(double), i64x4 mask, f64x4 x, f64x4 r) {
    for (int i = 0; i < 4; i++) if (mask[i]) r[i] = f(x[i]);
    return r;
}

/* 1.5 * 2^(digits of the mantissa): added to x it leaves the nearest whole number in the low bits */
#define TO_WHOLE_F32 12582912.0f
#define TO_WHOLE_F64 6755399441055744.0
#define LOG2_E 1.44269504088896340736
#define LN_2 0.693147180559945309417

/* ------------------------------------------------------------------ e^x of floats
 * torch: activations take these six terms and this split of ln 2 (SLEEF's), and a sigmoid rounds in no other way */
static const float exp_terms_f32[] = {
    0.000198527617612853646f, 0.00139304355252534151f, 0.00833336077630519866f, 0.0416664853692054748f,
    0.166666671633720397949f, 0.5f};
static const float ln2_upper_f32 = 0.693145751953125f, ln2_lower_f32 = 1.428606765330187045e-06f;

typedef struct { f32x8 n, power; } f32_power;           /* e^x = 2^n power; n as the low bits of a float */

/* e^(r + left), |r| <= ln(2) / 2; `left` is what roundings have left over, and not counted unless exact */
INLINE f32x8 f32_exp_near_zero(f32x8 r, f32x8 left, int exact) {
    f32x8 one = f32_all(1), bend = POLYNOMIAL(f32, r, exp_terms_f32), square = r * r;
    if (!exact) return one + f32_fma(square, bend, r);
    f32x8 sum = one + r;
    return sum + f32_fma(square, bend, (r - (sum - one)) + left);
}
INLINE f32_power f32_exp_parts(f32x8 x, int exact) {
    f32x8 shifted = x * f32_all((float)LOG2_E) + f32_all(TO_WHOLE_F32), n = shifted - f32_all(TO_WHOLE_F32);
    f32x8 most = f32_fma(n, f32_all(-ln2_upper_f32), x), r = f32_fma(n, f32_all(-ln2_lower_f32), most);
    return (f32_power){shifted, f32_exp_near_zero(r, f32_fma(n, f32_all(-ln2_lower_f32), most - r), exact)};
}
INLINE f32_power f32_exp2_parts(f32x8 x, int exact) {
    f32x8 shifted = x + f32_all(TO_WHOLE_F32), part = x - (shifted - f32_all(TO_WHOLE_F32)), r = part * f32_all((float)LN_2);
    f32x8 left = f32_fma(part, f32_all((float)(LN_2 - (float)LN_2)), f32_fma(part, f32_all((float)LN_2), -r));
    return (f32_power){shifted, f32_exp_near_zero(r, left, exact)};
}
INLINE f32x8 f32_times_power(f32x8 x, f32x8 n) { return (f32x8)((i32x8)x + ((i32x8)n << 23)); }

/* With its exponent put in: in two steps where 2^n or the result may not be a normal number, that is beyond `most`. */
#define POWER_F32(PARTS, x, most, exact) ({                                                              \
    f32x8 at_ = (x), made_;                                                                              \
    if (!f32_any(f32_beyond(at_, most))) {                                                               \
        f32_power e_ = PARTS(at_, exact);                                                                \
        made_ = f32_times_power(e_.power, e_.n);                                                         \
    } else {                                                                                             \
        f32_power e_ = PARTS(f32_at_least(f32_at_most(at_, f32_all(160)), f32_all(-160)), exact);        \
        made_ = f32_times_far_power(e_.power, e_.n);                                                     \
    }                                                                                                    \
    made_; })
INLINE f32x8 f32_times_far_power(f32x8 x, f32x8 shifted) {
    i32x8 n = (i32x8)shifted - (i32x8)f32_all(TO_WHOLE_F32), half = n >> 1;
    f32x8 one = f32_all(1);
    return x * f32_times_power(one, (f32x8)half) * f32_times_power(one, (f32x8)(n - half));
}
INLINE f32x8 f32_exp(f32x8 x) { return POWER_F32(f32_exp_parts, x, 87.33f, 1); }
INLINE f32x8 f32_exp2(f32x8 x) { return POWER_F32(f32_exp2_parts, x, 125.9f, 1); }
INLINE f32x8 f32_activation_exp(f32x8 x) { return POWER_F32(f32_exp_parts, x, 87.33f, 0); }

/* e^x to which one is going to be added: no care for results below 2^-126 */
INLINE f32x8 f32_exp_beside_one(f32x8 x) {
    f32_power e = f32_exp_parts(x, 0);
    f32x8 r = f32_times_power(e.power, e.n);
    if (f32_any(f32_beyond(x, 87))) {
        r = f32_where(x < f32_all(-87), f32_all(0), r);
        r = f32_where(x > f32_all(88.72283f), f32_all(INFINITY), f32_where(x == x, r, x));
    }
    return r;
}

/* ------------------------------------------------------------------ log of floats */
static const float log_terms_f32[] = {
    -0.07646037638187408f, 0.1277908831834793f, -0.13164198398590088f, 0.14199699461460114f, -0.16622763872146606f,
    0.2000129222869873f, -0.25000837445259094f, 0.3333333134651184f};
#define ROOT_HALF_F32 0.707106769084930419921875f
#define ROOT_HALF_F64 0.70710678118654752440

/* log(2^n (1 + f)) */
INLINE f32x8 f32_log_of_parts(f32x8 n, f32x8 f) {
    f32x8 square = f * f, tail = TWO_CHAINS(f32, f, log_terms_f32) * f * square;
    tail = f32_fma(n, f32_all(-2.12194440e-4f), tail);
    return f32_fma(n, f32_all(0.693359375f), f + f32_fma(f32_all(-0.5f), square, tail));
}
INLINE f32x8 f32_log(f32x8 x) {
    i32x8 unusual = f32_outside(x, 1.17549435e-38f, INFINITY);
    i32x8 tiny = {0};
    f32x8 y = x;
    if (f32_any(unusual)) {
        tiny = x < f32_all(1.17549435e-38f);
        y = f32_where(tiny, x * f32_all(8388608), x);
    }
    i32x8 bits = (i32x8)y - (i32x8)f32_all(ROOT_HALF_F32);
    f32x8 f = (f32x8)((bits & 0x7fffff) + (i32x8)f32_all(ROOT_HALF_F32)) - f32_all(1);
    f32x8 n = __builtin_convertvector((bits >> 23) - (tiny & 23), f32x8), r = f32_log_of_parts(n, f);
    if (f32_any(unusual)) {
        f32x8 zero = f32_all(0);
        r = f32_where(x < f32_all(INFINITY), r, x);                     /* inf and NaN stay */
        r = f32_where(x == zero, f32_all(-INFINITY), f32_where(x < zero, f32_all(NAN), r));
    }
    return r;
}

/* (log(1 + f) - f + f^2 / 2) / f^3 for -1/4 <= f <= 1/2 */
static const float log1p_terms_f32[] = {
    0.0376395620405674f, -0.09110961109399796f, 0.1169847622513771f, -0.1272815614938736f, 0.14276635646820068f,
    -0.16655315458774567f, 0.19999583065509796f, -0.2500016391277313f, 0.33333340287208557f};
/* log(2^n (1 + f)) with 1 + x = 2^n (1 + f), in which f is exact; sums keep what their rounding leaves over, so that the result
 * is nearly always the nearest float */
INLINE f32x8 f32_log1p(f32x8 x) {
    f32x8 one = f32_all(1), up = one + x;
    i32x8 bits = (i32x8)up - (i32x8)f32_all(0.75f);
    f32x8 n = __builtin_convertvector(bits >> 23, f32x8), down = (f32x8)((i32x8)one - (bits & ~0x7fffff));     /* 2^-n */
    f32x8 f = f32_fma(x, down, down - one), half = f * f32_all(0.5f), bend = f * half, near = f - bend, left = ((f - near) - bend) - f32_fma(f, half, -bend);
    left = f32_fma(POLYNOMIAL(f32, f, log1p_terms_f32), f * f * f, left);
    left = f32_fma(n, f32_all(-2.12194440e-4f), left);
    f32x8 whole = n * f32_all(0.693359375f), sum = whole + near;                /* n times so few digits is exact */
    f32x8 r = f32_signed(sum + ((near - (sum - whole)) + left), x);             /* -0.0 stays */
    i32x8 rare = f32_outside(up, 1.17549435e-38f, 0x1p126f);                     /* where 2^-n would be no normal number, too */
    return f32_any(rare) ? f32_where(rare, f32_log(up), r) : r;
}

/* ------------------------------------------------------------------ error function of floats */
static const float erf_near_terms[] = {
    7.996641943464056e-05f, -0.0008049769094213843f, 0.005192405078560114f, -0.02685573138296604f, 0.11283625662326813f,
    -0.3761262893676758f, 0.12837916612625122f};        /* erf(x) / x - 1 of x^2, below 0.93 */
static const float erf_far_terms[] = {
    -0.00021398835815489292f, 0.0032149788457900286f, -0.02289002202451229f, 0.1052619069814682f, 0.6357182860374451f,
    0.128514364361763f};                                /* -log(erfc(x)) / x - 1, from 0.92 to 4 */
INLINE f32x8 f32_erf(f32x8 x) {
    f32x8 size = f32_abs(x), near = f32_fma(POLYNOMIAL(f32, x * x, erf_near_terms), x, x);
    i32x8 is_far = ~(size < f32_all(0.921875f));
    if (!f32_any(is_far)) return near;
    f32x8 at = f32_at_most(size, f32_all(4)), bend = f32_fma(POLYNOMIAL(f32, at, erf_far_terms), at, at);
    f32_power e = f32_exp_parts(-bend, 0);
    return f32_where(is_far, f32_signed(f32_all(1) - f32_times_power(e.power, e.n), x), near);
}

/* (2^f - 1) / f for |f| <= 1/2 */
static const float pow2_terms[] = {
    0.00015352944319602102f, 0.0013399391900748014f, 0.009618442505598068f, 0.05550331249833107f, 0.24022647738456726f,
    0.6931471824645996f};
/* Of erfc(a / sqrt(2)) / 2 * e^(a^2 / 2) in t = 1 / (1 + 0.3 a), over t */
static const float normal_terms[] = {
    0.03619493544101715f, -0.15937861800193787f, 0.2101188749074936f, -0.05716777965426445f, 0.1304166615009308f,
    0.0993470698595047f, 0.12084554135799408f, 0.11962325870990753f};
/* P(X <= x) for normal X, and the density at x */
INLINE f32x8 f32_normal(f32x8 x, f32x8 *density) {
    f32x8 one = f32_all(1), zero = f32_all(0), size = f32_abs(x), t = one / f32_fma(size, f32_all(0.3f), one), square = x * x;
    f32x8 halving = f32_all((float)(-0.5 * LOG2_E)), shifted = f32_fma(square, halving, f32_all(TO_WHOLE_F32));
    f32x8 part = f32_fma(square, halving, f32_all(TO_WHOLE_F32) - shifted);             /* e^(-x^2 / 2) = 2^(n + part) */
    f32x8 power = f32_times_power(f32_fma(TWO_CHAINS(f32, part, pow2_terms), part, one), shifted);
    power = f32_where(size > f32_all(13), zero, power);
    f32x8 tail = TWO_CHAINS(f32, t, normal_terms) * (power * t);
    *density = power * f32_all(0.398942280401432677940f);
    return f32_where(x > zero, one - tail, tail);
}

/* (P(X <= x) - 1/2) / x for normal X, of x^2 - 4.5, below 3: about the middle, where terms cancel least */
static const float normal_near_terms[] = {
    -1.661145526687946e-11f, 3.4653663272266044e-10f, -5.808947545205001e-09f, 9.787723342924437e-08f, -1.479261982240132e-06f,
    1.9565914044505917e-05f, -0.00022574502509087324f, 0.0022702247370034456f, -0.020629441365599632f, 0.22771316766738892f};
/* x P(X <= x); torch: loses digits below 0 in the same way */
INLINE f32x8 f32_gelu(f32x8 x) {
    f32x8 near = x * f32_fma(POLYNOMIAL(f32, f32_fma(x, x, f32_all(-4.5f)), normal_near_terms), x, f32_all(0.5f)), density;
    i32x8 is_far = f32_beyond(x, 3);
    return f32_any(is_far) ? f32_where(is_far, x * f32_normal(x, &density), near) : near;
}

/* ------------------------------------------------------------------ in double, for floats */
#define IN_DOUBLE(NAME) INLINE f32x8 f32_##NAME(f32x8 x) { return f32_join(wide_##NAME(f32_low(x)), wide_##NAME(f32_high(x))); }

static const double wide_expm1_terms[] = {
    0.0001984124927763881, 0.0013941042930515396, 0.008333403003670102, 0.04166635399468072, 0.1666666624869295,
    0.5000000046754048, 1.0};
/* 2^n in *scale and e^r - 1 in *rest for n = shifted - TO_WHOLE_F64 and |r| <= ln(2) / 2 */
INLINE void wide_exp_parts(f64x4 shifted, f64x4 r, f64x4 *rest, f64x4 *scale) {
    *rest = TWO_CHAINS(f64, r, wide_expm1_terms) * r;
    *scale = (f64x4)(((i64x4)shifted << 52) + (i64x4)f64_all(1));
}
INLINE f64x4 wide_expm1(f64x4 x) {
    f64x4 low = f64_at_least(f64_at_most(x, f64_all(100)), f64_all(-40)), rest, scale;
    f64x4 shifted = f64_fma(low, f64_all(LOG2_E), f64_all(TO_WHOLE_F64));
    wide_exp_parts(shifted, f64_fma(shifted - f64_all(TO_WHOLE_F64), f64_all(-LN_2), low), &rest, &scale);
    return f64_where(x == f64_all(0), x, f64_fma(rest, scale, scale - f64_all(1)));         /* -0.0 stays */
}
INLINE f64x4 wide_tanh(f64x4 x) {
    f64x4 twice = f64_at_most(f64_abs(x + x), f64_all(20)), rest, scale;
    f64x4 shifted = f64_fma(twice, f64_all(LOG2_E), f64_all(TO_WHOLE_F64));
    wide_exp_parts(shifted, f64_fma(shifted - f64_all(TO_WHOLE_F64), f64_all(-LN_2), twice), &rest, &scale);
    f64x4 less_one = f64_fma(rest, scale, scale - f64_all(1));
    return f64_signed(less_one / (less_one + f64_all(2)), x);
}
IN_DOUBLE(expm1) IN_DOUBLE(tanh)

static const double wide_log_terms[] = {
    -0.05986143850383756, 0.10735811775830548, -0.10881777007696536, 0.11020863553502526, -0.12410457707072688,
    0.14285515329895515, -0.16670487387171679, 0.20000113289483315, -0.2499993328897224, 0.3333333151295524,
    -0.5000000033170527, 1.0};
/* n with u = 2^n m for a normal u > 0, as a double; 2^-n in *down */
INLINE f64x4 f64_exponent(f64x4 u, f64x4 *down) {
    i64x4 root = (i64x4)f64_all(ROOT_HALF_F64), one = (i64x4)f64_all(1), whole = (i64x4)f64_all(4503599627370496.0);
    i64x4 exponent = (i64x4)((u64x4)((i64x4)u - root + one) >> 52);
    *down = (f64x4)((one + one) - (exponent << 52));
    return (f64x4)(exponent | whole) - f64_all(4503599627370496.0 + 1023);
}
/* unit * log(n, f) where x > 0 is finite; of other x what log gives */
INLINE f64x4 wide_log_of_parts(f64x4 x, f64x4 n, f64x4 f, double unit) {
    f64x4 r = f64_fma(n, f64_all(LN_2 * unit), TWO_CHAINS(f64, f, wide_log_terms) * f * f64_all(unit)), zero = f64_all(0);
    if (f64_any(~((x > zero) & (x < f64_all(INFINITY))))) {
        r = f64_where(x < f64_all(INFINITY), r, x);
        r = f64_where(x == zero, f64_all(-INFINITY), f64_where(x < zero, f64_all(NAN), r));
    }
    return r;
}
INLINE f64x4 wide_log_of(f64x4 x, double unit) {
    f64x4 down, n = f64_exponent(x, &down);
    return wide_log_of_parts(x, n, x * down - f64_all(1), unit);
}
INLINE f64x4 wide_log2(f64x4 x) { return wide_log_of(x, LOG2_E); }
INLINE f64x4 wide_log10(f64x4 x) { return wide_log_of(x, 0.434294481903251827651); }
IN_DOUBLE(log2) IN_DOUBLE(log10)

/* sin(r) / r - 1 and cos(r) - 1 of r^2, over r^2, for |r| <= pi / 4 */
static const double wide_sin_terms[] = {
    0.0000027183114939898219064, -0.000198393348360966317347, 0.0083333293858894631756, -0.166666666416265235595};
static const double wide_cos_terms[] = {
    0.0000243904487962774090654, -0.00138867637746099294692, 0.0416666233237390631894, -0.499999997251031003120};
/* sin(r) and cos(r) of x less the nearest multiple of pi / 2, and the number of it in the low bits */
INLINE i64x4 wide_quarters(f64x4 x, f64x4 *sine, f64x4 *cosine) {
    f64x4 shifted = f64_fma(x, f64_all(0.636619772367581343076), f64_all(TO_WHOLE_F64)), n = shifted - f64_all(TO_WHOLE_F64);
    /* pi / 2 to 25 bits, of which n times is exact, and the rest */
    f64x4 r = f64_fma(n, f64_all(-1.57079631090164184570), x);
    r = f64_fma(n, f64_all(-1.58932547735281966916e-8), r);
    f64x4 square = r * r;
    *sine = f64_fma(r * square, TWO_CHAINS(f64, square, wide_sin_terms), r);
    *cosine = f64_fma(square, TWO_CHAINS(f64, square, wide_cos_terms), f64_all(1));
    return (i64x4)shifted;
}
/* r = f(x) mended where the multiple of pi / 2 has more digits than fit */
INLINE f64x4 wide_mend_far(double (*f)(double), f64x4 x, f64x4 r) {
    i64x4 far = ~(f64_abs(x) < f64_all(1e7));
    return f64_any(far) ? f64_mend(f, far, x, r) : r;
}
/* sin(x + quarters pi / 2) */
INLINE f64x4 wide_sine(f64x4 x, int quarters) {
    f64x4 sine, cosine;
    i64x4 turn = wide_quarters(x, &sine, &cosine) + quarters;
    f64x4 made = f64_where((turn & 1) == 0, sine, cosine);
    return wide_mend_far(quarters ? cos : sin, x, (f64x4)((i64x4)made ^ ((turn & 2) << 62)));
}
INLINE f64x4 wide_sin(f64x4 x) { return f64_where(x == f64_all(0), x, wide_sine(x, 0)); }
INLINE f64x4 wide_cos(f64x4 x) { return wide_sine(x, 1); }
INLINE f64x4 wide_tan(f64x4 x) {
    f64x4 sine, cosine;
    i64x4 is_even = (wide_quarters(x, &sine, &cosine) & 1) == 0;
    f64x4 made = f64_where(is_even, sine, -cosine) / f64_where(is_even, cosine, sine);
    return f64_where(x == f64_all(0), x, wide_mend_far(tan, x, made));          /* -0.0 stays */
}
IN_DOUBLE(sin) IN_DOUBLE(cos) IN_DOUBLE(tan)

/* (sinh(r) / r - 1) / r^2 and (cosh(r) - 1) / r^2 of r^2, for |r| <= ln(2) / 2 */
static const double wide_sinh_terms[] = {0.00019890980869750327, 0.008333310934448869, 0.16666666681614256};
static const double wide_cosh_terms[] = {0.0013933641031986701, 0.04166646500604005, 0.5000000013457727};
/* sinh or cosh of |x| = r + n ln 2, from those of r and of n ln 2 */
INLINE f64x4 wide_hyperbolic(f64x4 x, int is_cosh) {
    f64x4 size = f64_at_most(f64_abs(x), f64_all(100)), shifted = f64_fma(size, f64_all(LOG2_E), f64_all(TO_WHOLE_F64)), half = f64_all(0.5);
    f64x4 r = f64_fma(shifted - f64_all(TO_WHOLE_F64), f64_all(-LN_2), size), square = r * r;
    f64x4 sine = f64_fma(r * square, POLYNOMIAL(f64, square, wide_sinh_terms), r);
    f64x4 cosine = f64_fma(square, POLYNOMIAL(f64, square, wide_cosh_terms), f64_all(1));
    f64x4 up = (f64x4)((i64x4)half + ((i64x4)shifted << 52)), down = (f64x4)((i64x4)half - ((i64x4)shifted << 52));
    return is_cosh ? f64_fma(cosine, up + down, sine * (up - down)) : f64_fma(sine, up + down, cosine * (up - down));
}
INLINE f64x4 wide_sinh(f64x4 x) { return f64_signed(wide_hyperbolic(x, 0), x); }
INLINE f64x4 wide_cosh(f64x4 x) { return wide_hyperbolic(x, 1); }
IN_DOUBLE(sinh) IN_DOUBLE(cosh)

#define PI 3.14159265358979323846
/* (asin(s) / s - 1) / s^2 of s^2, below 1/4 */
static const double wide_asin_terms[] = {
    0.030974540371355073, 0.010574415516912909, 0.023611817008891752, 0.030269138728589183, 0.04464766388813485,
    0.07499992404401838, 0.16666666686085643};
/* asin(|x|), or where that is beyond pi / 6 half of what it lacks to pi / 2 */
INLINE f64x4 wide_arc(f64x4 x, i64x4 *is_large) {
    f64x4 size = f64_abs(x), half = f64_all(0.5);
    *is_large = size > half;
    f64x4 square = f64_where(*is_large, half - half * size, size * size), sine = f64_where(*is_large, f64_sqrt(square), size);
    return f64_fma(sine * square, TWO_CHAINS(f64, square, wide_asin_terms), sine);
}
INLINE f64x4 wide_arcsin(f64x4 x) {
    i64x4 is_large;
    f64x4 arc = wide_arc(x, &is_large);
    return f64_signed(f64_where(is_large, f64_all(PI / 2) - (arc + arc), arc), x);
}
INLINE f64x4 wide_arccos(f64x4 x) {
    i64x4 is_large;
    f64x4 arc = wide_arc(x, &is_large), twice = arc + arc;
    return f64_where(is_large, f64_where(x > f64_all(0), twice, f64_all(PI) - twice), f64_all(PI / 2) - f64_signed(arc, x));
}
IN_DOUBLE(arcsin) IN_DOUBLE(arccos)

/* (atan(s) / s - 1) / s^2 of s^2, below 1 */
static const double wide_atan_terms[] = {
    -0.0009362994719496015, 0.00620725453378005, -0.019261081322765883, 0.038327445983064846, -0.05760716083128117,
    0.0741749696430051, -0.09036742342070782, 0.1110470678864422, -0.14285317963907304, 0.19999990275947271,
    -0.33333333293301176};
/* The angle between the first axis and (x, y). */
INLINE f64x4 wide_arctan2(f64x4 y, f64x4 x) {
    f64x4 wide = f64_abs(x), high = f64_abs(y), one = f64_all(1);
    i64x4 is_steep = high > wide;
    f64x4 over = f64_where(is_steep, wide, high), under = f64_where(is_steep, high, wide), ratio = over / under;
    /* 0 / 0, and inf / inf as if they were the same */
    ratio = f64_where(over == under, f64_where(over == f64_all(0), over, one), ratio);
    f64x4 square = ratio * ratio, angle = f64_fma(ratio * square, TWO_CHAINS(f64, square, wide_atan_terms), ratio);
    angle = f64_where(is_steep, f64_all(PI / 2) - angle, angle);
    return f64_signed(f64_where((i64x4)x < 0, f64_all(PI) - angle, angle), y);
}
INLINE f64x4 wide_arctan(f64x4 x) { return wide_arctan2(x, f64_all(1)); }
IN_DOUBLE(arctan)
INLINE f32x8 f32_arctan2(f32x8 y, f32x8 x) {
    return f32_join(wide_arctan2(f32_low(y), f32_low(x)), wide_arctan2(f32_high(y), f32_high(x)));
}

/* Of erfc(a) e^(a^2) in t = 1 / (1 + 0.4 a), over t */
static const double wide_erfc_terms[] = {
    0.02182363448749128, -0.1598207964629517, 0.4846083303177263, -0.7613867152050562, 0.6540395015024416,
    -0.3885968568838243, 0.23910449051756827, 0.07063749290294506, 0.18189275571848093, 0.2062424899541906,
    0.2257835861831114, 0.22567208685809534};
INLINE f64x4 wide_erfc(f64x4 x) {
    f64x4 one = f64_all(1), size = f64_at_most(f64_abs(x), f64_all(10.3)), rest, scale;
    f64x4 low = -size * size, shifted = f64_fma(low, f64_all(LOG2_E), f64_all(TO_WHOLE_F64));
    wide_exp_parts(shifted, f64_fma(shifted - f64_all(TO_WHOLE_F64), f64_all(-LN_2), low), &rest, &scale);
    f64x4 t = one / f64_fma(size, f64_all(0.4), one);
    f64x4 tail = f64_fma(rest, scale, scale) * (TWO_CHAINS(f64, t, wide_erfc_terms) * t);
    return f64_where(x < f64_all(0), f64_all(2) - tail, tail);
}
IN_DOUBLE(erfc)

/* erfinv(x) / x of w = -log(1 - x^2), below 5, and of sqrt(w) up to 6.1 */
static const double wide_erfinv_terms[] = {
    1.2346577114502573e-10, -2.9612460261028082e-09, 2.072803054987327e-08, 6.466321027721052e-08, -1.5175960280333922e-06,
    3.331105346921971e-06, 4.456915706736076e-05, -0.0001261178285939345, -0.002336144427612425, 0.011549628771727806,
    0.2320136360489977, 0.8862269259834256};
static const double wide_erfinv_far_terms[] = {
    6.028711409701719e-09, -4.1500661145314563e-07, 1.329162945252118e-05, -0.000262772511615371, 0.0035870257657505673,
    -0.035825252733456096, 0.27057298663396306, -1.5747705568949784, 7.129512426754571, -25.155944689610763, 68.83297349333388,
    -144.25642505801378, 226.5825726228894, -257.53218171201456, 199.95575212988263, -94.45501195811703, 21.424636006680238};
INLINE f64x4 wide_erfinv(f64x4 x) {
    f64x4 one = f64_all(1), w = -wide_log_of((one - x) * (one + x), 1), ratio = TWO_CHAINS(f64, w, wide_erfinv_terms);
    i64x4 is_far = ~(w <= f64_all(5));
    if (f64_any(is_far)) {
        f64x4 root = f64_sqrt(w), far = f64_where(w < f64_all(INFINITY), TWO_CHAINS(f64, root, wide_erfinv_far_terms), w);
        ratio = f64_where(is_far, far, ratio);
    }
    return ratio * x;
}
IN_DOUBLE(erfinv)

/* ------------------------------------------------------------------ of doubles */
static const double expm1_terms_f64[] = {
    2.09183782968718838e-9, 2.51103860783057961e-8, 2.75572626269563635e-7, 2.75572399740011829e-6,
    0.0000248015873370533514, 0.00019841269890932188, 0.00138888888888788439, 0.0083333333333192674,
    0.0416666666666666771, 0.166666666666666812, 0.5, 1.0};
INLINE void f64_exp_parts(f64x4 x, f64x4 *rest, f64x4 *scale) {
    f64x4 shifted = f64_fma(x, f64_all(LOG2_E), f64_all(TO_WHOLE_F64)), n = shifted - f64_all(TO_WHOLE_F64);
    f64x4 r = f64_fma(n, f64_all(-6.93147180369123816490e-01), x);              /* so few digits that n times it is exact */
    r = f64_fma(n, f64_all(-1.90821492927058770002e-10), r);
    *rest = POLYNOMIAL(f64, r, expm1_terms_f64) * r;
    *scale = (f64x4)(((i64x4)shifted << 52) + (i64x4)f64_all(1));
}
INLINE f64x4 f64_exp(f64x4 x) {
    f64x4 rest, scale;
    i64x4 rare = ~((x > f64_all(-708)) & (x < f64_all(709)));
    f64_exp_parts(x, &rest, &scale);
    f64x4 r = f64_fma(rest, scale, scale);
    return f64_any(rare) ? f64_mend(exp, rare, x, r) : r;
}
#define f64_exp_beside_one f64_exp
#define f64_activation_exp f64_exp
INLINE f64x4 f64_expm1(f64x4 x) {
    f64x4 rest, scale;
    i64x4 rare = ~((f64_abs(x) > f64_all(1e-300)) & (f64_abs(x) < f64_all(700)));
    f64_exp_parts(x, &rest, &scale);
    f64x4 r = f64_fma(rest, scale, scale - f64_all(1));
    return f64_any(rare) ? f64_mend(expm1, rare, x, r) : r;
}
INLINE f64x4 f64_tanh(f64x4 x) {
    f64x4 rest, scale;
    f64_exp_parts(f64_at_most(f64_abs(x + x), f64_all(45)), &rest, &scale);
    f64x4 less_one = f64_fma(rest, scale, scale - f64_all(1));
    return f64_signed(less_one / (less_one + f64_all(2)), x);
}
/* of the odd series of log(1 + f) in s = f / (2 + f) */
static const double log_terms_f64[] = {
    1.479819860511658591e-01, 1.531383769920937332e-01, 1.818357216161805012e-01, 2.222219843214978396e-01,
    2.857142874366239149e-01, 3.999999999940941908e-01, 6.666666666666735130e-01};
INLINE f64x4 f64_log1p(f64x4 x) {
    f64x4 one = f64_all(1), up = one + x, down, n = f64_exponent(up, &down), f = f64_fma(x, down, down - one);
    f64x4 s = f / (f + f64_all(2)), square = s * s, half = f * f * f64_all(0.5);
    f64x4 tail = POLYNOMIAL(f64, square, log_terms_f64) * square;
    f64x4 low = f64_fma(s, half + tail, n * f64_all(1.90821492927058770002e-10));
    f64x4 r = f64_fma(n, f64_all(6.93147180369123816490e-01), f - (half - low));
    i64x4 rare = ~((f64_abs(x) > f64_all(1e-300)) & (up > f64_all(0)) & (up < f64_all(INFINITY)));
    return f64_any(rare) ? f64_mend(log1p, rare, x, r) : r;
}
INLINE f64x4 f64_erf(f64x4 x) { return f64_mend(erf, ~(i64x4){0}, x, x); }
INLINE f64x4 f64_erfc(f64x4 x) { return f64_mend(erfc, ~(i64x4){0}, x, x); }
/* One step of Newton's from so near has all the digits. */
static __attribute__((noinline)) f64x4 f64_erfinv(f64x4 x) {
    f64x4 r = wide_erfinv(x);
    for (int i = 0; i < 4; i++) {
        double size = fabs(r[i]), above = fabs(x[i]) < 0.5 ? erf(size) - fabs(x[i]) : (1 - fabs(x[i])) - erfc(size);
        if (size < INFINITY) r[i] = copysign(size - above * exp(size * size) * 0.886226925452758013649, r[i]);
    }
    return r;
}
INLINE f64x4 f64_normal(f64x4 x, f64x4 *density) {
    *density = f64_exp(x * x * f64_all(-0.5)) * f64_all(0.398942280401432677940);
    return f64_all(0.5) * (f64_all(1) + f64_erf(x * f64_all(ROOT_HALF_F64)));
}
INLINE f64x4 f64_gelu(f64x4 x) { f64x4 density; return x * f64_normal(x, &density); }
