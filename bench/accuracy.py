"""How far float32 results lie from those of float64, for reftorch and for PyTorch: `python bench/accuracy.py [PART OF A NAME]` prints a table.

An error is taken twice: the largest one over the largest result, and the root of the mean square over that of the results. A row is fine when
neither is more than twice PyTorch's. Below NEAREST no row is judged: so far off is the float32 number nearest to the truth, and where PyTorch
hits just that one (sums of few terms, a single rounding), a multiple of its error says nothing. ABOVE has the rows that are not fine.
"""
import math
import sys

import numpy as np

NEAREST = 2.0**-24                       # half a unit in the last place: of a number, and so of the root of the mean square of many
TIMES = 2
DRAWS = 4, 24                            # of the numbers; the largest of few errors is chance: what is above TIMES is drawn more often
CASES = {}

#: Rows with more than twice PyTorch's error: the largest error that they may have, and where it comes from.
ABOVE = {
    "conv2d grouped dx0": (1e-6, "the gradient of an image by Winograd's algorithm, which is held to this bound"),
    "conv_transpose3d dx1": (7e-7, "one sum over all places, where PyTorch adds up several"),
    "GRUCell dx0": (1.1e-6, "sums that begin with the gate n, whose terms are the largest"),
}


class Draw:
    """The same numbers for every module and dtype: those that float32 holds."""

    def __init__(self, t, dtype, seed):
        self.t, self.dtype, self.rng = t, dtype, np.random.default_rng(seed)

    def tensor(self, values):
        return self.t.from_numpy(np.asarray(values, np.float32)).to(self.dtype)

    def normal(self, *shape):
        return self.tensor(self.rng.standard_normal(shape))

    def uniform(self, low, high, *shape):
        return self.tensor(self.rng.uniform(low, high, shape))

    def index(self, high, *shape):
        return self.t.from_numpy(self.rng.integers(0, high, shape))


def gradients(t, d, call, *inputs, parameters=()):
    """The result of a call and, where it has them, the gradients by its inputs and by parameters for a drawn gradient of the result."""
    y = call(*(x.requires_grad_() for x in inputs))
    found = {"y": y.detach()}
    if y.requires_grad:
        names = [*(f"dx{i}" for i in range(len(inputs))), *(f"dw{i}" for i in range(len(parameters)))]
        found |= zip(names, t.autograd.grad(y, [*inputs, *parameters], d.normal(*y.shape)), strict=True)
    return found


def add(name, call, *shapes, again=1):
    """A row: call(t, d, *tensors) of drawn tensors; `again` draws of it where a single one has so few numbers that its error is chance."""
    def run(t, d):
        found = [gradients(t, d, lambda *x: call(t, d, *x), *(d.normal(*shape) for shape in shapes)) for _ in range(again)]
        return {part: t.stack([each[part] for each in found]) for part in found[0]}
    CASES[name] = run


def add_layer(name, call, *shapes, again=1):
    """The same of torch.nn.functional: call(F, *tensors)."""
    add(name, lambda t, d, *x: call(t.nn.functional, *x), *shapes, again=again)


def named(t, name):
    for part in name.split("."):
        t = getattr(t, part)
    return t


# ---- products
def products():
    shapes = [(4, 4, 4), (16, 256, 64), (64, 10, 256), (16, 256, 784), (20, 800, 200), (64, 3136, 576), (256, 196, 2304), (512, 512, 512), (3, 2, 5000),
              (1, 300, 700), (700, 1, 300)]
    for m, n, k in shapes:
        again = 20 if m * n < 100 else 1
        add(f"mm {m}x{n}x{k}", lambda t, d, a, b: t.mm(a, b), (m, k), (k, n), again=again)
        add(f"mm {m}x{n}x{k} transposed", lambda t, d, a, b: t.mm(a, b.t()), (m, k), (n, k), again=again)
    add("bmm", lambda t, d, a, b: t.bmm(a, b), (20, 32, 50), (20, 50, 40))
    add("baddbmm", lambda t, d, c, a, b: t.baddbmm(c, a, b, beta=0.5, alpha=0.3), (20, 32, 40), (20, 32, 50), (20, 50, 40))
    add("addmm", lambda t, d, c, a, b: t.addmm(c, a, b), (40,), (32, 50), (50, 40))
    add("mv", lambda t, d, a, x: t.mv(a, x), (300, 500), (500,))
    add("dot", lambda t, d, x, y: t.dot(x, y), (1000,), (1000,), again=40)
    add("mm complex", lambda t, d, *x: t.view_as_real(t.mm(t.complex(*x[:2]), t.complex(*x[2:]))), *[(60, 70)] * 2, *[(70, 80)] * 2)
    add("einsum", lambda t, d, a, b, c: t.einsum("bij,bjk,k->bi", a, b, c), (5, 20, 30), (5, 30, 40), (40,))
    add_layer("linear", lambda F, x, w, b: F.linear(x, w, b), (64, 300), (100, 300), (100,))
    add_layer("bilinear", lambda F, x, y, w, b: F.bilinear(x, y, w, b), (30, 40), (30, 20), (10, 40, 20), (10,))
    for causal in (False, True):
        add_layer(f"attention{' causal' * causal}", lambda F, q, k, v, causal=causal: F.scaled_dot_product_attention(q, k, v, is_causal=causal),
                  *[(2, 4, 60, 32)] * 3)


