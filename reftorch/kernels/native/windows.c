#include "windows.h"
#include "scratch.h"

typedef i32x8 ints_f32;
typedef i64x4 ints_f64;

#define REAL f32
#include "windows_loops.h"
#undef REAL
#define REAL f64
#include "windows_loops.h"
#undef REAL

#define FUNCTIONS(t) {max_##t, mean_##t, mean_adjoint_##t, gather_##t, scatter_##t, resample_##t, resample_adjoint_##t}
const window_kernels ISA(window_table) = {FUNCTIONS(f32), FUNCTIONS(f64)};
