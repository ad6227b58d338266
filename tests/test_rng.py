"""The random streams against PyTorch: vectors that need no PyTorch, and drawn calls compared with it.

Every entry of CALLS is a small program over a torch-like module `T`, a generator `g` and a `random.Random` that chooses
dtypes, shapes, strides and parameters. The same programs run here with reftorch and, in a process of its own
(`python tests/test_rng.py`), with PyTorch; each call leaves a digest of its values and of the generator's state.
"""

import hashlib
import importlib.util
import random
import subprocess
import sys

import pytest

CALLS_A_FUNCTION = 1000
FLOATS = ["float64", "float32", "float16", "bfloat16"]
REALS = FLOATS[:2]
INTS = ["uint8", "int8", "int16", "int32", "int64"]


# ------------------------------------------------------------------------------------------- vectors
# Each after manual_seed(42); floats in C99 hexadecimal, so exact.
VECTORS = [
    (lambda T: T.rand(3), "0x1.c3b8ccp-1 0x1.d47b66p-1 0x1.880d7p-2"),
    (lambda T: T.rand(2, dtype=T.float64), "0x1.dc66cbea3db3p-5 0x1.01ae177aca87p-4"),
    (lambda T: T.rand(3, dtype=T.float16), "0x1.c3cp-1 0x1.d48p-1 0x1.88p-2"),
    (lambda T: T.rand(3, dtype=T.bfloat16), "0x1.c4p-1 0x1.d4p-1 0x1.88p-2"),
    (lambda T: T.empty(3).uniform_(-0.3, 0.77), "0x1.49be0cp-1 0x1.5bacfcp-1 0x1.c12f3cp-4"),
    (lambda T: T.empty(2, dtype=T.float64).uniform_(-0.3, 0.77), "-0x1.e6f66c0342b2p-3 -0x1.dc8a8a7a777cep-3"),
    (lambda T: T.randn(3), "0x1.58c55cp-2 0x1.07cd3ap-3 0x1.e02dcep-3"),
    (lambda T: T.randn(3, dtype=T.float64), "0x1.58c55b33d44ccp-2 0x1.07cd39b3d4b85p-3 0x1.e02dcdb63ec41p-3"),
    (lambda T: T.randn(16)[[0, 1, 8, 9]], "0x1.ed4a52p+0 0x1.7cbea6p+0 -0x1.8117ep-1 0x1.a612b6p+0"),
    (lambda T: T.randn(17)[[0, 1, 15, 16]], "0x1.ed4a52p+0 -0x1.46db0ap-3 0x1.b83f6p-1 -0x1.3d2904p-2"),
    (lambda T: T.randn(16, dtype=T.float64)[[0, 8]], "0x1.32bee22ccb503p-2 0x1.63479875eff86p-3"),
    (lambda T: T.randn(17, dtype=T.bfloat16)[[0, 1, 16]], "0x1.eep+0 0x1.a4p+0 0x1.b8p-1"),
    (lambda T: T.empty(16).normal_(0.3, 1.7)[[0, 8]], "0x1.c9b26p+1 -0x1.f50efep-1"),
    (lambda T: T.empty(16, 2)[:, 0].normal_()[:3], "0x1.58c55cp-2 0x1.07cd3ap-3 0x1.e02dcep-3"),  # not contiguous: serial
    (lambda T: T.randint(0, 10, (5,)), "2 7 6 4 6"),
    (lambda T: T.randint(0, 2**28, (2,)), "199900595 250975502"),
    (lambda T: T.randint(0, 2**28 - 1, (2,)), "266460267 199900607"),
    (lambda T: T.randint(-5, 2**40, (2,)), "441476371554 395845085946"),
    (lambda T: T.empty(2, dtype=T.int64).random_(), "6909045637428952499 8314211556539077902"),
    (lambda T: T.empty(2, dtype=T.int64).random_(-(2**63), None), "6909045637428952499 -909160480315697906"),
    (lambda T: T.empty(3, dtype=T.uint8).random_(), "102 179 92"),
    (lambda T: T.empty(3).random_(), "0x1.c3b80ep+23 0x1.d479dp+23 0x1.8809a4p+22"),
    (lambda T: T.empty(2, dtype=T.float64).random_(), "0x1.dc66cbea3ab4p+48 0x1.01ae177ac6b98p+49"),
    (lambda T: T.randperm(8), "6 3 0 7 2 1 4 5"),
    (lambda T: T.empty(12).bernoulli_(0.3), "1 1 1 1 0 0 0 0 1 1 1 0"),
    (lambda T: T.bernoulli(T.full((12,), 0.3)), "0 0 0 0 0 0 1 0 0 1 0 0"),
    (lambda T: T.dropout(T.ones(12), 0.3, True)[4:9], "0x1.6db6dcp+0 0x1.6db6dcp+0 0x0p+0 0x0p+0 0x1.6db6dcp+0"),
    (lambda T: T.alpha_dropout(T.ones(2), 0.3, True), "0x1.50a6c4p+0 0x1.50a6c4p+0"),
    (lambda T: T.empty(3).exponential_(), "0x1.ead0ccp-5 0x1.0a2468p-4 0x1.0e2a62p-3"),
    (lambda T: T.empty(6).geometric_(0.3), "8 8 6 9 2 3"),
    (lambda T: T.empty(2).cauchy_(), "-0x1.5a6632p+2 -0x1.3f98ccp+2"),
    (lambda T: T.empty(3).log_normal_(), "0x1.55214cp+2 0x1.c22e42p+1 0x1.160d4ap+2"),
    (lambda T: T.multinomial(T.tensor([1.0, 2, 3, 4]), 6, True), "0 0 1 0 2 2"),
    (lambda T: T.multinomial(T.tensor([1.0, 2, 3, 4]), 3), "3 1 2"),
    (lambda T: T.multinomial(T.tensor([1.0, 2, 3, 4]), 1, True), "3"),
    (lambda T: T.poisson(T.full((6,), 3.0)), "1 1 4 1 5 3"),
    (lambda T: T.poisson(T.full((6,), 30.0)), "19 22 30 21 24 28"),
    (lambda T: T._standard_gamma(T.tensor([0.5, 1.0, 2.5])), "0x1.8f0ddcp+0 0x1.aedf96p-1 0x1.7dfe58p-3"),
    (lambda T: T._standard_gamma(T.tensor([0.5, 1.0, 2.5], dtype=T.float64)),
     "0x1.8f0ddc37a1137p+0 0x1.aedf96e497747p-1 0x1.7dfe54e3c4fc9p-3"),
    (lambda T: T.binomial(T.full((6,), 10.0), T.full((6,), 0.3)), "1 1 4 1 5 3"),
    (lambda T: T.binomial(T.full((4,), 100.0), T.full((4,), 0.7)), "79 76 70 78"),
    (lambda T: T._sample_dirichlet(T.tensor([0.5, 1.0, 2.0])), "0x1.41c908p-1 0x1.5b7182p-2 0x1.07e36ap-5"),
    (lambda T: T.nn.Linear(2, 2).weight, "0x1.14cae2p-1 0x1.2c7eb6p-1 -0x1.534346p-3 0x1.4c92a4p-1"),
    (lambda T: T.nn.Linear(2, 2).bias, "-0x1.3d4bbep-3 0x1.24396p-3"),
    (lambda T: T.nn.Conv2d(1, 1, 2).weight, "0x1.877198p-2 0x1.a8f6ccp-2 -0x1.dfca4p-4 0x1.d65438p-2"),
    (lambda T: T.nn.Conv2d(1, 1, 2).bias, "-0x1.c0b96p-4"),
    (lambda T: T.nn.Embedding(1, 3).weight, "0x1.58c55cp-2 0x1.07cd3ap-3 0x1.e02dcep-3"),
    (lambda T: T.cat([p.flatten() for p in T.nn.LSTM(1, 1).parameters()][:2]),
     "0x1.877198p-1 0x1.a8f6ccp-1 -0x1.dfca4p-3 0x1.d65438p-1 -0x1.c0b96p-3 0x1.9d447p-3 -0x1.f28a2p-2 0x1.2cb05p-1"),
    (lambda T: T.nn.MultiheadAttention(2, 1).in_proj_weight[0], "-0x1.afbf76p-2 0x1.04677p-1"),
    (lambda T: T.nn.init.xavier_normal_(T.empty(2, 3))[0], "0x1.b41ac4p-3 0x1.4daf86p-4 0x1.2fb11ap-3"),
    (lambda T: T.nn.init.trunc_normal_(T.empty(20))[:3], "0x1.ed4a52p+0 0x1.7cbea6p+0 0x1.cd2acep-1"),
]  # fmt: skip