# ---- convolutions
def convolution(row, name, shape, weight, bias, **options):
    add_layer(row, lambda F, x, w, b: getattr(F, name)(x, w / math.sqrt(math.prod(weight[1:])), b, **options), shape, weight, (bias,))


def convolutions():
    from test_conv import SHAPES
    for name, (batch, channels, size, filters, kernel, stride, padding, groups) in SHAPES.items():
        convolution(f"conv2d {name}", "conv2d", (min(batch, 2), channels, size, size), (filters, channels // groups, kernel, kernel), filters,
                    stride=stride, padding=padding, groups=groups)
    convolution("conv2d dilated", "conv2d", (2, 32, 30, 30), (48, 32, 3, 3), 48, padding=2, dilation=2)
    convolution("conv2d grouped", "conv2d", (2, 64, 28, 28), (96, 16, 3, 3), 96, padding=1, groups=4)
    convolution("conv2d strided", "conv2d", (2, 32, 29, 29), (48, 32, 3, 3), 48, padding=1, stride=2)
    convolution("conv1d", "conv1d", (4, 40, 300), (50, 40, 5), 50, padding=2)
    convolution("conv3d", "conv3d", (2, 8, 10, 12, 12), (16, 8, 3, 3, 3), 16, padding=1)
    convolution("conv_transpose1d", "conv_transpose1d", (2, 32, 50), (32, 24, 5), 24, stride=3, padding=1)
    convolution("conv_transpose2d", "conv_transpose2d", (2, 32, 14, 14), (32, 24, 4, 4), 24, stride=2, padding=1)
    convolution("conv_transpose3d", "conv_transpose3d", (2, 16, 6, 6, 6), (16, 8, 3, 3, 3), 8, stride=2, padding=1)


# ---- sequences
def recurrent(row, name, shape, hidden, *layers, again=1, **options):
    def run(t, d):
        net = getattr(t.nn, name)(shape[-1], hidden, *layers, dtype=d.dtype, **options)
        found = []
        for _ in range(again):
            with t.no_grad():
                for p in net.parameters():
                    p.copy_(d.normal(*p.shape) / math.sqrt(p.shape[-1]))
            found.append(gradients(t, d, lambda x: net(x) if name in ("GRUCell", "RNNCell") else net(x)[0], d.normal(*shape),
                                   parameters=list(net.parameters())))
        return {part: t.stack([each[part] for each in found]) for part in found[0]}
    CASES[row] = run


def sequences():
    from test_rnn import SHAPES
    for name in ("LSTM", "GRU", "RNN"):
        for steps, n, size, hidden, layers in SHAPES[:3]:
            recurrent(f"{name} {steps}_{n}_{size}_{hidden}_{layers}", name, (steps, n, size), hidden, layers, again=50 if hidden < 10 else 1)
        recurrent(f"{name} both ways", name, (20, 6, 30), 40, bidirectional=True, again=10)
        recurrent(f"{name}Cell", f"{name}Cell", (50, 30), 40, again=20)
    recurrent("LSTM projected", "LSTM", (20, 6, 30), 40, proj_size=16, again=10)
    recurrent("RNN relu", "RNN", (20, 6, 30), 40, nonlinearity="relu", again=10)


# ---- layers
def layers():
    images = (4, 16, 28, 28)
    for n in (1, 2, 3):
        add_layer(f"avg_pool{n}d", lambda F, x, n=n: getattr(F, f"avg_pool{n}d")(x, 3, 2, 1), (2, 8, *(14,) * n))
    add_layer("max_pool2d", lambda F, x: F.max_pool2d(x, 3, 2, 1), images)
    add_layer("lp_pool2d", lambda F, x: F.lp_pool2d(x, 2, 3), images)
    for size in (1, 5):
        add_layer(f"adaptive_avg_pool2d {size}", lambda F, x, size=size: F.adaptive_avg_pool2d(x, size), images)
    add_layer("batch_norm images", lambda F, x, w, b: F.batch_norm(x, None, None, w, b, True), images, (16,), (16,))
    add_layer("batch_norm rows", lambda F, x, w, b: F.batch_norm(x, None, None, w, b, True), (128, 64), (64,), (64,))
    add("batch_norm eval", lambda t, d, x, w, b: t.nn.functional.batch_norm(x, d.normal(16), d.uniform(0.5, 2, 16), w, b), images, (16,), (16,))
    for far in (0, 20):
        add_layer(f"layer_norm around {far}", lambda F, x, w, b, far=far: F.layer_norm(x + far, (300,), w, b), (64, 300), (300,), (300,))
    add_layer("group_norm", lambda F, x, w, b: F.group_norm(x, 4, w, b), images, (16,), (16,))
    add_layer("instance_norm", lambda F, x, w, b: F.instance_norm(x, weight=w, bias=b), images, (16,), (16,))
    add_layer("rms_norm", lambda F, x, w: F.rms_norm(x, (300,), w), (64, 300), (300,))
    add_layer("local_response_norm", lambda F, x: F.local_response_norm(x, 5), images)
    add_layer("normalize", lambda F, x: F.normalize(x), (64, 300))
    for name in ("softmax", "log_softmax"):
        for scale in (1, 10):
            add_layer(f"{name} x{scale}", lambda F, x, name=name, scale=scale: getattr(F, name)(x * scale, -1), (64, 1000))
        add_layer(f"{name} of dim 1", lambda F, x, name=name: getattr(F, name)(x, 1), (8, 30, 50))
    add("embedding", lambda t, d, w: t.nn.functional.embedding(d.index(50, 64, 32), w), (50, 24))
    for mode in ("sum", "mean", "max"):
        add(f"embedding_bag {mode}", lambda t, d, w, mode=mode: t.nn.functional.embedding_bag(d.index(50, 64, 32), w, mode=mode), (50, 24))
    for mode, shape in {"nearest": (2, 8, 20, 20), "bilinear": (2, 8, 20, 20), "bicubic": (2, 8, 20, 20), "area": (2, 8, 20, 20), "linear": (2, 8, 30),
                        "trilinear": (2, 4, 9, 9, 9)}.items():
        for factor in (2, 0.7):
            add_layer(f"interpolate {mode} x{factor}", lambda F, x, mode=mode, factor=factor: F.interpolate(x, scale_factor=factor, mode=mode), shape)
    add_layer("interpolate antialias", lambda F, x: F.interpolate(x, scale_factor=0.6, mode="bilinear", antialias=True), (2, 8, 20, 20))
    for mode in ("bilinear", "bicubic"):
        add_layer(f"grid_sample {mode}", lambda F, x, grid, mode=mode: F.grid_sample(x, grid.sin(), mode=mode, align_corners=False),
                  (2, 8, 20, 20), (2, 15, 15, 2))


# ---- losses
def losses():
    rows = 64, 100

    def add_loss(name, call, *shapes):
        add(name, lambda t, d, *x: call(t.nn.functional, d, *x), *shapes, again=20)
    add_loss("cross_entropy", lambda F, d, x: F.cross_entropy(x, d.index(100, 64)), rows)
    add_loss("cross_entropy weighted", lambda F, d, x: F.cross_entropy(x, d.index(100, 64), d.uniform(0.5, 2, 100), label_smoothing=0.1), rows)
    add_loss("nll_loss", lambda F, d, x: F.nll_loss(x, d.index(100, 64)), rows)
    for name in ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "soft_margin_loss", "poisson_nll_loss"):
        add_loss(name, lambda F, d, x, name=name: getattr(F, name)(x, d.normal(*rows)), rows)
    add_loss("binary_cross_entropy", lambda F, d, x: F.binary_cross_entropy(x.sigmoid(), d.uniform(0, 1, *rows)), rows)
    add_loss("binary_cross_entropy_with_logits", lambda F, d, x: F.binary_cross_entropy_with_logits(x, d.uniform(0, 1, *rows)), rows)
    add_loss("kl_div", lambda F, d, x: F.kl_div(F.log_softmax(x, 1), F.softmax(d.normal(*rows), 1), reduction="batchmean"), rows)
    add_loss("gaussian_nll_loss", lambda F, d, x, y: F.gaussian_nll_loss(x, y, d.uniform(0.5, 2, *rows)), rows, rows)
    add_loss("cosine_embedding_loss", lambda F, d, x, y: F.cosine_embedding_loss(x, y, d.tensor(d.rng.choice([-1, 1], 64))), rows, rows)
    add_loss("triplet_margin_loss", lambda F, d, x, y, z: F.triplet_margin_loss(x, y, z), rows, rows, rows)
    add_loss("ctc_loss", lambda F, d, x: F.ctc_loss(F.log_softmax(x, -1), d.index(19, 4, 10) + 1, [40] * 4, [10] * 4), (40, 4, 20))


