/* The register tiles of the direct convolutions, a template (real.h). Each sums over the taps of a window or over pixels, with the addresses of the
 * padded image taken from the plan's table of offsets. */
#include "transform.h"

/* ---- rows are filters, columns are neighbouring pixels; w is [taps][rows] */
INLINE void R(window_body)(const int rows, const int vecs, isize taps, const real *w, const real *x, const int *offset, real *c,
                           isize ldc,
                           const real *bias, int accumulate) {
    vec sum[TILE_ROWS][4];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) sum[i][v] = V(all)(bias ? bias[i] : 0);
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)                       /* by the time that the sums are there, so is the memory for them */
        __builtin_prefetch(c + i * ldc, 1), __builtin_prefetch(c + i * ldc + vecs * LANES - 1, 1);
    for (isize k = 0; k < taps; k++, w += rows) {
        const real *at = x + offset[k];
        vec b[4];
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) b[v] = V(load)(at + v * LANES);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            vec weight = V(all)(w[i]);
#pragma GCC unroll 4
            for (int v = 0; v < vecs; v++) sum[i][v] = V(fma)(weight, b[v], sum[i][v]);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vecs; v++) {
            real *p = c + i * ldc + v * LANES;
            if (accumulate) sum[i][v] += V(load)(p);
            V(store)(p, sum[i][v]);
        }
}

#define WINDOW(ROWS, VECS) \
    static __attribute__((noinline)) void R(window_##ROWS##_##VECS)(isize taps, const real *w, const real *x, const int *offset, real *c, isize ldc, \
                                                                    const real *bias, int accumulate) { \
        R(window_body)(ROWS, VECS, taps, w, x, offset, c, ldc, bias, accumulate); \
    }
WINDOW(1, 1) WINDOW(2, 1) WINDOW(3, 1) WINDOW(4, 1) WINDOW(5, 1) WINDOW(6, 1)
#ifdef __AVX2__
WINDOW(1, 2) WINDOW(2, 2) WINDOW(3, 2) WINDOW(4, 2) WINDOW(5, 2) WINDOW(6, 2)
WINDOW(1, 4) WINDOW(2, 4) WINDOW(3, 4)
#endif
#undef WINDOW
typedef void (*R(window_fn))(isize, const real *, const real *, const int *, real *, isize, const real *, int);

/* `vecs` is 1, 2 or, up to three rows, 4. */
static void R(window_tile)(int rows, int vecs, isize taps, const real *w, const real *x, const int *offset, real *c, isize ldc,
                           const real *bias,
                           int accumulate) {
    static const R(window_fn) one[] = {0, R(window_1_1), R(window_2_1), R(window_3_1), R(window_4_1), R(window_5_1),
                                       R(window_6_1)};
#ifdef __AVX2__
    static const R(window_fn) two[] = {0, R(window_1_2), R(window_2_2), R(window_3_2), R(window_4_2), R(window_5_2),
                                       R(window_6_2)};
    static const R(window_fn) four[] = {0, R(window_1_4), R(window_2_4), R(window_3_4)};
    (vecs == 4 ? four : vecs == 2 ? two : one)[rows](taps, w, x, offset, c, ldc, bias, accumulate);
#else
    for (int v = 0; v < vecs; v++) one[rows](taps, w, x + v * LANES, offset, c + v * LANES, ldc, bias, accumulate);
#endif
}

/* ---- one filter of one channel: `rows` rows of results, side by side, so that what is loaded of x serves all of them */
INLINE void R(plane_body)(const int rows, const int kernel, const real *w, const real *x, isize row, const int *offset, isize width, real *c, real bias) {
    vec weight[25];
#pragma GCC unroll 25
    for (int k = 0; k < kernel * kernel; k++) weight[k] = V(all)(w[k]);
    for (isize j = 0; j < width; j += LANES) {
        isize from = isize_min(j, width - LANES);        /* the last vector moves left over what is done already */
        vec sum[4];
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++) sum[i] = V(all)(bias);
#pragma GCC unroll 8
        for (int h = 0; h < rows + kernel - 1; h++)
#pragma GCC unroll 5
            for (int k = 0; k < kernel; k++) {
                vec cell = V(load)(x + h * row + offset[k] + from);
#pragma GCC unroll 4
                for (int i = 0; i < rows; i++)
                    if (h >= i && h < i + kernel) sum[i] = V(fma)(weight[(h - i) * kernel + k], cell, sum[i]);
            }
#pragma GCC unroll 4
        for (int i = 0; i < rows; i++) V(store)(c + i * width + from, sum[i]);
    }
}

