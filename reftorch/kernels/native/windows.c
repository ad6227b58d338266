#include "windows.h"
#include "scratch.h"

/* For the lanes of a vector: whole numbers of that size, the places of windows, flat indices; and every other number of two vectors. */
typedef i32x8 ints_f32, places_f32;
typedef i64x4 ints_f64, indices_f64;
typedef int32_t places_f64 __attribute__((vector_size(16), may_alias));
typedef int64_t indices_f32 __attribute__((vector_size(64), may_alias));
INLINE f32x8 f32_evens(f32x8 a, f32x8 b) { return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14); }
INLINE f64x4 f64_evens(f64x4 a, f64x4 b) { return __builtin_shufflevector(a, b, 0, 2, 4, 6); }

#define REAL f32
#include "windows_loops.h"
#undef REAL
#define REAL f64
#include "windows_loops.h"
#undef REAL

#define FUNCTIONS(t) {max_##t, mean_##t, mean_adjoint_##t, gather_##t, scatter_##t, resample_##t, resample_adjoint_##t}
const window_kernels ISA(window_table) = {FUNCTIONS(f32), FUNCTIONS(f64)};