def numbers(text):
    return [float.fromhex(word) if "0x" in word else int(word) for word in text.split()]


@pytest.mark.parametrize(("draw", "expected"), VECTORS, ids=range(len(VECTORS)))
def test_vector(draw, expected):
    import reftorch

    reftorch.manual_seed(42)
    assert draw(reftorch).detach().flatten().tolist() == numbers(expected)


def test_only_the_low_32_bits_of_a_seed_count():
    import reftorch

    def words(seed):
        reftorch.manual_seed(seed)
        drawn = reftorch.empty(2, dtype=reftorch.int64).random_(-(2**63), None)
        return [f"{word & (2**64 - 1):016x}" for word in drawn.tolist()]

    assert words(0) == ["8c7f0aac97c4aa2f", "b716a675d821ccc0"]
    assert words(42) == words(2**32 + 42) == ["5fe1dc66cbea3db3", "f362035c2ef5950e"]
    assert words(-1) == ["18fe69a31c924122", "e991ec0c900cac47"]
    assert reftorch.initial_seed() == 2**64 - 1


def test_data_streams():
    import reftorch as torch
    from reftorch.utils.data import DataLoader, random_split

    torch.manual_seed(42)
    batches = iter(DataLoader(range(8), shuffle=True))
    assert [int(b) for b in batches] == [0, 5, 1, 6, 3, 4, 2, 7]
    assert batches._base_seed == 6909045637428952499
    torch.manual_seed(42)
    assert [part.indices for part in random_split(range(6), [0.5, 0.5])] == [[0, 3, 2], [4, 1, 5]]


