/* Headers that serve float and double alike are templates: their user says which, and includes them once for each.
 *
 *     #define REAL f32
 *     #include "gemm.h"
 *     #undef REAL
 *     #define REAL f64
 *     #include "gemm.h"
 *     #undef REAL
 *
 * Inside, `real` is the number, `vec` a vector of LANES of it, R(name) a function of the template (gemm_f32), V(load) one of simd.h. */
#pragma once
#include <stddef.h>
#include "simd.h"

#define PASTE_(a, b) a##_##b
#define PASTE(a, b) PASTE_(a, b)
#define R(name) PASTE(name, REAL)
#define V(name) PASTE(REAL, name)
#define real PASTE(real, REAL)
#define vec PASTE(vec, REAL)
#define LANES PASTE(lanes, REAL)
#define PANEL (2 * LANES)               /* columns of a register tile */

typedef float real_f32;
typedef double real_f64;
typedef f32x8 vec_f32;
typedef f64x4 vec_f64;
enum { lanes_f32 = 8, lanes_f64 = 4 };
typedef ptrdiff_t isize;

INLINE isize isize_min(isize a, isize b) { return a < b ? a : b; }
INLINE isize isize_max(isize a, isize b) { return a > b ? a : b; }
INLINE isize up_to_multiple(isize n, isize of) { return (n + of - 1) / of * of; }
