#undef SMALL                            /* elementary functions would be a sixth as fast */
#include "pointwise_kernels.h"
#include "vector_math.h"

/* x + y, and where that is how a row is added up, the sum of the row in the order of reduce.pyx */
#define SUM_LOOP                                                                                         \
    static void R(sum_loop)(char **p, const npy_intp *n, const npy_intp *s, void *unused) {              \
        if (p[0] == p[2] && s[0] == 0 && s[2] == 0 && s[1] == sizeof(real)) {                            \
            real sum;                                                                                    \
            R(sum_of_row)((const real *)p[1], n[0], 1, &sum);                                            \
            *(real *)p[2] += sum;                                                                        \
            return;                                                                                      \
        }                                                                                                \
        for (npy_intp i = 0; i < n[0]; i++)                                                              \
            *(real *)(p[2] + i * s[2]) = *(real *)(p[0] + i * s[0]) + *(real *)(p[1] + i * s[1]);        \
    }

#define REAL f32
#include "elementary.h"
#include "cascade.h"
FUNCTIONS_F32(LOOP)
SUM_LOOP
#undef REAL
#define REAL f64
#include "elementary.h"
#include "cascade.h"
SUM_LOOP
#undef REAL

#define ENTRIES(NAME, COUNT, ...) {#NAME, NAME##_loop_f32, COUNT, 'f'}, {#NAME, NAME##_loop_f64, COUNT, 'd'},
#define ENTRY_F32(NAME, COUNT, EXPR) {#NAME, NAME##_loop_f32, COUNT, 'f'},
static const pointwise_entry entries[] = {FUNCTIONS(ENTRIES) STEPPED_FUNCTIONS(ENTRIES) FUNCTIONS_F32(ENTRY_F32) ENTRIES(sum, 2, ) {0, 0, 0, 0}};

const pointwise_kernels ISA(elementary_table) = {entries};
