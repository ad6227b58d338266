/* Products of matrices, a template over float and double (real.h). Matrices are given by two strides, in numbers:
 * A[i][k] is a[i * a_row + k * a_col], so a transposed or strided operand costs nothing.
 *
 *   gemm_tile    C (+)= A B for up to TILE_ROWS rows and one panel: PANEL = 2 LANES columns, in registers. B at b + k * ldb.
 *   pack_b       B [depth x columns] once into panels [columns / PANEL][depth][PANEL], zeros past the last column;
 *                packed_size says how many numbers that takes. Panel p starts at packed + p * depth * PANEL.
 *   gemm_packed  C (+)= A B for `rows` rows and `columns` columns of packed B, on the calling thread. For a range of rows shift `a` and `c`; for
 *                a range of columns, which starts at a multiple of PANEL, shift `packed` and `c`. `room`: NULL, or GEMM_ROOM
 *                numbers in which A is packed where that pays.
 *   gemm         C (+)= A B, from the start, on several threads; -1 when memory is out.
 *
 * (+)=: `accumulate` adds to C instead of setting it. An element of C is summed in an order that depends on depth (and for `gemm` on the whole
 * shape) alone: neither on the number of threads nor on where a range begins. Start C from a bias and accumulate to have the bias added. */
#include "real.h"
#include "scratch.h"

#ifndef GEMM_H
#define GEMM_H
/* blocks: B of GEMM_DEPTH x GEMM_COLUMNS and A of GEMM_ROWS x GEMM_DEPTH stay in the second cache, a panel of B in the first */
#ifdef WIDE_VECTORS
#define TILE_ROWS 12                    /* with two vectors a row 24 of 32 registers */
#else
#define TILE_ROWS 6                     /* 12 of 16 */
#endif
enum { GEMM_DEPTH = 320, GEMM_STEP = 192, GEMM_ROWS = 96, GEMM_COLUMNS = 384, GEMM_ROOM = GEMM_DEPTH * GEMM_ROWS };
#define GEMM_SERIAL 200000               /* products below this many multiplications stay on one thread */

/* The height of the next tile when `left` rows go into as few tiles as they can: 32 is 6 6 5 5 5 5, for a low tile wastes registers. */
INLINE int tile_height(isize left) {
    isize tiles = (left + TILE_ROWS - 1) / TILE_ROWS;
    return (int)((left + tiles - 1) / tiles);
}

/* How much of the depth one sum takes before it is added to C: as PyTorch's MKL does, found from outside, so that the last bits agree. */
INLINE isize depth_step(isize depth) { return depth >= 2 * GEMM_STEP ? GEMM_STEP : depth > GEMM_STEP ? depth / 2 : isize_max(depth, 1); }

/* The first of the even parts, whole numbers of `unit`, that `left` is cut into so that none is longer than `most`. */
INLINE isize even_part(isize left, isize most, isize unit) {
    isize parts = (left + most - 1) / most;
    return isize_min(left, up_to_multiple((left + parts - 1) / parts, unit));
}

/* Blocks of the depth where a sum has no model: as large as the cache likes, the last two even. */
INLINE isize depth_block(isize left) { return left > 2 * GEMM_DEPTH ? GEMM_DEPTH : left > GEMM_DEPTH ? (left + 1) / 2 : left; }
#endif

/* ---- the register tile */
#ifndef TILE_FETCHES                    /* whether a tile has a line fetched at every step of the depth, from `next` on */
#define TILE_FETCHES 0
#endif
typedef void (*R(tile_fn))(isize depth, const real *a, isize a_row, isize a_col, const real *b, isize ldb, real *c, isize ldc, int accumulate,
                           const real *next);
#define T(name) R(name)
#define T_V(name) V(name)
#define T_VEC vec
#ifdef __AVX2__                         /* without 16 wide registers a tile of two vectors would spill */
#define T_TWO
#endif
#include "gemm_tile.h"
#ifdef WIDE_VECTORS                     /* and half vectors, for the last columns */
#define T(name) R(half_##name)
#define T_V(name) PASTE(REAL, name)
#define T_VEC half_vec
#include "gemm_tile.h"
#endif

