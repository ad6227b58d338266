#include <tgmath.h>
#include "optim.h"

#define INLINE static inline __attribute__((always_inline))

#define T float
#define NAME(f) f##_f32
#include "optim_steps.h"
#undef T
#undef NAME
#define T double
#define NAME(f) f##_f64
#include "optim_steps.h"

const optim_kernels ISA(optim_table) = {{sgd_f32, sgd_f64}, {adam_f32, adam_f64}, {rmsprop_f32, rmsprop_f64}};
