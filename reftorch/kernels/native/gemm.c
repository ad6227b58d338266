#include "gemm_kernels.h"
#define REAL f32
#include "gemm_batch.h"
#undef REAL
#define REAL f64
#include "gemm_batch.h"
#undef REAL

const gemm_kernels ISA(gemm_table) = {gemm_batch_f32, gemm_batch_f64};
