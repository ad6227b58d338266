/* How a gamma or Dirichlet sample moves with its parameter, the noise held fixed: -(d cdf / d alpha) / pdf.
 * No closed form exists. Each region of the plane has the approximation PyTorch uses there (Taylor series, Rice's
 * saddle point, a fitted rational function), evaluated in the same order, so that gradients agree to the last bit. */
#ifndef REFTORCH_SAMPLEGRAD_H
#define REFTORCH_SAMPLEGRAD_H

#include <math.h>

static double horner(const double *c, int degree, double x) {  /* c[0] + c[1] x + ... */
    double sum = c[degree];
    while (degree > 0) sum = c[--degree] + x * sum;
    return sum;
}

/* Gamma(alpha): x^alpha times a series for small x */
static double gamma_grad_series(double alpha, double digamma_alpha, double x) {
    double term = 1, below = alpha, cdf = 1 / alpha, cdf_alpha = 1 / (alpha * alpha);
    for (int i = 1; i <= 5; i++) {
        term *= -x / i;
        below += 1;
        cdf += term / below;
        cdf_alpha += term / (below * below);
    }
    double power = pow(x, alpha), pdf = pow(x, alpha - 1) * exp(-x);
    double grad = -((log(x) - digamma_alpha) * (power * cdf) - power * cdf_alpha) / pdf;
    return isnan(grad) ? 0 : grad;
}

static double gamma_grad_saddle(double alpha, double x) {
    if (0.9f * alpha <= x && x <= 1.1f * alpha) {              /* torch: float constants; removes the singularity at the mean */
        double stirling = 1 + 24 * alpha * (1 + 12 * alpha);
        double near = 1440 * (alpha * alpha) + 6 * x * (53 - 120 * x) - 65 * x * x / alpha + alpha * (107 + 3600 * x);
        return stirling * near / (1244160 * (alpha * alpha) * (alpha * alpha));
    }
    double spread = sqrt(8 * alpha), gap = alpha - x, ratio = log(x / alpha);
    double tail = pow(x - alpha - alpha * ratio, -1.5), sum = spread / gap + (x < alpha ? -tail : tail);
    double slope = ratio * sum - sqrt(2 / alpha) * (alpha + x) / (gap * gap);
    double stirling = 1 + 1 / (12 * alpha) * (1 + 1 / (24 * alpha));
    return -stirling * (x * slope) / spread;
}

static double gamma_grad_fit(double alpha, double x) {
    static const double c[3][8] = {
        {0.16009398, -0.094634809, 0.025146376, -0.0030648343, 1, 0.32668115, 0.10406089, 0.0014179084},
        {0.53487893, 0.1298071, 0.065735949, -0.0015649758, 0.16639465, 0.020070113, -0.0035938915, -0.00058392623},
        {0.040121004, -0.0065914022, -0.0026286047, -0.0013441777, 0.017050642, -0.0021309326, 0.00085092367, -1.5247877e-07},
    };
    double u = log(x / alpha), v = log(alpha), at_u[8];
    for (int i = 0; i < 8; i++) at_u[i] = c[0][i] + u * (c[1][i] + u * c[2][i]);
    return exp(horner(at_u, 3, v) / horner(at_u + 4, 3, v));
}

/* Beta(alpha, beta), x / (1 - x) scaled: both parameters large */
static double beta_grad_saddle(double x, double alpha, double beta) {
    double total = alpha + beta, mean = alpha / total, std = sqrt(alpha * beta / (total + 1)) / total, b2 = beta * beta;
    if (mean - 0.1 * std <= x && x <= mean + 0.1 * std) {      /* removes the singularity at the mean */
        double c3 = (453 + 1620 * beta * (1 - x) - 455 * x) * beta + alpha * (8 * (1 - x) * (135 * beta - 11));
        double c2 = 3 * (59 + 180 * beta - 90 * x) * b2 + alpha * c3;
        double c1 = (43 + 20 * (16 + 27 * beta) * x) * b2 * beta + alpha * c2;
        double above = (1 + 12 * alpha) * (1 + 12 * beta) / (total * total);
        double below = 12960 * alpha * alpha * alpha * beta * beta * (1 + 12 * total);
        return above / (1 - x) * (47 * x * b2 * b2 + alpha * c1) / below;
    }
    double stirling = (1 + 1 / (12 * alpha) + 1 / (288 * alpha * alpha)) * (1 + 1 / (12 * beta) + 1 / (288 * beta * beta)) /
                      (1 + 1 / (12 * total) + 1 / (288 * total * total));
    double gap = alpha * (x - 1) + beta * x;
    double first = (2 * (alpha * alpha) * (x - 1) + alpha * beta * (x - 1) - x * b2) /
                   (sqrt(2 * alpha / beta) * pow(total, 1.5) * gap * gap);
    double entropy = beta * log(beta / (total * (1 - x))) + alpha * log(alpha / (total * x));
    double tail = pow(entropy, -1.5), middle = sqrt(8 * alpha * beta / total) / (beta * x + alpha * (x - 1));
    double half_log = 0.5f * log(alpha / (total * x));
    return stirling * (-x / sqrt(2 * alpha * beta / total)) * (first + half_log * (middle + (x < mean ? tail : -tail)));
}

