#include <math.h>
#include "norms.h"
#include "scratch.h"

#define PRAGMA(TEXT) _Pragma(#TEXT)
#define SHARE(work) PRAGMA(omp parallel for num_threads(threads) if (threads > 1 && (work) >= NORM_GRAIN))

/* What is summed: x; (x - mean)^2; or g and g (x - mean). */
enum { SUM, SQUARES, GRADIENTS };

enum { STRIP = 8 };                         /* vectors of columns of a matrix that go side by side */

/* Sums in double of the numbers of a vector, and the square root of one. */
INLINE void f32_add_wide(f64x4 *sum, f32x8 v) { sum[0] += f32_low(v), sum[1] += f32_high(v); }
INLINE void f64_add_wide(f64x4 *sum, f64x4 v) { sum[0] += v; }
INLINE float root_f32(float x) { return sqrtf(x); }
INLINE double root_f64(double x) { return sqrt(x); }

#define REAL f32
#define WIDE_PARTS 2
#include "norms_batch.h"
#include "norms_loops.h"
#undef REAL
#undef WIDE_PARTS
#define REAL f64
#define WIDE_PARTS 1
#include "norms_batch.h"
#include "norms_loops.h"
#undef REAL

#define FUNCTIONS(t) {                                                                                   \
    batch_forward_##t, batch_apply_##t, batch_backward_##t, inverse_roots_##t, blend_##t,                \
    groups_forward_##t, groups_backward_##t, rows_forward_##t, rows_backward_##t}
const norm_kernels ISA(norm_table) = {FUNCTIONS(f32), FUNCTIONS(f64)};