#define PLANE(ROWS, KERNEL) \
    static __attribute__((noinline)) void R(plane_##ROWS##_##KERNEL)(const real *w, const real *x, isize row, const int *offset, isize width, real *c, \
                                                                     real bias) { \
        R(plane_body)(ROWS, KERNEL, w, x, row, offset, width, c, bias); \
    }
PLANE(1, 3) PLANE(4, 3) PLANE(1, 5) PLANE(4, 5)
#undef PLANE

/* ---- rows are six pixels anywhere, columns are filters; w is [taps][PANEL], c is [6][PANEL]: the sum from `bias` or, without, added to c */
INLINE void R(pixel_body)(const int vecs, isize taps, const real *const *pixel, const int *offset, const real *w,
                          const real *bias, real *c) {
    vec sum[TILE_ROWS][2];
    const real *at[TILE_ROWS];
#pragma GCC unroll 6
    for (int i = 0; i < TILE_ROWS; i++) {
        at[i] = pixel[i];
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) sum[i][v] = bias ? V(load)(bias + v * LANES) : V(all)(0);
    }
    for (isize k = 0; k < taps; k++, w += PANEL) {
        isize o = offset[k];
        vec b0 = V(load)(w), b1 = vecs > 1 ? V(load)(w + LANES) : b0;
#pragma GCC unroll 6
        for (int i = 0; i < TILE_ROWS; i++) {
            vec x = V(all)(at[i][o]);
            sum[i][0] = V(fma)(x, b0, sum[i][0]);
            if (vecs > 1) sum[i][1] = V(fma)(x, b1, sum[i][1]);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < TILE_ROWS; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) {
            real *p = c + i * PANEL + v * LANES;
            if (!bias) sum[i][v] += V(load)(p);
            V(store)(p, sum[i][v]);
        }
}
static __attribute__((noinline)) void R(pixel_1)(isize taps, const real *const *pixel, const int *offset, const real *w,
                                                 const real *bias, real *c) {
    R(pixel_body)(1, taps, pixel, offset, w, bias, c);
}
#ifdef __AVX2__
static __attribute__((noinline)) void R(pixel_2)(isize taps, const real *const *pixel, const int *offset, const real *w,
                                                 const real *bias, real *c) {
    R(pixel_body)(2, taps, pixel, offset, w, bias, c);
}
#else
static void R(pixel_2)(isize taps, const real *const *pixel, const int *offset, const real *w, const real *bias, real *c) {
    R(pixel_1)(taps, pixel, offset, w, bias, c);
    R(pixel_1)(taps, pixel, offset, w + LANES, bias ? bias + LANES : NULL, c + LANES);
}
#endif

/* ---- rows are taps, columns are filters: c [rows][PANEL] += sum over rows of pixels of x[tap] * grad [pixels][PANEL] */
INLINE void R(gradient_body)(const int rows, const int vecs, isize lines, isize width, const real *x, const isize *line,
                             const int *offset,
                             const real *grad, real *c) {
    vec sum[TILE_ROWS][2];
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) sum[i][v] = V(all)(0);
    for (isize q = 0; q < lines; q++) {
        const real *at[TILE_ROWS];
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) at[i] = x + line[q] + offset[i];
        for (isize j = 0; j < width; j++, grad += PANEL) {
            vec b0 = V(load)(grad), b1 = vecs > 1 ? V(load)(grad + LANES) : b0;
#pragma GCC unroll 6
            for (int i = 0; i < rows; i++) {
                vec cell = V(all)(at[i][j]);
                sum[i][0] = V(fma)(cell, b0, sum[i][0]);
                if (vecs > 1) sum[i][1] = V(fma)(cell, b1, sum[i][1]);
            }
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) {
            real *p = c + i * PANEL + v * LANES;
            V(store)(p, V(load)(p) + sum[i][v]);
        }
}

#define GRADIENT(ROWS, VECS) \
    static __attribute__((noinline)) void R(gradient_##ROWS##_##VECS)(isize lines, isize width, const real *x, const isize *line, const int *offset, \
                                                                      const real *grad, real *c) { \
        R(gradient_body)(ROWS, VECS, lines, width, x, line, offset, grad, c); \
    }