/* A tile of `rows` <= TILE_ROWS rows and `width` <= PANEL columns; B is read for whole UNITs. */
static void R(gemm_tile)(int rows, int width, isize depth, const real *a, isize a_row, isize a_col, const real *b, isize ldb, real *c, isize ldc,
                         int accumulate) {
    if (width % UNIT) {
        real part[TILE_ROWS * PANEL];
        R(gemm_tile)(rows, (int)up_to_multiple(width, UNIT), depth, a, a_row, a_col, b, ldb, part, PANEL, 0);
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < width; j++) c[i * ldc + j] = accumulate ? c[i * ldc + j] + part[i * PANEL + j] : part[i * PANEL + j];
        return;
    }
#ifdef __AVX2__
    if (width == PANEL) { R(two)[rows](depth, a, a_row, a_col, b, ldb, c, ldc, accumulate, b); return; }
#endif
    int j = 0;
    for (; j + LANES <= width; j += LANES) R(one)[rows](depth, a, a_row, a_col, b + j, ldb, c + j, ldc, accumulate, b);
#ifdef WIDE_VECTORS
    if (j < width) R(half_one)[rows](depth, a, a_row, a_col, b + j, ldb, c + j, ldc, accumulate, b);
#endif
}

/* C (+)= A B for one panel, packed, and tiles from the top of A to its end. Meanwhile `ahead` numbers from `next` on are fetched: of a B too large for
 * the cache that is next to the core, processors do not fetch one panel after the other by themselves. */
INLINE void R(gemm_strip)(isize rows, int width, isize depth, const real *a, isize a_row, isize a_col, const real *panel, real *c, isize ldc,
                          int accumulate, const real *next, isize ahead) {
    const isize line = 64 / sizeof(real);
    const real *end = next + ahead;
    isize share = ahead / ((rows + TILE_ROWS - 1) / TILE_ROWS) + line;
#if TILE_FETCHES && defined(__AVX2__)
    if (width == PANEL) {
        isize tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
        for (const real *late = next + tiles * depth * line; late < end; late += line) __builtin_prefetch(late, 0, 2);
        for (isize i = 0, h; i < rows; i += h, next += depth * line) {
            h = tile_height(rows - i);
            R(two)[h](depth, a + i * a_row, a_row, a_col, panel, PANEL, c + i * ldc, ldc, accumulate, next < end ? next : panel);
        }
        return;
    }
#endif
    for (isize i = 0, h; i < rows; i += h) {
        for (const real *stop = next + share; next < stop && next < end; next += line) __builtin_prefetch(next, 0, 2);
        h = tile_height(rows - i);
        R(gemm_tile)((int)h, width, depth, a + i * a_row, a_row, a_col, panel, PANEL, c + i * ldc, ldc, accumulate);
    }
}

/* ---- packing */
INLINE isize R(packed_size)(isize depth, isize columns) { return up_to_multiple(columns, PANEL) * depth; }

/* One panel of up to PANEL columns. */
static void R(pack_panel)(const real *b, isize b_row, isize b_col, isize depth, isize columns, real *packed) {
    if (b_col == 1 && columns == PANEL) {
        for (isize k = 0; k < depth; k++, b += b_row, packed += PANEL) {
            __builtin_prefetch(b + PANEL, 0, 2);          /* the next panel is most often packed next */
            V(store)(packed, V(load)(b));
            V(store)(packed + LANES, V(load)(b + LANES));
        }
        return;
    }
    if (b_col == 1) {
        int low = (int)isize_min(LANES, columns), high = (int)columns - low;
        for (isize k = 0; k < depth; k++, b += b_row, packed += PANEL) {
            V(store)(packed, V(load_part)(b, low));
            V(store)(packed + LANES, high ? V(load_part)(b + LANES, high) : V(all)(0));
        }
        return;
    }
    isize k = 0, blocks = columns / UNIT * UNIT;
    if (b_row == 1 && columns == PANEL)                   /* by halves: of more columns at once processors lose sight */
        for (int half = 0; half < PANEL; half += LANES)
            for (k = 0; k + LANES <= depth; k += LANES) V(transpose)(b + half * b_col + k, b_col, packed + k * PANEL + half, PANEL);
    for (; b_row == 1 && blocks && k + UNIT <= depth; k += UNIT) {
        if (columns < PANEL) memset(packed + k * PANEL, 0, UNIT * PANEL * sizeof(real));
        for (isize j = 0; j < blocks; j += UNIT) PASTE(REAL, transpose)(b + j * b_col + k, b_col, packed + k * PANEL + j, PANEL);
        for (isize j = blocks; j < columns; j++)
            for (isize i = k; i < k + UNIT; i++) packed[i * PANEL + j] = b[i + j * b_col];
    }
    for (; k < depth; k++) {
        real *to = packed + k * PANEL;
        V(store)(to, V(all)(0)), V(store)(to + LANES, V(all)(0));
        for (isize j = 0; j < columns; j++) to[j] = b[k * b_row + j * b_col];
    }
}