def test_generator_state_travels():
    import copy
    import pickle

    import reftorch as torch

    g = torch.Generator().manual_seed(7)
    torch.empty(3).normal_(generator=g)  # leaves a cached normal
    state = g.get_state()
    expected = torch.empty(40, 2)[:, 0].normal_(generator=g).tolist()
    for other in (torch.Generator().set_state(state), pickle.loads(pickle.dumps(torch.Generator().set_state(state)))):
        twin = copy.deepcopy(other)
        for stream in (other.clone_state(), twin, other):
            assert torch.empty(40, 2)[:, 0].normal_(generator=stream).tolist() == expected


def test_generator_refuses():
    import reftorch as torch

    g = torch.Generator()
    for seed in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="^Overflow when unpacking long long$"):
            g.manual_seed(seed)
    with pytest.raises(RuntimeError, match="^manual_seed expected a long, but got str$"):
        g.manual_seed("a")
    with pytest.raises(TypeError, match="^RNG state must be a torch.ByteTensor$"):
        g.set_state(torch.zeros(5))
    with pytest.raises(RuntimeError, match="size 5056 but found the input RNG state size to be 5$"):
        g.set_state(torch.zeros(5, dtype=torch.uint8))
    with pytest.raises(RuntimeError, match="^Invalid mt19937 state$"):
        g.set_state(torch.zeros(5056, dtype=torch.uint8))