/* the fitted factor of the analytic approximation: quadratic in log x and log(alpha / x), cubic in the rest */
static double beta_grad_fit(double x, double alpha, double total) {
    static const double c[2][3][3][4] = {
        {{{1.003668233, -0.01061107488, -0.0657888334, 0.01201642863},
          {0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033},
          {-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013}},
         {{0.221950385, -0.3187676331, 0.01799915743, 0.01074823814},
          {-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057},
          {0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05}},
         {{-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565},
          {0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181},
          {0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05}}},
        {{{1, -0.02924021934, -0.04438342661, 0.007285809825},
          {0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521},
          {-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149}},
         {{0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273},
          {0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956},
          {-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05}},
         {{0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05},
          {0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-05},
          {-0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06}}},
    };
    double u = log(x), a = log(alpha) - u, b = log(total) - a, powers_u[] = {1, u, u * u}, powers_a[] = {1, a, a * a};
    double p = 0, q = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            double ua = powers_u[i] * powers_a[j];
            p += ua * horner(c[0][i][j], 3, b);
            q += ua * horner(c[1][i][j], 3, b);
        }
    return p / q;
}

static const double digamma_tail[] = {8.33333333333333333333E-2, -8.33333333333333333333E-3, 3.96825396825396825397E-3,
                                      -4.16666666666666666667E-3, 7.57575757575757575758E-3, -2.10927960927960927961E-2,
                                      8.33333333333333333333E-2};

/* torch: the series near the ends of Beta, and digamma (Cephes) but for its sums, are evaluated in the tensor's type */
#define SAMPLEGRAD_REALS(X) X(f64, double, log, pow) X(f32, float, logf, powf)

#define X(name, T, logT, powT)                                                                        \
    static T digamma_##name(T x) {                                                                    \
        if (x == 0) return INFINITY;                                                                  \
        double sum = 0, tail = 0;                                                                     \
        for (; x < 10; x += 1) sum -= 1 / x;                                                          \
        if (x == 10) return (T)(sum + 2.25175258906672110764);                                        \
        if (x < 1.0e17f) {                                                                            \
            double z = 1.0 / (x * x);                                                                 \
            tail = z * horner(digamma_tail, 6, z);                                                    \
        }                                                                                             \
        return (T)(sum + logT(x) - (0.5f / x) - tail);                                                \
    }                                                                                                 \
    static T beta_grad_low_##name(T x, T alpha, T beta) { /* x near 0, by alpha */                    \
        T factor = digamma_##name(alpha) - digamma_##name(alpha + beta) - logT(x);                    \
        T term = 1, series = term / alpha * (factor + 1 / alpha);                                     \
        for (int i = 1; i <= 10; i++) {                                                               \
            T n = (T)i, below = alpha + n;                                                            \
            term *= (n - beta) * x / n;                                                               \
            series += term / below * (factor + 1 / below);                                            \
        }                                                                                             \
        T grad = x * powT(1 - x, -beta) * series;                                                     \
        return isnan(grad) ? 0 : grad;                                                                \
    }                                                                                                 \
    static T beta_grad_high_##name(T x, T alpha, T beta) { /* x near 0, by beta */                    \
        T factor = digamma_##name(alpha + beta) - digamma_##name(beta);                               \
        T term = 1, falling = 1, falling_beta = 0, series = factor / alpha;                           \
        for (int i = 1; i <= 8; i++) {                                                                \
            T n = (T)i;                                                                               \
            term *= -x / n;                                                                           \
            falling_beta = falling_beta * (beta - n) + falling;                                       \
            falling = falling * (beta - n);                                                           \
            series += term / (alpha + n) * (falling_beta + factor * falling);                         \
        }                                                                                             \
        T grad = -powT(1 - x, 1 - beta) * series;                                                     \
        return isnan(grad) ? 0 : grad;                                                                \
    }                                                                                                 \
    static T gamma_grad_##name(T alpha, T x) {                                                        \
        if (x < 0.8f) return (T)gamma_grad_series(alpha, digamma_f64(alpha), x);                      \
        return (T)(alpha > 8.0f ? gamma_grad_saddle(alpha, x) : gamma_grad_fit(alpha, x));            \
    }                                                                                                 \
    static T dirichlet_grad_##name(T x, T alpha, T total) {                                           \
        T beta = total - alpha, boundary = total * x * (1 - x);                                       \
        if (x <= 0.5f && boundary < 2.5f) return beta_grad_low_##name(x, alpha, beta);                \
        if (x >= 0.5f && boundary < 0.75f) return -beta_grad_high_##name(1 - x, beta, alpha);         \
        double wide_beta = (double)total - (double)alpha;                                             \
        if (alpha > 6 && beta > 6) return (T)beta_grad_saddle(x, alpha, wide_beta);                   \
        double approx = (double)x * (digamma_##name(total) - digamma_##name(alpha)) / wide_beta;      \
        return (T)(beta_grad_fit(x, alpha, total) * approx);                                          \
    }
SAMPLEGRAD_REALS(X)
#undef X

#endif