static void R(pack_b)(const real *b, isize b_row, isize b_col, isize depth, isize columns, real *packed) {
    for (isize j = 0; j < columns; j += PANEL) R(pack_panel)(b + j * b_col, b_row, b_col, depth, isize_min(PANEL, columns - j),
                                                             packed + j * depth);
}

/* Tiles of A one after another, each [depth][height]. */
static void R(pack_a)(const real *a, isize a_row, isize a_col, isize rows, isize depth, real *packed) {
    for (isize i = 0, h; i < rows; i += h) {
        h = tile_height(rows - i);
        const real *from = a + i * a_row;
        real *to = packed + i * depth;
        if (a_row == 1 && i + TILE_ROWS + LANES <= rows)  /* whole vectors: what is too much is overwritten by the next column */
            for (isize k = 0; k < depth; k++, from += a_col, to += h) {
                __builtin_prefetch(from + PANEL);         /* for the next tiles */
                for (isize v = 0; v < h; v += LANES) V(store)(to + v, V(load)(from + v));
            }
        else if (a_row == 1)
            for (isize k = 0; k < depth; k++, from += a_col, to += h)
                for (isize v = 0, n; v < h; v += n) {
                    n = isize_min(LANES, h - v);
                    V(store_part)(to + v, V(load_part)(from + v, (int)n), (int)n);
                }
        else if (a_col == 1)                              /* along the rows of A, which are contiguous */
            for (isize r = 0; r < h; r++)
                for (isize k = 0; k < depth; k++) to[k * h + r] = from[r * a_row + k];
        else
            for (isize k = 0; k < depth; k++)
                for (isize r = 0; r < h; r++) to[k * h + r] = from[r * a_row + k * a_col];
    }
}

/* ---- products */
/* One block of the depth, which B has in panels that start `panel_size` apart. */
static void R(gemm_block)(isize rows, isize columns, isize block, const real *a, isize a_row, isize a_col, const real *panels,
                          isize panel_size,
                          real *c, isize ldc, int accumulate, real *room) {
    /* packing A pays where it is read many times, and where its rows are not contiguous */
    int pack = room && columns >= 4 * PANEL && (a_col != 1 || columns > 512);
    for (isize i0 = 0; i0 < rows; i0 += GEMM_ROWS) {
        isize height = isize_min(GEMM_ROWS, rows - i0);
        const real *part = a + i0 * a_row;
        if (pack) R(pack_a)(part, a_row, a_col, height, block, room);
        for (isize j = 0; j < columns; j += PANEL) {
            int width = (int)isize_min(PANEL, columns - j);
            for (isize i = 0, h; i < height; i += h) {
                h = tile_height(height - i);
                R(gemm_tile)((int)h, width, block, pack ? room + i * block : part + i * a_row, pack ? 1 : a_row, pack ? h : a_col,
                             panels + j / PANEL * panel_size, PANEL, c + (i0 + i) * ldc + j, ldc, accumulate);
            }
        }
    }
}

static void R(gemm_packed)(isize rows, isize columns, isize depth, const real *a, isize a_row, isize a_col, const real *packed,
                           real *c,
                           isize ldc, int accumulate, real *room) {
    for (isize k = 0, step = depth_step(depth), block; k < depth; k += block) {
        block = isize_min(step, depth - k);
        R(gemm_block)(rows, columns, block, a + k * a_col, a_row, a_col, packed + k * PANEL, depth * PANEL, c, ldc, accumulate
                      || k > 0, room);
    }
}

