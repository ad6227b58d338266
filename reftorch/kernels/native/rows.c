#include "rows.h"
#include "vector_math.h"

#define PRAGMA(TEXT) _Pragma(#TEXT)
#define SHARE(work) PRAGMA(omp parallel for num_threads(threads) if (threads > 1 && (work) >= ROW_GRAIN))

/* e^x, of which it may be known that it is a normal number */
#define NORMAL_EXP 87
INLINE f32x8 f32_row_exp(f32x8 x, const int near) {
    if (!near) return f32_activation_exp(x);
    f32_power e = f32_exp_parts(x, 0);
    return f32_times_power(e.power, e.n);
}
INLINE f64x4 f64_row_exp(f64x4 x, const int near) { return f64_exp(x); }

#define REAL f32
#include "rows_loops.h"
#undef REAL
#define REAL f64
#include "rows_loops.h"
#undef REAL

#define FUNCTIONS(t) {softmax_##t, softmax_backward_##t, nll_##t, nll_backward_##t, running_sum_##t, add_rows_##t}
const row_kernels ISA(row_table) = {FUNCTIONS(f32), FUNCTIONS(f64)};
