#define REAL f32
#include "conv_gradient.h"
#undef REAL
#ifdef WIDE_VECTORS
const conv_kernels ISA(conv_table) = {{forward_f32, input_gradient_f32, weight_gradient_f32, channel_sums_f32}};
#else
#define REAL f64
#include "conv_gradient.h"
#undef REAL

const conv_kernels ISA(conv_table) = {{forward_f32, input_gradient_f32, weight_gradient_f32, channel_sums_f32},
                                      {forward_f64, input_gradient_f64, weight_gradient_f64, channel_sums_f64}};
#endif
