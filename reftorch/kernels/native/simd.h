/* Vectors of 8 floats or 4 doubles, in the compiler's own notation: + - * / and comparisons work on them as on numbers; processors with
 * narrower registers get several instructions. A comparison gives a mask of integers, all ones where it holds. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float f32x8 __attribute__((vector_size(32), may_alias));
typedef int32_t i32x8 __attribute__((vector_size(32), may_alias));
typedef uint32_t u32x8 __attribute__((vector_size(32), may_alias));
typedef double f64x4 __attribute__((vector_size(32), may_alias));
typedef int64_t i64x4 __attribute__((vector_size(32), may_alias));
typedef uint64_t u64x4 __attribute__((vector_size(32), may_alias));

INLINE f32x8 f32_load(const float *p) { f32x8 v; memcpy(&v, p, sizeof v); return v; }
INLINE void f32_store(float *p, f32x8 v) { memcpy(p, &v, sizeof v); }
INLINE f32x8 f32_all(float x) { return (f32x8){x, x, x, x, x, x, x, x}; }
INLINE f64x4 f64_load(const double *p) { f64x4 v; memcpy(&v, p, sizeof v); return v; }
INLINE void f64_store(double *p, f64x4 v) { memcpy(p, &v, sizeof v); }
INLINE f64x4 f64_all(double x) { return (f64x4){x, x, x, x}; }
#ifdef __AVX2__
INLINE f32x8 f32_where(i32x8 mask, f32x8 yes, f32x8 no) { return (f32x8)_mm256_blendv_ps((__m256)no, (__m256)yes, (__m256)mask); }
INLINE f64x4 f64_where(i64x4 mask, f64x4 yes, f64x4 no) { return (f64x4)_mm256_blendv_pd((__m256d)no, (__m256d)yes, (__m256d)mask); }
#else
INLINE f32x8 f32_where(i32x8 mask, f32x8 yes, f32x8 no) { return (f32x8)((mask & (i32x8)yes) | (~mask & (i32x8)no)); }
INLINE f64x4 f64_where(i64x4 mask, f64x4 yes, f64x4 no) { return (f64x4)((mask & (i64x4)yes) | (~mask & (i64x4)no)); }
#endif

/* The first n numbers at p, zeros after them; the first n of v to p. */
#ifdef __AVX2__
INLINE f32x8 f32_load_part(const float *p, int n) {
    return (f32x8)_mm256_maskload_ps(p, (__m256i)(n > (i32x8){0, 1, 2, 3, 4, 5, 6, 7}));
}
INLINE f64x4 f64_load_part(const double *p, int n) { return (f64x4)_mm256_maskload_pd(p, (__m256i)(n > (i64x4){0, 1, 2, 3})); }
#else
INLINE f32x8 f32_load_part(const float *p, int n) { f32x8 v = {0}; memcpy(&v, p, n * sizeof *p); return v; }
INLINE f64x4 f64_load_part(const double *p, int n) { f64x4 v = {0}; memcpy(&v, p, n * sizeof *p); return v; }
#endif
/* By halves: a masked store is slow microcode on some processors. */
INLINE void f32_store_part(float *p, f32x8 v, int n) {
    if (n >= 8) { f32_store(p, v); return; }
    if (n & 4) memcpy(p, &v, 16), v = __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3), p += 4;
    if (n & 2) memcpy(p, &v, 8), v = __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5), p += 2;
    if (n & 1) *p = v[0];
}
INLINE void f64_store_part(double *p, f64x4 v, int n) {
    if (n >= 4) { f64_store(p, v); return; }
    if (n & 2) memcpy(p, &v, 16), v = __builtin_shufflevector(v, v, 2, 3, 0, 1), p += 2;
    if (n & 1) *p = v[0];
}
INLINE float f32_sum(f32x8 v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }
INLINE double f64_sum(f64x4 v) { return (v[0] + v[2]) + (v[1] + v[3]); }