# ---- sums
def sums():
    reductions = {"sum": lambda x, **k: x.sum(**k), "mean": lambda x, **k: x.mean(**k), "var": lambda x, **k: x.var(**k), "std": lambda x, **k: x.std(**k),
                  "norm": lambda x, **k: x.norm(**k), "norm 1": lambda x, **k: x.norm(1, **k), "norm 3": lambda x, **k: x.norm(3, **k),
                  "logsumexp": lambda x, dim=(0, 1): x.logsumexp(dim), "nansum": lambda x, **k: x.nansum(**k)}
    for name, reduce in reductions.items():
        add(f"{name} of all", lambda t, d, x, reduce=reduce: reduce(x + 0.5), (100, 137), again=40)
        for dim in (0, 1):
            add(f"{name} of dim {dim}", lambda t, d, x, reduce=reduce, dim=dim: reduce(x + 0.5, dim=dim), (300, 257))
    add("sum of a long row", lambda t, d: d.uniform(-0.5, 1.5, 300_000).sum(), again=10)
    add("prod", lambda t, d, x: (1 + x / 4).prod(1), (300, 60))
    for dim in (0, 1):
        for name in ("cumsum", "cumprod", "logcumsumexp"):
            add(f"{name} of dim {dim}", lambda t, d, x, name=name, dim=dim: getattr(t, name)(1 + x / 4, dim), (200, 180))
    add("cumsum of a long row", lambda t, d, x: (x + 0.5).cumsum(0), (100_000,))
    add("cdist", lambda t, d, x, y: t.cdist(x, y), (20, 30), (24, 30))
    add_layer("cosine_similarity", lambda F, x, y: F.cosine_similarity(x, y), (64, 100), (64, 100))


