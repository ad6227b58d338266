#include <math.h>
#include "norms.h"
#include "scratch.h"

#define PRAGMA(TEXT) _Pragma(#TEXT)
#define SHARE(work) PRAGMA(omp parallel for num_threads(threads) if (threads > 1 && (work) >= NORM_GRAIN))

/* What is summed: x; (x - mean)^2; or g and g (x - mean). */
enum { SUM, SQUARES, GRADIENTS };

#define REAL f32
#include "norms_loops.h"
#undef REAL
#define REAL f64
#include "norms_loops.h"
#undef REAL

#define FUNCTIONS(t) {forward_##t, backward_##t, rows_forward_##t, rows_backward_##t}
const norm_kernels ISA(norm_table) = {FUNCTIONS(f32), FUNCTIONS(f64)};
