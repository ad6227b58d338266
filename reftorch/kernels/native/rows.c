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

static void copy_piece(isize bytes, const void *x, void *y) {
    isize i = 0, n = bytes >= COPY_LEAST && bytes <= COPY_MOST ? bytes / (isize)sizeof(float) : 0;
    for (; i + 32 <= n; i += 32) {
        const float *from = (const float *)x + i;
        float *to = (float *)y + i;
        const f32x8 a = f32_load(from), b = f32_load(from + 8), c = f32_load(from + 16), d = f32_load(from + 24);
        f32_store(to, a), f32_store(to + 8, b), f32_store(to + 16, c), f32_store(to + 24, d);
    }
    i *= sizeof(float);
    memcpy((char *)y + i, (const char *)x + i, bytes - i);
}

static void copy(int threads, isize bytes, const void *x, void *y) {
    if (threads == 1 || bytes < COPY_GRAIN) {
        copy_piece(bytes, x, y);
        return;
    }
    const isize piece = up_to_multiple((bytes + threads - 1) / threads, 4096);
    PRAGMA(omp parallel for num_threads(threads))
    for (isize i = 0; i < bytes; i += piece) copy_piece(isize_min(piece, bytes - i), (const char *)x + i, (char *)y + i);
}

/* Rows are fetched ahead. */
INLINE void pick_row(isize i, isize count, isize bytes, const char *x, const int64_t *from, char *y) {
    const char *row = x + from[i] * bytes, *later = x + from[isize_min(i + ROWS_AHEAD, count - 1)] * bytes;
    isize k = 0;
    for (; k + 64 <= bytes; k += 64) {
        const f32x8 a = f32_load((const float *)(row + k)), b = f32_load((const float *)(row + k + 32));
        __builtin_prefetch(later + k);
        f32_store((float *)(y + i * bytes + k), a), f32_store((float *)(y + i * bytes + k + 32), b);
    }
    memcpy(y + i * bytes + k, row + k, bytes - k);
}

static void pick(int threads, isize count, isize bytes, const void *x, const int64_t *from, void *y) {
    if (threads > 1 && count * bytes >= PICK_GRAIN) {
        PRAGMA(omp parallel for num_threads(threads))
        for (isize i = 0; i < count; i++) pick_row(i, count, bytes, x, from, y);
    } else
        for (isize i = 0; i < count; i++) pick_row(i, count, bytes, x, from, y);
}

/* torch: bags of float32 add products up with one rounding, those of float64 with two */
INLINE f32x8 f32_bag_add(f32x8 sum, f32x8 factor, f32x8 x) { return f32_fma(factor, x, sum); }
INLINE f64x4 f64_bag_add(f64x4 sum, f64x4 factor, f64x4 x) { return sum + factor * x; }

#define REAL f32
#include "rows_loops.h"
#undef REAL
#define REAL f64
#include "rows_loops.h"
#undef REAL

#define FUNCTIONS(t) {softmax_##t, softmax_backward_##t, nll_##t, nll_backward_##t, running_sum_##t, add_rows_##t, bag_sums_##t}
const row_kernels ISA(row_table) = {FUNCTIONS(f32), FUNCTIONS(f64), copy, pick};