# ---- elementary functions: the low and the high end of their numbers
WIDE, POSITIVE, UNIT = (-8, 8), (1e-3, 20), (-0.999, 0.999)
FUNCTIONS = {
    "exp": (-20, 20), "exp2": (-20, 20), "expm1": WIDE, "log": POSITIVE, "log2": POSITIVE, "log10": POSITIVE, "log1p": (-0.99, 20), "sqrt": POSITIVE,
    "rsqrt": POSITIVE, "reciprocal": POSITIVE, "square": WIDE, "sin": (-50, 50), "cos": (-50, 50), "tan": (-1.5, 1.5), "asin": UNIT, "acos": UNIT,
    "atan": WIDE, "sinh": WIDE, "cosh": WIDE, "tanh": WIDE, "asinh": WIDE, "acosh": (1.001, 20), "atanh": UNIT, "erf": (-4, 4), "erfc": (-4, 4),
    "erfinv": UNIT, "lgamma": (0.1, 30), "digamma": (0.1, 30), "sigmoid": (-20, 20), "logit": (0.001, 0.999), "sinc": WIDE, "deg2rad": WIDE,
    "rad2deg": WIDE, "frac": WIDE, "special.i0": WIDE, "special.i0e": WIDE, "special.i1": WIDE, "special.i1e": WIDE, "special.entr": (1e-3, 2),
    "special.ndtr": (-4, 4), "special.log_ndtr": (-20, 4), "special.ndtri": (0.001, 0.999), "special.erfcx": WIDE, "special.bessel_j0": WIDE,
    "special.bessel_j1": WIDE, "special.bessel_y0": POSITIVE, "special.bessel_y1": POSITIVE, "special.modified_bessel_i0": WIDE,
    "special.modified_bessel_i1": WIDE, "special.modified_bessel_k0": POSITIVE, "special.modified_bessel_k1": POSITIVE,
    "special.scaled_modified_bessel_k0": POSITIVE, "special.scaled_modified_bessel_k1": POSITIVE, "special.spherical_bessel_j0": WIDE,
    "special.airy_ai": WIDE,
}
#: PyTorch's own float64 has the errors of a float32 in these: the truth is reftorch's, which is SciPy's.
OFF = {f"special.{name}" for name in ("bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "airy_ai")}
COMPLEX = ["exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh",
           "tanh", "asinh", "acosh", "atanh", "sigmoid", "sinc", "sgn"]
POLYNOMIALS = [*(f"{shifted}chebyshev_polynomial_{kind}" for shifted in ("", "shifted_") for kind in "tuvw"), "hermite_polynomial_h", "hermite_polynomial_he",
               "laguerre_polynomial_l", "legendre_polynomial_p"]
ACTIVATIONS = ["relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu", "mish", "softplus", "softsign", "tanhshrink", "hardswish", "hardsigmoid",
               "logsigmoid", "glu"]
MANY = 40_000                            # enough for several threads


def elementary():
    def add_function(name, call, low, high):
        CASES[name] = lambda t, d: gradients(t, d, lambda x: call(t, x), d.uniform(low, high, MANY))
    for name, ends in FUNCTIONS.items():
        add_function(name, lambda t, x, name=name: named(t, name)(x), *ends)
    for name in ACTIVATIONS:
        add_function(f"activation {name}", lambda t, x, name=name: getattr(t.nn.functional, name)(x), *WIDE)
    add_function("activation gelu tanh", lambda t, x: t.nn.functional.gelu(x, approximate="tanh"), *WIDE)
    for exponent in (2, 3, 0.5, -0.5, 2.3):
        add_function(f"pow {exponent}", lambda t, x, exponent=exponent: x ** exponent, 0.01, 10)
    for n in (1, 2, 3):
        add_function(f"polygamma {n}", lambda t, x, n=n: t.polygamma(n, x), 0.1, 30)
        add_function(f"mvlgamma {n}", lambda t, x, n=n: t.mvlgamma(x, n), n / 2, 30)
    for name in POLYNOMIALS:
        for degree in (3, 10):
            add_function(f"special.{name} {degree}", lambda t, x, name=name, degree=degree: named(t.special, name)(x, degree), *UNIT)
    add("pow", lambda t, d, x: d.uniform(0.01, 10, MANY) ** x, (MANY,))
    for name in ("atan2", "hypot", "logaddexp", "logaddexp2", "ldexp", "mul"):
        add(name, lambda t, d, x, y, name=name: getattr(t, name)(x, y), (MANY,), (MANY,))
    for name in ("div", "xlogy", "special.xlog1py", "fmod", "remainder"):
        add(name, lambda t, d, x, name=name: named(t, name)(x, d.uniform(0.1, 3, MANY)), (MANY,))
    for name in ("special.gammainc", "special.gammaincc", "special.zeta"):
        add(name, lambda t, d, x, name=name: named(t, name)(d.uniform(1.1, 10, MANY), x.abs() + 0.1), (MANY,))
    for name in COMPLEX:
        add(f"{name} complex", lambda t, d, x, y, name=name: t.view_as_real(named(t, name)(t.complex(x, y))), (MANY,), (MANY,))
    for name in ("abs", "angle"):
        add(f"{name} complex", lambda t, d, x, y, name=name: named(t, name)(t.complex(x, y)), (MANY,), (MANY,))
    add("polar", lambda t, d, x, y: t.view_as_real(t.polar(x.abs(), y)), (MANY,), (MANY,))
    add("lerp", lambda t, d, x, y: t.lerp(x, y, d.uniform(0, 1, MANY)), (MANY,), (MANY,))
    add("addcdiv", lambda t, d, x, y: t.addcdiv(x, y, d.uniform(0.1, 1, MANY), value=0.3), (MANY,), (MANY,))


# ---- optimizers: parameters after 20 steps
def optimizers():
    for name, options in {"SGD": {}, "SGD momentum": {"momentum": 0.9, "weight_decay": 0.01}, "SGD nesterov": {"momentum": 0.9, "nesterov": True},
                          "Adam": {}, "Adam amsgrad": {"amsgrad": True, "weight_decay": 0.01}, "AdamW": {}, "RMSprop": {},
                          "RMSprop centered": {"centered": True, "momentum": 0.9}, "Adagrad": {}, "Adadelta": {}, "Adamax": {}, "NAdam": {}, "RAdam": {},
                          "ASGD": {}, "Rprop": {}}.items():
        CASES[f"optimizer {name}"] = lambda t, d, name=name, options=options: stepped(t, d, name.split()[0], {"lr": 0.01, **options})


def stepped(t, d, name, options):
    p = t.nn.Parameter(d.normal(MANY))
    optimizer = getattr(t.optim, name)([p], **options)
    for _ in range(20):
        p.grad = d.normal(MANY)
        optimizer.step()
    return {"y": p}


for fill in (products, convolutions, sequences, layers, losses, sums, elementary, optimizers):
    fill()


def parts(run, t, dtype, seed):
    """The results of a case as arrays of float64."""
    return {name: np.asarray(x.detach().numpy(), np.float64) for name, x in run(t, Draw(t, getattr(t, dtype), seed)).items()}


def error(got, want):
    """(largest, root of the mean square), relative."""
    off, size = np.abs(got - want), np.abs(want)
    return off.max() / (size.max() or 1), math.sqrt((off**2).mean() / ((size**2).mean() or 1))


def errors(name, ours, torch):
    """Of every part of a case, over some draws of its numbers: its name, our errors and PyTorch's."""
    for draws in DRAWS:
        found, theirs = {}, {}
        for seed in range(draws):
            modules = (ours if name in OFF else torch, "float64"), (torch, "float32"), (ours, "float32")
            exact, single, made = (parts(CASES[name], t, dtype, seed) for t, dtype in modules)
            for part, want in exact.items():
                row = f"{name} {part}".removesuffix(" y")
                found.setdefault(row, []).append(error(made[part], want))
                theirs.setdefault(row, []).append(error(single[part], want))
        rows = [(row, together(found[row]), together(theirs[row])) for row in found]
        if all(max(times(*row[1:])) <= TIMES for row in rows):
            break
    return rows


def together(errors):
    largest, roots = zip(*errors, strict=True)
    return max(largest), math.sqrt(sum(r * r for r in roots) / len(roots))


def times(found, theirs):
    """How many times PyTorch's error ours is; at most TIMES if it is that of the nearest number or less."""
    return [float(a / max(b, NEAREST / TIMES)) for a, b in zip(found, theirs, strict=True)]


def fine(row, found, theirs):
    return max(times(found, theirs)) <= TIMES or (row in ABOVE and found[0] <= ABOVE[row][0])


def main(argv):
    import torch

    import reftorch
    for t in (torch, reftorch):
        t.set_num_threads(1)
    print(f"{'row':44} {'ours max':>9} {'rms':>9} {'theirs max':>11} {'rms':>9} {'ratio max':>10} {'rms':>6}")
    ratios, wrong = [], 0
    for name in CASES:
        if all(word in name for word in argv):
            for row, found, theirs in errors(name, reftorch, torch):
                ratios.append(times(found, theirs))
                above = max(ratios[-1]) > TIMES
                wrong += not fine(row, found, theirs)
                mark = f"  above: {ABOVE[row][1] if row in ABOVE else 'not known'}" if above else ""
                print(f"{row:44} {found[0]:9.1e} {found[1]:9.1e} {theirs[0]:11.1e} {theirs[1]:9.1e} {ratios[-1][0]:10.2f} {ratios[-1][1]:6.2f}{mark}")
    ratios = np.array(ratios)
    print(f"{len(ratios)} rows; ratios of the largest errors and of the roots: median {np.median(ratios, 0).round(2)}, "
          f"{(ratios > 1.001).any(1).sum()} rows above 1, {(ratios > TIMES).any(1).sum()} above {TIMES}")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main(sys.argv[1:])
