"""Layers that are no products: pools, norms, softmax and cross entropy, embedding, order, running sums, resampling; forward, and with backward."""
import pytest


def random(t, *shape):
    return t.randn(*shape, generator=t.Generator().manual_seed(0))


def index(t, high, *shape):
    return t.randint(high, shape, generator=t.Generator().manual_seed(0))


def norm_arguments(t, n):
    """weight, bias, running mean and running variance of n channels"""
    return random(t, n), random(t, n), t.zeros(n), t.ones(n)


def batch_norm(training, *shape):
    def prepare(t):
        weight, bias, mean, var = norm_arguments(t, shape[1])
        return [random(t, *shape), weight, bias], lambda x, w, b: t.nn.functional.batch_norm(x, mean, var, w, b, training)
    return prepare


def of_one(call, *shape):
    """call(t, x) of one random tensor"""
    return lambda t: ([random(t, *shape)], lambda x: call(t, x))


def functional(name, *args, shape, **options):
    return of_one(lambda t, x: getattr(t.nn.functional, name)(x, *args, **options), *shape)


def layer_norm(t):
    weight, bias, _, _ = norm_arguments(t, 512)
    return [random(t, 64, 512), weight, bias], lambda x, w, b: t.nn.functional.layer_norm(x, (512,), w, b)


def group_norm(t):
    weight, bias, _, _ = norm_arguments(t, 64)
    return [random(t, 32, 64, 28, 28), weight, bias], lambda x, w, b: t.nn.functional.group_norm(x, 8, w, b)


def instance_norm(t):
    weight, bias, _, _ = norm_arguments(t, 64)
    return [random(t, 32, 64, 28, 28), weight, bias], lambda x, w, b: t.nn.functional.instance_norm(x, weight=w, bias=b)


def of_classes(name):
    def prepare(t):
        y = index(t, 1000, 128)
        return [random(t, 128, 1000)], lambda x: getattr(t.nn.functional, name)(x, y)
    return prepare


def embedding(t):
    i = index(t, 10000, 64, 32)
    return [random(t, 10000, 128)], lambda w: t.nn.functional.embedding(i, w)


def embedding_bag(t):
    i = index(t, 10000, 64, 32)
    return [random(t, 10000, 128)], lambda w: t.nn.functional.embedding_bag(i, w, mode="sum")


IMAGES = (32, 64, 28, 28)
SMOOTH = {
    "softmax_64x1000": functional("softmax", -1, shape=(64, 1000)),
    "softmax_4x4": functional("softmax", -1, shape=(4, 4)),
    "log_softmax_64x1000": functional("log_softmax", -1, shape=(64, 1000)),
    "log_softmax_4x4": functional("log_softmax", -1, shape=(4, 4)),
    "layer_norm": layer_norm,
    "batch_norm_train_images": batch_norm(True, *IMAGES),
    "batch_norm_eval_images": batch_norm(False, *IMAGES),
    "batch_norm_train_rows": batch_norm(True, 128, 256),
    "batch_norm_eval_rows": batch_norm(False, 128, 256),
    "group_norm": group_norm,
    "instance_norm": instance_norm,
    "max_pool2d_k2s2": functional("max_pool2d", 2, shape=IMAGES),
    "max_pool2d_k3s2p1": functional("max_pool2d", 3, 2, 1, shape=IMAGES),
    "avg_pool2d_k2s2": functional("avg_pool2d", 2, shape=IMAGES),
    "avg_pool2d_k3s2p1": functional("avg_pool2d", 3, 2, 1, shape=IMAGES),
    "adaptive_avg_pool2d_1": functional("adaptive_avg_pool2d", 1, shape=IMAGES),
    "adaptive_avg_pool2d_7": functional("adaptive_avg_pool2d", 7, shape=IMAGES),
    "cross_entropy": of_classes("cross_entropy"),
    "nll_loss": of_classes("nll_loss"),
    "embedding": embedding,
    "embedding_bag": embedding_bag,
    "sort_64x1000": of_one(lambda t, x: x.sort()[0], 64, 1000),
    "sort_1e5": of_one(lambda t, x: x.sort()[0], 100_000),
    "topk_64x1000": of_one(lambda t, x: x.topk(10)[0], 64, 1000),
    "topk_1e5": of_one(lambda t, x: x.topk(10)[0], 100_000),
    "cumsum_256x1000": of_one(lambda t, x: x.cumsum(-1), 256, 1000),
    "cumsum_1e5": of_one(lambda t, x: x.cumsum(-1), 100_000),
    "interpolate_nearest": functional("interpolate", scale_factor=2, shape=(8, 16, 32, 32)),
    "interpolate_bilinear": functional("interpolate", scale_factor=2, mode="bilinear", shape=(8, 16, 32, 32)),
}
ORDER = {
    "argsort_64x1000": of_one(lambda t, x: x.argsort(), 64, 1000),
    "argsort_1e5": of_one(lambda t, x: x.argsort(), 100_000),
}


@pytest.mark.parametrize("row", [*SMOOTH, *ORDER])
def test_forward(paired, row):
    def make(t):
        inputs, call = (SMOOTH | ORDER)[row](t)
        return lambda: call(*inputs)
    paired(make)


@pytest.mark.parametrize("row", SMOOTH)
def test_backward(paired, row):
    """The forward call on inputs that need gradients, and its backward pass."""
    def make(t):
        inputs, call = SMOOTH[row](t)
        for x in inputs:
            x.requires_grad_()
        grad = t.ones_like(call(*inputs))
        return lambda: t.autograd.grad(call(*inputs), inputs, grad)
    paired(make)