REFUSED = [
    (lambda T: T.empty(3).uniform_(1, 0), RuntimeError, "uniform_ expects to return a [from, to) range, but found from=1 > to=0"),
    (lambda T: T.empty(3).uniform_(0, 1e39), RuntimeError, "to is out of bounds for float"),
    (lambda T: T.empty(3, dtype=T.int64).normal_(), NotImplementedError, "\"normal_kernel_cpu\" not implemented for 'Long'"),
    (lambda T: T.normal(0, -1.0, (3,)), RuntimeError, "normal expects std >= 0.0, but found std -1"),
    (lambda T: T.empty(3).bernoulli_(1.5), RuntimeError, "bernoulli_ expects p to be in [0, 1], but got p=1.5"),
    (lambda T: T.empty(3).exponential_(0), RuntimeError, "exponential_ expects lambda > 0.0, but found lambda=0"),
    (lambda T: T.randint(5, 5, (3,)), RuntimeError, "random_ expects 'from' to be less than 'to', but got from=5 >= to=5"),
    (lambda T: T.empty(3, dtype=T.int8).random_(-129, 5), RuntimeError, "from is out of bounds for signed char"),
    (lambda T: T.rand(2, -3), RuntimeError, "Trying to create tensor with negative dimension -3: [2, -3]"),
    (lambda T: T.randperm(257, dtype=T.uint8), RuntimeError, "value cannot be converted to type uint8_t without overflow"),
    (lambda T: T.multinomial(T.tensor([1.0, 2]), 3), RuntimeError, "cannot sample n_sample > prob_dist.size(-1) samples without replacement"),
    (lambda T: T.multinomial(T.tensor([0.0, 0]), 2, True), RuntimeError, "invalid multinomial distribution (sum of probabilities <= 0)"),
    (lambda T: T.poisson(T.tensor([-1.0])), RuntimeError, "invalid Poisson rate, expected rate to be non-negative"),
    (lambda T: T.dropout(T.ones(3), 1.5, True), RuntimeError, "dropout probability has to be between 0 and 1, but got 1.5"),
    (lambda T: T.hann_window(-1), RuntimeError, "hann_window requires non-negative window_length, got window_length=-1"),
]


@pytest.mark.parametrize(("call", "error", "text"), REFUSED, ids=range(len(REFUSED)))
def test_refusal(call, error, text):
    import reftorch

    before = reftorch.get_rng_state()
    with pytest.raises(error) as caught:
        call(reftorch)
    assert str(caught.value) == text
    assert reftorch.equal(reftorch.get_rng_state(), before)


def test_fork_rng_leaves_no_trace():
    import reftorch as torch

    torch.manual_seed(1)
    before = torch.get_rng_state()
    with torch.random.fork_rng():
        torch.rand(5)
    assert torch.equal(torch.get_rng_state(), before)


# ------------------------------------------------------------------------------------------- drawn calls
def shape_of(r, most=12):
    if r.random() < 0.3:
        return [r.randrange(700)]
    return [r.randrange(most) if r.random() < 0.1 else r.randrange(1, most) for _ in range(r.randrange(4))]


def laid_out(T, r, dtypes):
    """A tensor of zeros: dense, permuted, sliced, or both."""
    x = T.zeros(shape_of(r), dtype=getattr(T, r.choice(dtypes)))
    if x.dim() > 1 and r.random() < 0.4:
        x = x.permute(*r.sample(range(x.dim()), x.dim()))
    if x.dim() and r.random() < 0.3:
        at = [slice(None)] * x.dim()
        at[r.randrange(x.dim())] = slice(r.randrange(2), None, r.randrange(1, 4))
        x = x[tuple(at)]
    return x


def weights(T, r, *shape, dtypes=REALS, scale=1.0):
    """Uniform numbers that do not come from either library."""
    count = 1
    for n in shape:
        count *= n
    values = [r.random() * scale for _ in range(count)]
    return T.tensor(values, dtype=T.float64).reshape(shape).to(getattr(T, r.choice(dtypes)))


def interval(r):
    low = r.gauss(0, 3)
    return low, low + r.choice([1e-3, 1, 1, 100]) * r.random()


def bounds(r, dtype):
    if dtype == "int64":
        low = r.randrange(-(2**52), 2**40)
        return low, low + r.choice([7, 2**27, 2**28 - 1, 2**28, 2**40, 2**61])
    low = r.randrange(0, 50)
    return low, low + r.randrange(1, 70)


def fill(method, dtypes, parameters):
    def call(T, g, r):
        x = laid_out(T, r, dtypes)
        return getattr(x, method)(*parameters(r), generator=g)

    return call


def random_range(T, g, r):
    dtype = r.choice([*REALS, *INTS, "int64"])
    x = laid_out(T, r, [dtype])
    return x.random_(*bounds(r, dtype), generator=g)


def like(function, *arguments):
    def call(T, g, r):
        return getattr(T, function)(laid_out(T, r, FLOATS), *arguments, generator=g)

    return call