/* a * b + c: rounded once where the processor can, twice elsewhere */
#ifdef __FMA__
INLINE f32x8 f32_fma(f32x8 a, f32x8 b, f32x8 c) { return (f32x8)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
INLINE f64x4 f64_fma(f64x4 a, f64x4 b, f64x4 c) { return (f64x4)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
#else
INLINE f32x8 f32_fma(f32x8 a, f32x8 b, f32x8 c) { return a * b + c; }
INLINE f64x4 f64_fma(f64x4 a, f64x4 b, f64x4 c) { return a * b + c; }
#endif

/* Rows of registers become columns. */
INLINE void f32_transpose8(f32x8 *r) {
    f32x8 s[8], t[8];
#pragma GCC unroll 8
    for (int i = 0; i < 4; i++) {
        s[2 * i] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        s[2 * i + 1] = __builtin_shufflevector(r[2 * i], r[2 * i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 8
    for (int i = 0; i < 8; i += 4)
#pragma GCC unroll 2
        for (int h = 0; h < 2; h++) {
            t[i + 2 * h] = __builtin_shufflevector(s[i + h], s[i + 2 + h], 0, 1, 8, 9, 4, 5, 12, 13);
            t[i + 2 * h + 1] = __builtin_shufflevector(s[i + h], s[i + 2 + h], 2, 3, 10, 11, 6, 7, 14, 15);
        }
#pragma GCC unroll 8
    for (int i = 0; i < 4; i++) {
        r[i] = __builtin_shufflevector(t[i], t[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        r[i + 4] = __builtin_shufflevector(t[i], t[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}
INLINE void f64_transpose4(f64x4 *r) {
    f64x4 a = __builtin_shufflevector(r[0], r[1], 0, 4, 2, 6), b = __builtin_shufflevector(r[0], r[1], 1, 5, 3, 7);
    f64x4 c = __builtin_shufflevector(r[2], r[3], 0, 4, 2, 6), d = __builtin_shufflevector(r[2], r[3], 1, 5, 3, 7);
    r[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5), r[1] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    r[2] = __builtin_shufflevector(a, c, 2, 3, 6, 7), r[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

/* A block as wide and high as a vector is long: to[j * to_row + i] = from[i * from_row + j] */
INLINE void f32_transpose(const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
    f32x8 r[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) r[i] = f32_load(from + i * from_row);
    f32_transpose8(r);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) f32_store(to + i * to_row, r[i]);
}
INLINE void f64_transpose(const double *from, ptrdiff_t from_row, double *to, ptrdiff_t to_row) {
    f64x4 r[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) r[i] = f64_load(from + i * from_row);
    f64_transpose4(r);
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) f64_store(to + i * to_row, r[i]);
}

/* Whether a mask has a lane set. */
#ifdef __AVX2__
INLINE int f32_any(i32x8 mask) { return _mm256_movemask_ps((__m256)mask); }
INLINE int f64_any(i64x4 mask) { return _mm256_movemask_pd((__m256d)mask); }
#else
INLINE int f64_any(i64x4 mask) { return ((mask[0] | mask[1]) | (mask[2] | mask[3])) != 0; }
INLINE int f32_any(i32x8 mask) { return f64_any((i64x4)mask); }
#endif

/* The smaller and the larger of x and a bound; a NaN in x stays. */
#ifdef __AVX2__
INLINE f32x8 f32_at_most(f32x8 x, f32x8 bound) { return (f32x8)_mm256_min_ps((__m256)bound, (__m256)x); }
INLINE f32x8 f32_at_least(f32x8 x, f32x8 bound) { return (f32x8)_mm256_max_ps((__m256)bound, (__m256)x); }
INLINE f64x4 f64_at_most(f64x4 x, f64x4 bound) { return (f64x4)_mm256_min_pd((__m256d)bound, (__m256d)x); }
INLINE f64x4 f64_at_least(f64x4 x, f64x4 bound) { return (f64x4)_mm256_max_pd((__m256d)bound, (__m256d)x); }
#else
INLINE f32x8 f32_at_most(f32x8 x, f32x8 bound) { return f32_where(x > bound, bound, x); }
INLINE f32x8 f32_at_least(f32x8 x, f32x8 bound) { return f32_where(x < bound, bound, x); }
INLINE f64x4 f64_at_most(f64x4 x, f64x4 bound) { return f64_where(x > bound, bound, x); }
INLINE f64x4 f64_at_least(f64x4 x, f64x4 bound) { return f64_where(x < bound, bound, x); }
#endif
#ifdef __AVX2__
INLINE f64x4 f64_sqrt(f64x4 x) { return (f64x4)_mm256_sqrt_pd((__m256d)x); }
#else
INLINE f64x4 f64_sqrt(f64x4 x) { for (int i = 0; i < 4; i++) x[i] = __builtin_sqrt(x[i]); return x; }
#endif
INLINE f32x8 f32_abs(f32x8 x) { return (f32x8)((i32x8)x & INT32_MAX); }
INLINE f64x4 f64_abs(f64x4 x) { return (f64x4)((i64x4)x & INT64_MAX); }
INLINE f32x8 f32_signed(f32x8 size, f32x8 sign) { return (f32x8)((i32x8)size | ((i32x8)sign & INT32_MIN)); }     /* of a size >= 0 */
INLINE f64x4 f64_signed(f64x4 size, f64x4 sign) { return (f64x4)((i64x4)size | ((i64x4)sign & INT64_MIN)); }

/* The halves of 8 floats as doubles, and back. */
typedef float f32x4 __attribute__((vector_size(16), may_alias));
#ifdef __AVX2__
INLINE f64x4 f64_of(f32x4 x) { return (f64x4)_mm256_cvtps_pd((__m128)x); }
INLINE f32x4 f32_of(f64x4 x) { return (f32x4)_mm256_cvtpd_ps((__m256d)x); }
#else
INLINE f64x4 f64_of(f32x4 x) { return __builtin_convertvector(x, f64x4); }
INLINE f32x4 f32_of(f64x4 x) { return __builtin_convertvector(x, f32x4); }
#endif
INLINE f64x4 f32_low(f32x8 x) { return f64_of(__builtin_shufflevector(x, x, 0, 1, 2, 3)); }
INLINE f64x4 f32_high(f32x8 x) { return f64_of(__builtin_shufflevector(x, x, 4, 5, 6, 7)); }
INLINE f32x8 f32_join(f64x4 low, f64x4 high) { return __builtin_shufflevector(f32_of(low), f32_of(high), 0, 1, 2, 3, 4, 5, 6, 7); }

#ifdef SMALL                            /* larger functions, which come after these, are inlined where the compiler likes to */
#undef INLINE
#define INLINE static inline
#endif