GRADIENT(1, 1) GRADIENT(2, 1) GRADIENT(3, 1) GRADIENT(4, 1) GRADIENT(5, 1) GRADIENT(6, 1)
#ifdef __AVX2__
GRADIENT(1, 2) GRADIENT(2, 2) GRADIENT(3, 2) GRADIENT(4, 2) GRADIENT(5, 2) GRADIENT(6, 2)
#endif
#undef GRADIENT
typedef void (*R(gradient_fn))(isize, isize, const real *, const isize *, const int *, const real *, real *);

static void R(gradient_tile)(int rows, int vecs, isize lines, isize width, const real *x, const isize *line, const int *offset,
                             const real *grad,
                             real *c) {
    static const R(gradient_fn) one[] = {0, R(gradient_1_1), R(gradient_2_1), R(gradient_3_1), R(gradient_4_1), R(gradient_5_1),
                                         R(gradient_6_1)};
#ifdef __AVX2__
    static const R(gradient_fn) two[] = {0, R(gradient_1_2), R(gradient_2_2), R(gradient_3_2), R(gradient_4_2), R(gradient_5_2),
                                         R(gradient_6_2)};
    (vecs == 2 ? two : one)[rows](lines, width, x, line, offset, grad, c);
#else
    for (int v = 0; v < vecs; v++) one[rows](lines, width, x, line, offset, grad + v * LANES, c + v * LANES);
#endif
}

/* ---- rows are filters, columns are taps, summed along the pixels of a row: dw [filter][taps] += sum of grad * x[tap] */
INLINE void R(few_step)(const int filters, const int taps, const real *x, const int *offset, const real *grad, isize grad_filter, const int whole, int count,
                        vec sum[3][4]) {
    vec g[3];
#pragma GCC unroll 3
    for (int f = 0; f < filters; f++) g[f] = whole ? V(load)(grad + f * grad_filter) : V(load_part)(grad + f * grad_filter, count);
#pragma GCC unroll 4
    for (int t = 0; t < taps; t++) {
        vec cell = whole ? V(load)(x + offset[t]) : V(load_part)(x + offset[t], count);
#pragma GCC unroll 3
        for (int f = 0; f < filters; f++) sum[f][t] = V(fma)(g[f], cell, sum[f][t]);
    }
}
INLINE void R(few_body)(const int filters, const int taps, isize lines, isize width, const real *x, const isize *line,
                        const int *offset,
                        const real *grad, isize grad_filter, real *dw, isize dw_filter) {
    const isize whole = width / LANES * LANES;
    vec sum[3][4];
#pragma GCC unroll 3
    for (int f = 0; f < filters; f++)
#pragma GCC unroll 4
        for (int t = 0; t < taps; t++) sum[f][t] = V(all)(0);
    for (isize q = 0; q < lines; q++, grad += width) {
        const real *at = x + line[q];
        for (isize j = 0; j < whole; j += LANES) R(few_step)(filters, taps, at + j, offset, grad + j, grad_filter, 1, LANES, sum);
        if (whole < width) R(few_step)(filters, taps, at + whole, offset, grad + whole, grad_filter, 0, (int)(width - whole), sum);
    }
#pragma GCC unroll 3
    for (int f = 0; f < filters; f++)
#pragma GCC unroll 4
        for (int t = 0; t < taps; t++) dw[f * dw_filter + t] += V(sum)(sum[f][t]);
}

#define FEW(FILTERS, TAPS) \
    static __attribute__((noinline)) void R(few_##FILTERS##_##TAPS)(isize lines, isize width, const real *x, const isize *line, const int *offset, \
                                                                    const real *grad, isize grad_filter, real *dw, isize dw_filter) { \
        R(few_body)(FILTERS, TAPS, lines, width, x, line, offset, grad, grad_filter, dw, dw_filter); \
    }
FEW(1, 1) FEW(1, 2) FEW(1, 3) FEW(1, 4) FEW(2, 1) FEW(2, 2) FEW(2, 3) FEW(2, 4) FEW(3, 1) FEW(3, 2) FEW(3, 3) FEW(3, 4)
#undef FEW
typedef void (*R(few_fn))(isize, isize, const real *, const isize *, const int *, const real *, isize, real *, isize);
static const R(few_fn) R(few_tile)[4][5] = {{0}, {0, R(few_1_1), R(few_1_2), R(few_1_3), R(few_1_4)},
                                            {0, R(few_2_1), R(few_2_2), R(few_2_3), R(few_2_4)}, {0, R(few_3_1), R(few_3_2),
                                                                                                  R(few_3_3), R(few_3_4)}};
