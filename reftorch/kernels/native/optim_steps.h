/* The loops of optim.h for one type T. A flag that decides which tensors are read is a constant of its own copy of the loop. */

#define GRADIENT(i) ({ T g = sign * grad[i]; decays ? fma(weight_decay, p[i], g) : g; })
#define LERP(from, to) (near ? fma(weight, (to) - (from), from) : fma(weight - 1, (to) - (from), to))
#define OPTIONS                                                                                                            \
    const T sign = o->sign, weight_decay = o->weight_decay, rate = o->rate;                                                \
    const int decays = o->weight_decay != 0, left_over = o->left_over;

INLINE void NAME(sgd_loop)(const step_options *o, T *restrict p, const T *restrict grad, T *restrict buffer, const int with_momentum,
                           ptrdiff_t from, ptrdiff_t to) {
    OPTIONS
    const T momentum = o->momentum, gain = o->gain;
    const int nesterov = o->nesterov;
    for (ptrdiff_t i = from; i < to; i++) {
        T g = GRADIENT(i);
        if (with_momentum) {
            T b = buffer[i] = left_over ? fma(momentum, buffer[i], gain * g) : fma(gain, g, buffer[i] * momentum);
            g = nesterov ? fma(momentum, b, g) : b;
        }
        p[i] = fma(rate, g, p[i]);
    }
}

static void NAME(sgd)(const step_options *o, void *p, const void *grad, void *const *state, ptrdiff_t from, ptrdiff_t to) {
    if (state[0]) NAME(sgd_loop)(o, p, grad, state[0], 1, from, to);
    else NAME(sgd_loop)(o, p, grad, NULL, 0, from, to);
}

INLINE void NAME(adam_loop)(const step_options *o, T *restrict p, const T *restrict grad, T *restrict mean, T *restrict square,
                            T *restrict largest, const int amsgrad, ptrdiff_t from, ptrdiff_t to) {
    OPTIONS
    const T shrink = o->shrink, weight = o->weight, decay = o->decay, share = o->share, root = o->root, eps = o->eps;
    const int near = fabs(weight) < (T)0.5;
    for (ptrdiff_t i = from; i < to; i++) {
        T g = GRADIENT(i);
        T m = mean[i] = LERP(mean[i], g);
        T v = square[i] = left_over ? fma(decay, square[i], share * g * g) : fma(share * g, g, square[i] * decay);
        if (amsgrad) v = largest[i] = largest[i] > v || largest[i] != largest[i] ? largest[i] : v;
        p[i] = p[i] * shrink + rate * m / (sqrt(v) / root + eps);
    }
}

/* state: exp_avg, exp_avg_sq, max_exp_avg_sq */
static void NAME(adam)(const step_options *o, void *p, const void *grad, void *const *state, ptrdiff_t from, ptrdiff_t to) {
    if (state[2]) NAME(adam_loop)(o, p, grad, state[0], state[1], state[2], 1, from, to);
    else NAME(adam_loop)(o, p, grad, state[0], state[1], NULL, 0, from, to);
}

INLINE void NAME(rmsprop_loop)(const step_options *o, T *restrict p, const T *restrict grad, T *restrict square, T *restrict buffer,
                               T *restrict mean, const int with_momentum, const int centered, ptrdiff_t from, ptrdiff_t to) {
    OPTIONS
    const T momentum = o->momentum, weight = o->weight, decay = o->decay, share = o->share, eps = o->eps;
    const int near = fabs(weight) < (T)0.5;
    for (ptrdiff_t i = from; i < to; i++) {
        T g = GRADIENT(i);
        T v = square[i] = fma(share * g, g, square[i] * decay);
        if (centered) {
            T m = mean[i] = LERP(mean[i], g);
            v = fma(-m, m, v);
        }
        T size = sqrt(v) + eps;
        if (with_momentum) {
            T b = buffer[i] = buffer[i] * momentum + g / size;
            p[i] = fma(rate, b, p[i]);
        } else
            p[i] = p[i] + rate * g / size;
    }
}

/* state: square_avg, momentum_buffer, grad_avg */
static void NAME(rmsprop)(const step_options *o, void *p, const void *grad, void *const *state, ptrdiff_t from, ptrdiff_t to) {
    if (state[1] && state[2]) NAME(rmsprop_loop)(o, p, grad, state[0], state[1], state[2], 1, 1, from, to);
    else if (state[1]) NAME(rmsprop_loop)(o, p, grad, state[0], state[1], NULL, 1, 0, from, to);
    else if (state[2]) NAME(rmsprop_loop)(o, p, grad, state[0], NULL, state[2], 0, 1, from, to);
    else NAME(rmsprop_loop)(o, p, grad, state[0], NULL, NULL, 0, 0, from, to);
}

#undef GRADIENT
#undef LERP
#undef OPTIONS
