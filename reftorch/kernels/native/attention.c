#include "attention.h"
#include "scratch.h"
#include "vector_math.h"

/* e^x as PyTorch's attention has it: good to 20 bits of it, and 0 where it is no normal number. */
INLINE f32x8 f32_weight_exp(f32x8 x) {
    static const float terms[] = {0.00828929059f, 0.0418978221f, 0.166676521f, 0.499991506f, 0.999999701f, 1.0f};
    const float low = -87.3365478515625f, high = 88.72283935546875f;
    const f32x8 whole = f32_all(12582912.0f), near = f32_at_least(f32_at_most(x, f32_all(high)), f32_all(low));
    f32x8 y = f32_fma(near, f32_all((float)LOG2_E), f32_all(.5f)), n = (y + whole) - whole;
    n = n - f32_where(n > y, f32_all(1), f32_all(0));
    f32x8 r = f32_fma(-n, f32_all((float)LN_2), near), p = f32_all(terms[0]);
#pragma GCC unroll 5
    for (int i = 1; i < 6; i++) p = f32_fma(r, p, f32_all(terms[i]));
    i32x8 exponent = (i32x8)((n - f32_all(1)) + (whole + f32_all(127))) << 23;
    return f32_where(x < f32_all(low), f32_all(0), p * (f32x8)exponent * f32_all(2));
}
INLINE f64x4 f64_weight_exp(f64x4 x) { return f64_exp(x); }
INLINE float f32_scalar_log(float x) { return logf(x); }
INLINE double f64_scalar_log(double x) { return log(x); }

#define REAL f32
#include "attention_loops.h"
#undef REAL
#define REAL f64
#include "attention_loops.h"
#undef REAL

const attention_kernels ISA(attention_table) = {{forward_f32, backward_f32}, {forward_f64, backward_f64}};
