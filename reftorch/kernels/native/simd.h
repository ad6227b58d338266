/* Vectors of 8 floats or 4 doubles, in the compiler's own notation: + - * / and comparisons work on them as on numbers; processors with
 * narrower registers get several instructions. A comparison gives a mask of integers, all ones where it holds. */
#pragma once
#include <stdint.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#define INLINE static inline __attribute__((always_inline))

typedef float f32x8 __attribute__((vector_size(32), may_alias));
typedef int32_t i32x8 __attribute__((vector_size(32), may_alias));
typedef double f64x4 __attribute__((vector_size(32), may_alias));
typedef int64_t i64x4 __attribute__((vector_size(32), may_alias));

INLINE f32x8 f32_load(const float *p) { f32x8 v; memcpy(&v, p, sizeof v); return v; }
INLINE void f32_store(float *p, f32x8 v) { memcpy(p, &v, sizeof v); }
INLINE f32x8 f32_all(float x) { return (f32x8){x, x, x, x, x, x, x, x}; }
INLINE f32x8 f32_where(i32x8 mask, f32x8 yes, f32x8 no) { return (f32x8)((mask & (i32x8)yes) | (~mask & (i32x8)no)); }
INLINE f64x4 f64_load(const double *p) { f64x4 v; memcpy(&v, p, sizeof v); return v; }
INLINE void f64_store(double *p, f64x4 v) { memcpy(p, &v, sizeof v); }
INLINE f64x4 f64_all(double x) { return (f64x4){x, x, x, x}; }
INLINE f64x4 f64_where(i64x4 mask, f64x4 yes, f64x4 no) { return (f64x4)((mask & (i64x4)yes) | (~mask & (i64x4)no)); }

/* a * b + c: rounded once where the processor can, twice elsewhere */
#ifdef __FMA__
INLINE f32x8 f32_fma(f32x8 a, f32x8 b, f32x8 c) { return (f32x8)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
INLINE f64x4 f64_fma(f64x4 a, f64x4 b, f64x4 c) { return (f64x4)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
#else
INLINE f32x8 f32_fma(f32x8 a, f32x8 b, f32x8 c) { return a * b + c; }
INLINE f64x4 f64_fma(f64x4 a, f64x4 b, f64x4 c) { return a * b + c; }
#endif
