/* sigmoid and tanh of vectors, a template (real.h).
 *
 * Both come from e^x - 1 = 2^n ((e^r - 1) + 1) - 1 with x = n ln 2 + r, |r| <= ln(2) / 2, in which no digits are lost near zero. The polynomials
 * are minimax fits of (e^r - 1) / r, to 1e-8 for float and 3e-19 for double. */
#include "real.h"

#ifndef GATES_H
#define GATES_H
static const float expm1_terms_f32[] = {0.00139339103539401316f, 0.00836936411061455527f, 0.0416664625728366679f, 0.166665033124342875f,
                                        0.500000001370195515f, 1.00000001096708329f};
static const double expm1_terms_f64[] = {2.09183782968718838e-9, 2.51103860783057961e-8, 2.75572626269563635e-7, 2.75572399740011829e-6,
                                         0.0000248015873370533514, 0.00019841269890932188, 0.00138888888888788439, 0.0083333333333192674,
                                         0.0416666666666666771, 0.166666666666666812, 0.5, 1.0};
enum { expm1_count_f32 = 6, expm1_count_f64 = 12, mantissa_f32 = 23, mantissa_f64 = 52 };
/* ln 2 in two parts: the first has so few digits that n times it is exact */
static const float ln2_high_f32 = 0.693359375f, ln2_low_f32 = -2.12194440e-4f;
static const double ln2_high_f64 = 6.93147180369123816490e-01, ln2_low_f64 = 1.90821492927058770002e-10;
/* 1.5 * 2^mantissa: added to x it leaves the nearest whole number in the low bits */
static const float to_whole_f32 = 12582912.0f;
static const double to_whole_f64 = 6755399441055744.0;
static const float greatest_exponent_f32 = 87.33f;               /* e^x and e^-x are normal numbers up to here */
static const double greatest_exponent_f64 = 708.0;
#endif

/* e^x = 2^n (1 + (e^r - 1)): 2^n in *scale, e^r - 1 is the result; |x| at most greatest_exponent, or NaN */
INLINE vec R(split_exp)(vec x, vec *scale) {
    vec shifted = V(fma)(x, V(all)((real)1.44269504088896340736), V(all)(R(to_whole)));
    vec n = shifted - V(all)(R(to_whole));
    vec r = V(fma)(n, V(all)(-R(ln2_high)), x);
    r = V(fma)(n, V(all)(-R(ln2_low)), r);
    vec sum = V(all)(R(expm1_terms)[0]);
#pragma GCC unroll 12
    for (int i = 1; i < R(expm1_count); i++) sum = V(fma)(sum, r, V(all)(R(expm1_terms)[i]));
    *scale = (vec)(((bits)shifted << R(mantissa)) + (bits)V(all)(1));
    return sum * r;
}

/* 1 / (1 + e^-x), which is the smallest normal number where x lies below -greatest_exponent */
INLINE vec R(sigmoid)(vec x) {
    vec most = V(all)(R(greatest_exponent)), scale, rest = R(split_exp)(V(at_least)(V(at_most)(-x, most), -most), &scale);
    return V(all)(1) / (V(all)(1) + V(fma)(rest, scale, scale));
}

/* -(e^-2|x| - 1) / (2 + (e^-2|x| - 1)) with the sign of x */
INLINE vec R(tanh)(vec x) {
    vec size = V(at_most)(V(abs)(x), V(all)(22)), scale, rest = R(split_exp)(size * V(all)(-2), &scale);
    vec less = V(fma)(rest, scale, scale - V(all)(1));
    return V(signed)(V(abs)(less) / (less + V(all)(2)), x);
}
