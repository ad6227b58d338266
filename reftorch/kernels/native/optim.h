/* The step of an optimizer on one parameter, in one pass over memory: all arithmetic on an element is done while it is in registers, and rounds
 * as PyTorch's sequence of tensor operations does (add with alpha, lerp and addcmul round once, all others each time). */
#pragma once
#include <stddef.h>
#include "isa.h"

typedef struct {
    double sign;                    /* -1 to maximize: the gradient's is turned */
    double weight_decay;            /* this times the parameter goes into the gradient */
    double shrink;                  /* the parameter is first multiplied by this */
    double rate;                    /* minus the learning rate, or minus Adam's corrected step size */
    double momentum, gain;          /* of SGD's buffer: momentum * buffer + gain * grad */
    double weight;                  /* of a gradient in the average of gradients: lerp(average, grad, weight) */
    double decay, share;            /* of the average of squares: decay * average + share * grad ** 2 */
    double root, eps;               /* Adam divides by sqrt(square) / root + eps, RMSprop by sqrt(square) + eps */
    int nesterov;
    int left_over;                  /* torch: the fused kernels round these sums the other way round where elements do not fill a register */
} step_options;

/* Elements from..to-1 of a contiguous parameter; `state` holds the tensors that optim.pyx names, NULL where the options want none. */
typedef void (*step_range)(const step_options *o, void *p, const void *grad, void *const *state, ptrdiff_t from, ptrdiff_t to);
typedef struct { step_range f32, f64; } step_kernel;
typedef struct { step_kernel sgd, adam, rmsprop; } optim_kernels;
EVERY_ISA(optim_kernels, optim_table)