/* B is row-major and so small, or A so low, that packing would not pay: it is read where it lies. `edge` holds its last panel, packed. */
static void R(gemm_unpacked)(isize rows, isize columns, isize depth, const real *a, isize a_row, isize a_col, const real *b,
                             isize b_row, real *c,
                             isize ldc, int accumulate, real *edge) {
    for (isize j = 0; j < columns; j += PANEL) {
        int width = (int)isize_min(PANEL, columns - j), whole = width % UNIT == 0;
        if (!whole) R(pack_panel)(b + j, b_row, 1, depth, width, edge);
        for (isize i = 0, h; i < rows; i += h) {
            h = tile_height(rows - i);
            R(gemm_tile)((int)h, width, depth, a + i * a_row, a_row, a_col, whole ? b + j : edge, whole ? b_row : PANEL,
                         c + i * ldc + j, ldc,
                         accumulate);
        }
    }
}

/* C (+)= A B on the calling thread. B is packed a piece at a time, which then stays in the cache. */
static void R(gemm_serial)(isize rows, isize columns, isize depth, const real *a, isize a_row, isize a_col, const real *b,
                           isize b_row, isize b_col,
                           real *c, isize ldc, int accumulate, int unpacked, real *room) {
    if (unpacked) {
        for (isize k = 0, step = depth_step(depth), block; k < depth; k += block) {
            block = isize_min(step, depth - k);
            R(gemm_unpacked)(rows, columns, block, a + k * a_col, a_row, a_col, b + k * b_row, b_row, c, ldc, accumulate || k > 0, room);
        }
        return;
    }
    real *packed = room + GEMM_ROOM;
    for (isize j = 0; j < columns; j += GEMM_COLUMNS) {
        isize width = isize_min(GEMM_COLUMNS, columns - j);
        for (isize k = 0, step = depth_step(depth), block; k < depth; k += block) {
            block = isize_min(step, depth - k);
            R(pack_b)(b + k * b_row + j * b_col, b_row, b_col, block, width, packed);
            R(gemm_block)(rows, width, block, a + k * a_col, a_row, a_col, packed, block * PANEL, c + j, ldc, accumulate
                          || k > 0, room);
        }
    }
}

static int R(gemm)(int threads, isize rows, isize columns, isize depth, const real *a, isize a_row, isize a_col, const real *b,
                   isize b_row,
                   isize b_col, real *c, isize ldc, int accumulate) {
    if (depth == 0 && !accumulate)
        for (isize i = 0; i < rows; i++) memset(c + i * ldc, 0, columns * sizeof(real));
    if (rows == 0 || columns == 0 || depth == 0) return 0;
    if ((double)rows * columns * depth < GEMM_SERIAL) threads = 1;
    /* decided by the whole shape, lest the sums depend on the number of threads */
    int unpacked = b_col == 1 && (rows <= 2 * TILE_ROWS || depth * columns <= 16384) && b_row <= 1024;
    size_t own = unpacked ? depth * PANEL : GEMM_ROOM + isize_min(GEMM_COLUMNS, up_to_multiple(columns,
                                                                                               PANEL)) * isize_min(depth, GEMM_DEPTH);
    real *room = scratch_get(threads * own * sizeof(real));
    if (!room) return -1;
    if (threads == 1) {
        R(gemm_serial)(rows, columns, depth, a, a_row, a_col, b, b_row, b_col, c, ldc, accumulate, unpacked, room);
        scratch_put(room);
        return 0;
    }
    int by_columns = columns >= rows;
    isize length = by_columns ? columns : rows, unit = by_columns ? PANEL : TILE_ROWS, units = (length + unit - 1) / unit;
#pragma omp parallel for num_threads(threads)
    for (int t = 0; t < threads; t++) {
        isize first = units * t / threads * unit, size = isize_min(units * (t + 1) / threads * unit, length) - first;
        if (size > 0)
            R(gemm_serial)(by_columns ? rows : size, by_columns ? size : columns, depth, by_columns ? a : a + first * a_row,
                           a_row, a_col,
                           by_columns ? b + first * b_col : b, b_row, b_col, c + first * (by_columns ? 1 : ldc), ldc, accumulate, unpacked,
                           room + t * own);
    }
    scratch_put(room);
    return 0;
}
