#include "reduce_kernels.h"
#define REAL f32
#include "reduce.h"
#undef REAL
#define REAL f64
#include "reduce.h"
#undef REAL

const reduce_kernels ISA(reduce_table) = {sum_middle_f32, sum_middle_f64};
