/* Headers that serve float and double alike are templates: their user says which, and includes them once for each.
 *
 *     #define REAL f32
 *     #include "gemm.h"
 *     #undef REAL
 *     #define REAL f64
 *     #include "gemm.h"
 *     #undef REAL
 *
 * Inside, `real` is the number, `vec` a vector of LANES of it, R(name) a function of the template (gemm_f32), V(load) one of simd.h;
 * a build with wide vectors (WIDE_VECTORS, isa.h) takes those of simd_wide.h. */
#pragma once
#include <stddef.h>
#ifdef WIDE_VECTORS
#include "simd_wide.h"
#else
#include "simd.h"
#endif

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define R(name) PASTE(name, REAL)
#ifdef WIDE_VECTORS
#define V(name) PASTE(wide, PASTE(REAL, name))
#else
#define V(name) PASTE(REAL, name)
#endif
#define real PASTE(real, REAL)
#define vec PASTE(vec, REAL)
#define bits PASTE(bits, REAL)         /* of a vec, as whole numbers */
#define LANES PASTE(lanes, REAL)
#define PANEL (2 * LANES)               /* columns of a register tile */
#define UNIT PASTE(unit, REAL)          /* columns that it need not waste: a vector, or half of a wide one */
#define half_vec PASTE(half_vec, REAL)

typedef float real_f32;
typedef double real_f64;
#ifdef WIDE_VECTORS
typedef f32x16 vec_f32;
typedef f64x8 vec_f64;
typedef i32x16 bits_f32;
typedef i64x8 bits_f64;
typedef f32x8 half_vec_f32;
typedef f64x4 half_vec_f64;
enum { lanes_f32 = 16, lanes_f64 = 8 };
#else
typedef f32x8 vec_f32;
typedef f64x4 vec_f64;
typedef i32x8 bits_f32;
typedef i64x4 bits_f64;
enum { lanes_f32 = 8, lanes_f64 = 4 };
#endif
enum { unit_f32 = 8, unit_f64 = 4 };
typedef ptrdiff_t isize;

INLINE isize isize_min(isize a, isize b) { return a < b ? a : b; }
INLINE isize isize_max(isize a, isize b) { return a > b ? a : b; }
INLINE isize up_to_multiple(isize n, isize of) { return (n + of - 1) / of * of; }