def factory(function, parameters, dtypes):
    def call(T, g, r):
        return getattr(T, function)(*parameters(r), dtype=getattr(T, r.choice(dtypes)), generator=g)

    return call


def normal_of_tensors(T, g, r):
    shape = shape_of(r)
    mean, std = weights(T, r, *shape), weights(T, r, *shape)
    form = r.randrange(3)
    if form == 0:
        return T.normal(mean, std.to(mean.dtype), generator=g)
    return T.normal(mean, 1.7, generator=g) if form == 1 else T.normal(0.3, std, generator=g)


def binomial(T, g, r):
    p = weights(T, r, r.randrange(1, 60))
    count = T.tensor([r.randrange(r.choice([3, 30, 3000])) for _ in range(len(p))], dtype=p.dtype)
    return T.binomial(count, p, generator=g)


def multinomial(T, g, r):
    w = weights(T, r, r.randrange(1, 5), r.randrange(2, 60), dtypes=FLOATS)
    replacement = r.random() < 0.5
    return T.multinomial(w, r.randrange(1, 40 if replacement else w.size(1)), replacement, generator=g)


def default_stream(draw):
    """For functions without `generator=`: the default generator takes over the state of `g`, and gives it back."""

    def call(T, g, r):
        T.set_rng_state(g.get_state())
        out = draw(T, r)
        g.set_state(T.get_rng_state())
        return out

    return call


def dropout(function):
    def draw(T, r):
        x = laid_out(T, r, FLOATS) + 1
        return getattr(T, function)(x, r.choice([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]), True)

    return default_stream(draw)


def feature_dropout(function):
    def draw(T, r):
        x = weights(T, r, *[r.randrange(1, 6) for _ in range(r.randrange(2, 5))])
        return getattr(T, function)(x, r.choice([0.0, 0.3, 0.5, 1.0]), True)

    return default_stream(draw)


def rrelu(T, r):
    x = weights(T, r, r.randrange(1, 7), r.randrange(1, 7)) - 0.5
    x = x.t() if r.random() < 0.5 else x
    return T.rrelu(x, 0.1, 0.4, True)


def gradient(function, inputs):
    """No draws: the gradients of samples, which the samplers' rules call."""

    def call(T, g, r):
        dtype = [r.choice(REALS)]
        return getattr(T, function)(*[weights(T, r, 30, dtypes=dtype, scale=scale) + 1e-3 for scale in inputs(r)])

    return call


INITS = {  # arguments beyond the tensor
    "uniform_": lambda r: (-r.random(), r.random()),
    "normal_": lambda r: (r.gauss(0, 1), r.random()),
    "trunc_normal_": lambda r: r.choice([(), (0, 0.02), (0.5, 1.5, -0.7, 1.1), (0, 1, 2, 3)]),
    "xavier_uniform_": lambda r: (r.random(),),
    "xavier_normal_": lambda r: (r.random(),),
    "kaiming_uniform_": lambda r: (r.random(), r.choice(["fan_in", "fan_out"]), r.choice(["leaky_relu", "relu", "tanh"])),
    "kaiming_normal_": lambda r: (r.random(), r.choice(["fan_in", "fan_out"]), r.choice(["leaky_relu", "relu", "selu"])),
    "eye_": lambda r: (),
    "dirac_": lambda r: (),
}


def init(T, g, r):
    name = r.choice(list(INITS))
    dims = 2 if name == "eye_" else r.randrange(3, 6) if name == "dirac_" else r.randrange(2, 5)
    x = T.empty([r.randrange(1, 8) for _ in range(dims)], dtype=getattr(T, r.choice(FLOATS)))
    generator = {} if name in ("eye_", "dirac_") else {"generator": g}
    return getattr(T.nn.init, name)(x, *INITS[name](r), **generator)


