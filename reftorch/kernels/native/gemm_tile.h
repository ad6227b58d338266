/* The register tiles of gemm.h, a template over REAL (real.h) and the length of vectors: T(name) is a function of it, T_V(name) one of simd.h.
 * T(one)[rows] is C (+)= A B for as many rows and one vector of columns, T(two)[rows] for two of them. */
INLINE void T(tile_body)(const int rows, const int vecs, isize depth, const real *a, isize a_row, isize a_col, const real *b, isize ldb, real *c,
                         isize ldc, int accumulate, const real *next) {
    enum { WIDTH = sizeof(T_VEC) / sizeof(real) };
    T_VEC sum[TILE_ROWS][2];
    const real *at[TILE_ROWS / 3];                       /* a pointer and three multiples of the stride reach three rows */
    real *line = c;
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) sum[i][v] = T_V(all)(0);
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++, line += ldc)          /* by the time that the sums are there, so is the memory for them */
        __builtin_prefetch(line, 1), __builtin_prefetch(line + vecs * WIDTH - 1, 1);
    __asm__("" : "+r"(c));                               /* its rows are found anew: as many pointers would not stay in registers */
#pragma GCC unroll 4
    for (int t = 0; t < TILE_ROWS / 3; t++) at[t] = a + 3 * t * a_row;
    for (isize k = 0; k < depth; k++) {
        T_VEC b0 = T_V(load)(b), b1 = vecs > 1 ? T_V(load)(b + WIDTH) : b0;
#pragma GCC unroll 12
        for (int i = 0; i < rows; i++) {
            T_VEC x = T_V(all)(at[i / 3][i % 3 * a_row]);
            sum[i][0] = T_V(fma)(x, b0, sum[i][0]);
            if (vecs > 1) sum[i][1] = T_V(fma)(x, b1, sum[i][1]);
        }
#pragma GCC unroll 4
        for (int t = 0; t < TILE_ROWS / 3; t++) at[t] += a_col;
        b += ldb;
        if (TILE_FETCHES) __builtin_prefetch(next, 0, 2), next += 64 / sizeof(real);
    }
#pragma GCC unroll 12
    for (int i = 0; i < rows; i++, c += ldc)
#pragma GCC unroll 2
        for (int v = 0; v < vecs; v++) {
            if (accumulate) sum[i][v] += T_V(load)(c + v * WIDTH);
            T_V(store)(c + v * WIDTH, sum[i][v]);
        }
}

/* One function a height and width, so that the sums stay in registers. */
#define TILE(ROWS, VECS) \
    static __attribute__((noinline)) void T(tile_##ROWS##_##VECS)(isize depth, const real *a, isize a_row, isize a_col, const real *b, isize ldb, \
                                                                  real *c, isize ldc, int accumulate, const real *next) { \
        T(tile_body)(ROWS, VECS, depth, a, a_row, a_col, b, ldb, c, ldc, accumulate, next); \
    }
#if TILE_ROWS == 12
#define EVERY_TILE(EACH, VECS) EACH(1, VECS) EACH(2, VECS) EACH(3, VECS) EACH(4, VECS) EACH(5, VECS) EACH(6, VECS) \
    EACH(7, VECS) EACH(8, VECS) EACH(9, VECS) EACH(10, VECS) EACH(11, VECS) EACH(12, VECS)
#else
#define EVERY_TILE(EACH, VECS) EACH(1, VECS) EACH(2, VECS) EACH(3, VECS) EACH(4, VECS) EACH(5, VECS) EACH(6, VECS)
#endif
#define NAME(ROWS, VECS) , T(tile_##ROWS##_##VECS)
EVERY_TILE(TILE, 1)
static const R(tile_fn) T(one)[] = {0 EVERY_TILE(NAME, 1)};
#ifdef T_TWO
EVERY_TILE(TILE, 2)
static const R(tile_fn) T(two)[] = {0 EVERY_TILE(NAME, 2)};
#endif
#undef TILE
#undef EVERY_TILE
#undef NAME
#undef T
#undef T_V
#undef T_VEC
#undef T_TWO
