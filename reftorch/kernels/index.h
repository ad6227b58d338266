/* Reading and writing at computed places.  Every loop walks an index array `ix` together with an operand `b`, and meets the
 * element of `a` that lies `ix[j] * stride` bytes beyond the walking pointer:
 *     gather  b = a[ix]        put  a[ix] = b        add, mul, min, max  a[ix] = a[ix] op b
 * Copies are written once an item size, arithmetic once a type.  A loop stops at the first index outside 0..limit-1. */
#include <complex.h>
#include <numpy/ndarraytypes.h>
#include <stdint.h>

typedef struct { char *a, *b; const char *ix; npy_intp n, step_a, step_b, step_ix, stride, limit, bad; } index_row;
typedef int (*index_loop)(index_row *);
typedef struct { uint64_t lo, hi; } item16;

/* `once` is the case of whole rows: one index for contiguous neighbours, which the compiler can vectorise. */
#define INDEX_LOOP(NAME, T, STATEMENT) \
static int NAME(index_row *r) { \
    char *a = r->a, *b = r->b; const char *ix = r->ix; npy_intp stride = r->stride, limit = r->limit; \
    if (r->step_ix == 0 && r->step_a == sizeof(T) && r->step_b == sizeof(T)) { \
        npy_intp k = *(const npy_intp *)ix; \
        if ((npy_uintp)k >= (npy_uintp)limit) { r->bad = k; return 1; } \
        T *x = (T *)(a + k * stride), *y = (T *)b; \
        for (npy_intp j = 0; j < r->n; j++, x++, y++) { STATEMENT; } \
        return 0; \
    } \
    npy_intp sa = r->step_a, sb = r->step_b, si = r->step_ix; \
    for (npy_intp j = 0; j < r->n; j++, a += sa, b += sb, ix += si) { \
        npy_intp k = *(const npy_intp *)ix; \
        if ((npy_uintp)k >= (npy_uintp)limit) { r->bad = k; return 1; } \
        T *x = (T *)(a + k * stride), *y = (T *)b; \
        STATEMENT; \
    } \
    return 0; \
}

#define ITEM_SIZES(X) X(uint8_t, 1) X(uint16_t, 2) X(uint32_t, 4) X(uint64_t, 8) X(item16, 16)
#define COPY_LOOPS(T, SIZE) INDEX_LOOP(gather_##SIZE, T, *y = *x) INDEX_LOOP(put_##SIZE, T, *x = *y)
ITEM_SIZES(COPY_LOOPS)

#define REAL_TYPES(X) X(uint8_t, u8) X(int8_t, i8) X(int16_t, i16) X(int32_t, i32) X(int64_t, i64) X(float, f32) X(double, f64)
#define RING_TYPES(X) REAL_TYPES(X) X(float complex, c64) X(double complex, c128)
#define RING_LOOPS(T, N) INDEX_LOOP(add_##N, T, *x += *y) INDEX_LOOP(mul_##N, T, *x *= *y)
/* a NaN on either side wins */
#define ORDER_LOOPS(T, N) INDEX_LOOP(min_##N, T, *x = (*y < *x || *y != *y) ? *y : *x) INDEX_LOOP(max_##N, T, *x = (*y > *x || *y != *y) ? *y : *x)
RING_TYPES(RING_LOOPS)
REAL_TYPES(ORDER_LOOPS)
INDEX_LOOP(add_b1, uint8_t, *x |= *y)
INDEX_LOOP(mul_b1, uint8_t, *x &= *y)

enum { OP_GATHER, OP_PUT, OP_ADD, OP_MUL, OP_MIN, OP_MAX };

static index_loop index_loop_for(int op, int type, int size) {
#define COPY_CASE(T, SIZE) case SIZE: return op == OP_GATHER ? gather_##SIZE : put_##SIZE;
#define RING(N) op == OP_ADD ? add_##N : op == OP_MUL ? mul_##N
#define ORDERED(N) RING(N) : op == OP_MIN ? min_##N : max_##N
    if (op <= OP_PUT) switch (size) { ITEM_SIZES(COPY_CASE) default: return NULL; }
    switch (type) {
        case NPY_BOOL: return RING(b1) : op == OP_MIN ? mul_b1 : add_b1;
        case NPY_UINT8: return ORDERED(u8);
        case NPY_INT8: return ORDERED(i8);
        case NPY_INT16: return ORDERED(i16);
        case NPY_INT32: return ORDERED(i32);
        case NPY_INT64: return ORDERED(i64);
        case NPY_FLOAT32: return ORDERED(f32);
        case NPY_FLOAT64: return ORDERED(f64);
        case NPY_COMPLEX64: return RING(c64) : NULL;
        case NPY_COMPLEX128: return RING(c128) : NULL;
        default: return NULL;
    }
}

/* All rows: dims other than `inner` are counted by hand. Strides are in bytes, one set a walking pointer. */
static int index_run(index_loop loop, index_row *row, int nd, const npy_intp *shape, const npy_intp *sa, const npy_intp *sb, const npy_intp *si,
                     int inner) {
    npy_intp at[64] = {0}, rows = 1;
    if (nd == 0) {
        row->n = 1;
        return loop(row);
    }
    for (int d = 0; d < nd; d++) {
        if (shape[d] == 0) return 0;
        if (d != inner) rows *= shape[d];
    }
    row->n = shape[inner];
    row->step_a = sa[inner], row->step_b = sb[inner], row->step_ix = si[inner];
    while (rows--) {
        if (loop(row)) return 1;
        for (int d = nd - 1; d >= 0; d--) {
            if (d == inner) continue;
            row->a += sa[d], row->b += sb[d], row->ix += si[d];
            if (++at[d] < shape[d]) break;
            row->a -= sa[d] * shape[d], row->b -= sb[d] * shape[d], row->ix -= si[d] * shape[d];
            at[d] = 0;
        }
    }
    return 0;
}
