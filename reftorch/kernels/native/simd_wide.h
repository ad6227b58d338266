/* Vectors of 16 floats or 8 doubles for processors with AVX-512: what simd.h has for half as many, as far as the families built for them need it
 * (WIDE_VECTORS, see isa.h). Every lane computes what it does there, to the last bit. */
#pragma once
#include "simd.h"

typedef float f32x16 __attribute__((vector_size(64), may_alias));
typedef int32_t i32x16 __attribute__((vector_size(64), may_alias));
typedef double f64x8 __attribute__((vector_size(64), may_alias));
typedef int64_t i64x8 __attribute__((vector_size(64), may_alias));

INLINE f32x16 wide_f32_load(const float *p) { return (f32x16)_mm512_loadu_ps(p); }
INLINE f64x8 wide_f64_load(const double *p) { return (f64x8)_mm512_loadu_pd(p); }
INLINE void wide_f32_store(float *p, f32x16 v) { _mm512_storeu_ps(p, (__m512)v); }
INLINE void wide_f64_store(double *p, f64x8 v) { _mm512_storeu_pd(p, (__m512d)v); }
INLINE f32x16 wide_f32_all(float x) { return (f32x16)_mm512_set1_ps(x); }
INLINE f64x8 wide_f64_all(double x) { return (f64x8)_mm512_set1_pd(x); }
INLINE f32x16 wide_f32_load_part(const float *p, int n) { return (f32x16)_mm512_maskz_loadu_ps((1u << n) - 1, p); }
INLINE f64x8 wide_f64_load_part(const double *p, int n) { return (f64x8)_mm512_maskz_loadu_pd((1u << n) - 1, p); }
INLINE void wide_f32_store_part(float *p, f32x16 v, int n) { _mm512_mask_storeu_ps(p, (1u << n) - 1, (__m512)v); }
INLINE void wide_f64_store_part(double *p, f64x8 v, int n) { _mm512_mask_storeu_pd(p, (1u << n) - 1, (__m512d)v); }
INLINE f32x16 wide_f32_fma(f32x16 a, f32x16 b, f32x16 c) { return (f32x16)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
INLINE f64x8 wide_f64_fma(f64x8 a, f64x8 b, f64x8 c) { return (f64x8)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
INLINE f32x16 wide_f32_where(i32x16 mask, f32x16 yes, f32x16 no) { return (f32x16)((mask & (i32x16)yes) | (~mask & (i32x16)no)); }
INLINE f64x8 wide_f64_where(i64x8 mask, f64x8 yes, f64x8 no) { return (f64x8)((mask & (i64x8)yes) | (~mask & (i64x8)no)); }
INLINE f32x16 wide_f32_at_most(f32x16 x, f32x16 bound) { return (f32x16)_mm512_min_ps((__m512)bound, (__m512)x); }
INLINE f64x8 wide_f64_at_most(f64x8 x, f64x8 bound) { return (f64x8)_mm512_min_pd((__m512d)bound, (__m512d)x); }
INLINE f32x16 wide_f32_at_least(f32x16 x, f32x16 bound) { return (f32x16)_mm512_max_ps((__m512)bound, (__m512)x); }
INLINE f64x8 wide_f64_at_least(f64x8 x, f64x8 bound) { return (f64x8)_mm512_max_pd((__m512d)bound, (__m512d)x); }
INLINE f32x16 wide_f32_abs(f32x16 x) { return (f32x16)((i32x16)x & INT32_MAX); }
INLINE f64x8 wide_f64_abs(f64x8 x) { return (f64x8)((i64x8)x & INT64_MAX); }
INLINE f32x16 wide_f32_signed(f32x16 size, f32x16 sign) { return (f32x16)((i32x16)size | ((i32x16)sign & INT32_MIN)); }
INLINE f64x8 wide_f64_signed(f64x8 size, f64x8 sign) { return (f64x8)((i64x8)size | ((i64x8)sign & INT64_MIN)); }

INLINE void wide_f32_transpose(const float *from, ptrdiff_t from_row, float *to, ptrdiff_t to_row) {
    for (int i = 0; i < 16; i += 8)
        for (int j = 0; j < 16; j += 8) f32_transpose(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
}
INLINE void wide_f64_transpose(const double *from, ptrdiff_t from_row, double *to, ptrdiff_t to_row) {
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 8; j += 4) f64_transpose(from + i * from_row + j, from_row, to + j * to_row + i, to_row);
}