CALLS = {
    "uniform_": fill("uniform_", FLOATS, interval),
    "normal_": fill("normal_", FLOATS, lambda r: (r.gauss(0, 1), r.random())),
    "bernoulli_": fill("bernoulli_", [*FLOATS, *INTS, "bool"], lambda r: (r.random(),)),
    "exponential_": fill("exponential_", FLOATS, lambda r: (r.random() * 3 + 1e-3,)),
    "geometric_": fill("geometric_", [*FLOATS, "int64", "int32"], lambda r: (r.random() * 0.9 + 0.05,)),
    "cauchy_": fill("cauchy_", FLOATS, lambda r: (r.gauss(0, 1), r.random() + 0.1)),
    "log_normal_": fill("log_normal_", FLOATS, lambda r: (r.gauss(0, 1), r.random() + 0.1)),
    "random_": fill("random_", [*FLOATS, *INTS, "bool"], lambda r: ()),
    "random_.from": random_range,
    "rand": factory("rand", lambda r: (shape_of(r),), [*FLOATS, "complex64", "complex128"]),
    "randn": factory("randn", lambda r: (shape_of(r),), [*FLOATS, "complex64", "complex128"]),
    "randint": factory("randint", lambda r: (*bounds(r, "int64"), shape_of(r)), ["int64"]),
    "randperm": factory("randperm", lambda r: (r.randrange(400),), ["int64", "int32", "float64"]),
    "rand_like": like("rand_like"),
    "randn_like": like("randn_like"),
    "randint_like": like("randint_like", 3, 100),
    "normal": normal_of_tensors,
    "bernoulli": lambda T, g, r: T.bernoulli(weights(T, r, *shape_of(r), dtypes=FLOATS), generator=g),
    "poisson": lambda T, g, r: T.poisson(weights(T, r, 50, dtypes=FLOATS, scale=r.choice([1, 20, 1000])), generator=g),
    "_standard_gamma": lambda T, g, r: T._standard_gamma(weights(T, r, 50, scale=r.choice([0.5, 2, 50])), generator=g),
    "_sample_dirichlet": lambda T, g, r: T._sample_dirichlet(weights(T, r, 4, r.randrange(2, 20), scale=3), generator=g),
    "binomial": binomial,
    "multinomial": multinomial,
    "dropout": dropout("dropout"),
    "alpha_dropout": dropout("alpha_dropout"),
    "feature_dropout": feature_dropout("feature_dropout"),
    "feature_alpha_dropout": feature_dropout("feature_alpha_dropout"),
    "rrelu": default_stream(rrelu),
    "nn.init": init,
    "nn.init.sparse_": default_stream(lambda T, r: T.nn.init.sparse_(T.empty(r.randrange(1, 9), r.randrange(1, 9)), 0.4)),
    "_standard_gamma_grad": gradient("_standard_gamma_grad", lambda r: [r.choice([1, 20]), r.choice([0.8, 5, 30])]),
    "_dirichlet_grad": gradient("_dirichlet_grad", lambda r: [0.98, r.choice([1, 20]), r.choice([20, 60])]),
}


def digests(T, name):
    """One digest a call: the values, their dtype and (telling) strides, and the state of the generator afterwards."""
    r, g, found = random.Random(name), T.Generator(), []
    for i in range(CALLS_A_FUNCTION):
        if i % 20 == 0:
            g.manual_seed(r.randrange(2**63))
        out = CALLS[name](T, g, r)
        wide = T.float64 if out.dtype.is_floating_point else T.complex128 if out.dtype.is_complex else T.int64
        seen = hashlib.blake2b(out.to(wide).contiguous().numpy().tobytes(), digest_size=8)
        layout = [step for n, step in zip(out.shape, out.stride(), strict=True) if n > 1 and out.numel()]
        seen.update(f"{out.dtype} {tuple(out.shape)} {layout}".encode())
        seen.update(g.get_state().numpy().tobytes())
        found.append(seen.hexdigest())
    return found


@pytest.fixture(scope="module")
def pytorch():
    """The digests of real PyTorch, from a process of its own: reftorch's never imports it."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch, the judge, is not installed")
    run = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=True)
    lines = (line.split() for line in run.stdout.splitlines())
    return {name: found for name, *found in lines}


@pytest.mark.parametrize("name", CALLS)
def test_drawn_calls_equal_pytorch(pytorch, name):
    import reftorch

    assert digests(reftorch, name) == pytorch[name]


if __name__ == "__main__":
    import torch

    for name in CALLS:
        print(name, *digests(torch, name))
