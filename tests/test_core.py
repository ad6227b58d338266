"""The compiled core: loops against ufuncs, threads, forks, memory, and the graph's own rules."""
import gc
import os
import pickle
import threading
import warnings

import numpy as np
import pytest

import reftorch as torch
from reftorch.core import OPS, T

LOOPS = sorted(name for name, op in OPS.items() if op.loop_codes())


def operands(op, dtype):
    """Arrays of 3 x 40 values that suit most functions: small, the first with negative ones, no zeros for integers."""
    rng = np.random.default_rng(0)
    made = []
    for p in op.overloads[0].schema.params[:op.ufunc.nin]:
        if p.type == "Scalar":
            a = np.asarray(2)
        elif dtype.is_complex:
            a = rng.normal(size=(3, 40)) + 1j * rng.normal(size=(3, 40))
        elif dtype.is_floating_point:
            a = rng.normal(size=(3, 40))
            a = np.abs(a) if made else a          # second operands are often bounds
        else:
            a = rng.integers(1, 7, size=(3, 40))
        made.append(a.astype(dtype.numpy))
    return made


@pytest.mark.parametrize("name", LOOPS)
def test_inner_loop_gives_the_ufunc_s_bits(name):
    """Every op that calls a compiled loop directly gives, for every dtype, what the ufunc itself gives."""
    op = OPS[name]
    checked = 0
    for dtype in op.loop_codes():
        arrays = operands(op, dtype)
        with np.errstate(all="ignore"):
            want = op.ufunc(*arrays)
        try:
            got = op.run_loop(*[torch.from_numpy(a) if a.ndim else a.item() for a in arrays])._array
        except (NotImplementedError, RuntimeError):
            continue                       # torch refuses this dtype, and so does the op, whatever the ufunc can do
        if got.dtype != want.dtype:
            continue                       # int to float: the loop ran on another dtype
        assert got.tobytes() == want.tobytes(), dtype
        with np.errstate(all="ignore"):
            want = op.ufunc(*[a[:, ::2] if a.ndim else a for a in arrays])
        strided = op.run_loop(*[torch.from_numpy(a)[:, ::2] if a.ndim else a.item() for a in arrays])._array
        assert np.array_equal(strided, want, equal_nan=want.dtype.kind in "fc"), dtype
        checked += 1
    assert checked


def test_threads_do_not_change_the_numbers():
    x = torch.randn(300, 1000, generator=torch.Generator().manual_seed(0))
    before = torch.get_num_threads()
    try:
        outcomes = []
        for n in (1, 2, 4):
            torch.set_num_threads(n)
            outcomes.append([t._array.tobytes() for t in (x * 2 + x, x.exp(), x.t() * 3, x.sum(), x.softmax(-1), x @ x.t()[:, :50])])
    finally:
        torch.set_num_threads(before)
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_backward_from_several_threads():
    w = torch.randn(50, 50, requires_grad=True)
    failures = []

    def work():
        try:
            for _ in range(50):
                x = torch.randn(50, 50, requires_grad=True)
                (x * w.detach()).sum().backward()
                assert torch.equal(x.grad, w.detach())
                with torch.no_grad():
                    assert not (x * 2).requires_grad
                assert (x * 2).requires_grad
        except Exception as e:                    # reported in the main thread
            failures.append(e)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def resident():
    with open("/proc/self/statm") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident memory is read from /proc")
def test_memory_stays_flat():
    """10,000 steps of forward and backward, with the cycle collector off: nothing may pile up."""
    w = torch.randn(20, 20, requires_grad=True)
    b = torch.zeros(20, requires_grad=True)
    x = torch.randn(8, 20)

    def step():
        h = (x @ w + b).tanh() * 2
        h[0] = 0
        loss = (h * h).exp().mean() + h.t()[1:].sum()
        loss.backward()
        with torch.no_grad():
            w.sub_(w.grad * 1e-3)
        w.grad = b.grad = None
    gc.collect()
    gc.disable()
    try:
        for _ in range(1000):
            step()
        start = resident()
        for _ in range(10_000):
            step()
        assert resident() - start < 2 << 20
    finally:
        gc.enable()


def test_every_op_pickles_by_name():
    for name, op in OPS.items():
        assert pickle.loads(pickle.dumps(op)) is op, name
    assert pickle.loads(pickle.dumps(torch.Tensor.mul)) is torch.Tensor.mul


def test_function_face_does_not_bind_and_method_does():
    class Net:
        act = torch.relu
        twice = torch.Tensor.mul
    assert Net().act(torch.tensor(-1.0)).item() == 0
    with pytest.raises(TypeError):
        Net().twice(2)
    assert torch.tensor(3.0).mul(2).item() == 6


def test_views_share_memory_and_version():
    x = torch.zeros(2, 3)
    y = x[0]
    y += 1
    assert x._version == y._version == 1 and x[0, 0].item() == 1 and y._base is x
    assert x.data._version == 0 and x.detach()._version == 1


def test_from_numpy_shares_memory():
    a = np.arange(6.0).reshape(2, 3)
    t = torch.from_numpy(a)
    t[0, 0] = 7
    assert a[0, 0] == 7 and np.shares_memory(a, t.numpy()) and np.shares_memory(np.from_dlpack(t), a)
    assert torch.from_dlpack(a).data_ptr() == t.data_ptr()


def test_no_reference_cycle_in_a_graph():
    """A graph goes away with its last user, without the cycle collector."""
    import weakref
    gc.disable()
    try:
        x = torch.ones(3, requires_grad=True)
        y = x.exp()
        seen = weakref.ref(y.grad_fn)
        del y
        assert seen() is None
    finally:
        gc.enable()


def test_deep_graph_does_not_recurse():
    x = torch.ones(1, requires_grad=True)
    y = x
    for _ in range(20_000):
        y = y + 1
    y.backward()
    assert x.grad.item() == 1
    del y


def test_leaf_waits_for_all_of_its_gradients():
    seen = []
    x = torch.ones(2, requires_grad=True)
    x.register_hook(lambda g: seen.append(g.tolist()))
    x.register_post_accumulate_grad_hook(lambda t: seen.append(t.grad.tolist()))
    (x * 2 + x.exp() * 0 + x).sum().backward()
    assert seen == [[3, 3], [3, 3]]


def test_hooks_of_leaves_come_in_the_order_of_pytorch():
    order = []
    leaves = [torch.ones(1, requires_grad=True) for _ in range(7)]
    for i, t in enumerate(leaves):
        t.register_hook(lambda g, i=i: order.append(i))
    torch.cat(leaves).sum().backward()
    assert order == [0, 2, 5, 6, 4, 1, 3]


def test_no_leaf_is_written_to_when_an_input_of_it_fails():
    x, y = (torch.ones(2, requires_grad=True) for _ in range(2))
    z = x * 2 * torch.floor_divide(x, y)
    with pytest.raises(RuntimeError, match="derivative for aten::floor_divide is not implemented"):
        z.sum().backward()
    assert x.grad is None and y.grad is None
    (x * y).sum().backward()                 # nothing of the failed pass is left
    assert x.grad.tolist() == y.grad.tolist() == [1, 1]


def test_gradients_are_added_up_and_kept_without_a_copy():
    x, made = torch.ones(2, requires_grad=True), []
    (x * 2 + x * 3).sum().backward()
    assert x.grad._version == 1              # the first product, to which the second was added
    x = torch.ones(2, requires_grad=True)
    y = x * 2
    y.register_hook(made.append)             # whoever holds a gradient keeps it as it is
    (y + x).sum().backward()
    x.grad.add_(1)
    assert made[0].tolist() == [1, 1]


@pytest.mark.parametrize("held", [False, True])
def test_gradient_turned_twice_is_kept_unless_somebody_has_it(held):
    made, kept = [], []

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            product = grad * 2
            made.append(product.data_ptr())
            if held:
                kept.append(product)
            return product.t().t()

    x = torch.ones(2, 3, requires_grad=True)
    Twice.apply(x).sum().backward()
    assert (x.grad.data_ptr() == made[0]) is not held
    assert not x.grad._is_view()


def test_parameter_that_is_real_is_its_own_conjugate():
    p = torch.nn.Parameter(torch.ones(2))
    assert p.conj() is p


@pytest.mark.parametrize("size", [2, 60])
def test_pass_within_a_pass(size):
    """From a hook, through nodes that the outer pass has yet to visit; small graphs and such as outgrow the stack."""
    x = torch.ones(2, requires_grad=True)
    middle = x * 2
    y = middle
    for _ in range(size):
        y = y + x

    def hook(g):
        with torch.enable_grad():
            inner.append(torch.autograd.grad(middle.sum(), x, retain_graph=True)[0].tolist())
    inner = []
    y.register_hook(hook)
    y.sum().backward()
    assert inner == [[2, 2]] and x.grad.tolist() == [2 + size] * 2


def test_inputs_of_backward_retain_their_gradients():
    x, other = (torch.ones(2, requires_grad=True) for _ in range(2))
    y = x * 2
    (y * x * other).sum().backward(inputs=[y, y, x])
    assert y.retains_grad and y.grad.tolist() == [1, 1] and x.grad.tolist() == [4, 4] and other.grad is None


def test_inputs_of_grad_must_be_reached():
    x, other = (torch.ones(2, requires_grad=True) for _ in range(2))
    with pytest.raises(RuntimeError, match="The differentiated Tensor at index 1 appears to not have been used"):
        torch.autograd.grad((x * 2).sum(), [x, other])


def test_non_leaf_grad_warns():
    y = torch.ones(1, requires_grad=True) * 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert y.grad is None
    assert "not a leaf Tensor" in str(caught[0].message)


@pytest.mark.parametrize("fn, shapes", [
    (lambda a: a.exp().sum(), [(2, 3)]),
    (lambda a, b: (a @ b).tanh(), [(2, 3), (3, 2)]),
    (lambda a: a[0] * a[:, 1].sum(), [(2, 3)]),
    (lambda a: torch.cat([a, a * a]).logsumexp(0), [(2, 3)]),
    (lambda a: a.softmax(-1)[:, 0], [(2, 3)]),
    (lambda a, b: torch.where(a > 0, a * b, b), [(2, 3), (2, 3)]),
])
def test_first_and_second_derivatives(fn, shapes):
    g = torch.Generator().manual_seed(1)
    inputs = tuple(torch.randn(s, dtype=torch.float64, generator=g, requires_grad=True) for s in shapes)
    assert torch.autograd.gradcheck(fn, inputs)
    assert torch.autograd.gradgradcheck(fn, inputs)


def test_gradcheck_finds_a_wrong_gradient():
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad * 3
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(Wrong.apply, torch.ones(2, dtype=torch.float64, requires_grad=True))


def test_forward_mode_by_rules_and_by_linearity():
    import reftorch.autograd.forward_ad as fwd
    x, t = torch.tensor([0.5, 2.0]), torch.tensor([1.0, 3.0])
    with fwd.dual_level():
        dual = fwd.make_dual(x, t)
        y = fwd.unpack_dual((dual.exp() * dual).flip(0))
    want = (t * (x.exp() * x + x.exp())).flip(0)
    assert torch.allclose(y.tangent, want)


@pytest.mark.parametrize("dim", [0, -1, 3])
def test_a_tensor_without_dimensions_has_no_size_to_ask_for(dim):
    for ask in (torch.tensor(0.5).size, torch.tensor(0.5).stride):
        with pytest.raises(IndexError, match=f"Dimension specified as {dim} but tensor has no dimensions"):
            ask(dim)


@pytest.mark.parametrize("program, text", [
    ("x + None", "unsupported operand type(s) for +: 'Tensor' and 'NoneType'"),
    ("x += 's'", "unsupported operand type(s) for +=: 'Tensor' and 'str'"),
    ("x **= 's'", "unsupported operand type(s) for **=: 'Tensor' and 'str'"),
    ("x < None", "'<' not supported between instances of 'Tensor' and 'NoneType'"),
])  # fmt: skip
def test_operators_name_themselves_in_errors(program, text):
    with pytest.raises(TypeError) as caught:
        exec(program, {"x": torch.ones(3)})
    assert str(caught.value) == text


def test_an_array_divided_by_a_tensor_is_a_tensor():
    found = np.ones(3) / torch.full((3,), 2.0)
    assert isinstance(found, torch.Tensor) and found.dtype == torch.float64 and found.tolist() == [0.5] * 3


def test_a_tensor_equals_an_array_element_by_element():
    x = torch.tensor([1.0, 2.0])
    assert (x == np.array([1, 3])).tolist() == (np.array([1, 3]) == x).tolist() == [True, False]
    assert (x == np.array(["1", "2"])) is False and (x != np.array([1, 2])) is True       # as in PyTorch


def test_small_losses_of_classes_go_the_quick_way_with_the_same_results():
    scores, classes, weight = torch.randn(6, 4, requires_grad=True), torch.tensor([0, 3, -100, 1, 2, 3]), torch.rand(4)
    for weights, reduction, ignored in (None, "mean", -100), (weight, "mean", -100), (None, "sum", 3), (weight, "none", -100):
        quick = torch.nn.functional.nll_loss(scores, classes.clamp_min(min(ignored, 0)), weights, ignore_index=ignored, reduction=reduction)
        general, _ = T.nll_loss_forward(scores, classes.clamp_min(min(ignored, 0)), weights, ["none", "mean", "sum"].index(reduction), ignored)
        assert type(quick.grad_fn) is type(general.grad_fn) and torch.equal(quick, general)
        assert torch.equal(*(torch.autograd.grad(loss.sum(), scores)[0] for loss in (quick, general)))
    with pytest.raises(IndexError, match="Target 4 is out of bounds"):
        torch.nn.functional.nll_loss(scores, classes + 1)


@pytest.mark.parametrize("size", [0, 1, 1000, 4095, 4096, 4097, 100_003, 600_000])
def test_clones_of_all_sizes(size):
    x = torch.arange(size, dtype=torch.float32)
    made = x.clone()
    assert made.data_ptr() != x.data_ptr() or size == 0
    assert torch.equal(made, x) and not made._is_view()
    assert torch.arange(6).view(2, 3).t().clone().stride() == (1, 3)


@pytest.mark.parametrize("shape, dim, index", [((5,), 0, 3), ((2, 3, 4), 0, -1), ((2, 3, 4), -2, 0), ((2, 3, 4), 2, 3), ((3, 1), 1, 0)])
def test_gradient_of_select_is_zero_around_it(shape, dim, index):
    x, wanted = torch.randn(shape, requires_grad=True), torch.zeros(shape)
    picked = x.select(dim, index)
    towards = torch.randn(picked.shape)
    wanted.select(dim, index).copy_(towards)
    assert torch.equal(torch.autograd.grad(picked, x, towards)[0], wanted)
    with pytest.raises(IndexError, match="out of range"):
        T.select_backward(towards, shape, dim, shape[dim])


def test_sums_and_mean_squares_larger_than_the_smallest():
    x, y = torch.randn(40, 60, 33, dtype=torch.float64), torch.randn(40, 60, 33, dtype=torch.float64)
    for dims in (0, (0, 1), (1, 2), -1):
        torch.testing.assert_close(x.sum(dims), torch.tensor(x.numpy().sum(dims)))
    for reduction, wanted in ("sum", ((x - y) ** 2).sum()), ("mean", ((x - y) ** 2).mean()), ("none", (x - y) ** 2):
        torch.testing.assert_close(torch.nn.functional.mse_loss(x, y, reduction=reduction), wanted)


def test_views_and_copies_keep_or_mend_strides():
    x = torch.arange(12.0)[::2]
    assert x[:1].view(1).stride() == T._unsafe_view(x[:1], (1,)).stride() == (2,)
    turned = torch.randn(2, 3, 4).permute(2, 0, 1)
    copied = turned.clone(memory_format=torch.contiguous_format)
    assert copied.stride() == (6, 3, 1) and torch.equal(copied, turned) and turned.clone().stride() == turned.stride()


def test_joined_tensors_are_taken_when_the_call_is_made():
    a, b = torch.ones(2, requires_grad=True), torch.ones(3, requires_grad=True)
    first, second = (a * 2).split(1)
    parts = [first, b, second]
    made = torch.cat(parts)
    parts.clear()
    made.backward(torch.arange(5.0))
    assert a.grad.tolist() == [0, 8] and b.grad.tolist() == [1, 2, 3]


def test_hooks_of_all_modules_run_until_removed():
    seen, net = [], torch.nn.Linear(2, 2)
    modules = torch.nn.modules.module
    handles = [modules.register_module_forward_pre_hook(lambda m, given: seen.append("before")),
               modules.register_module_forward_hook(lambda m, given, made: seen.append("after")),
               modules.register_module_full_backward_hook(lambda m, inner, outer: seen.append("backward"))]
    net(torch.ones(1, 2)).sum().backward()
    assert seen == ["before", "after", "backward"]
    for handle in handles:
        handle.remove()
    net(torch.ones(1, 2)).sum().backward()
    assert len(seen) == 3


class Twice(torch.nn.Module):
    def forward(self, x, *, times=2):
        return x * times


def test_modules_are_called_as_they_say():
    x, net = torch.ones(2), Twice()
    assert net(x, times=3).tolist() == [3, 3] and net(x=x).tolist() == [2, 2]
    net.forward = lambda x: x + 5
    assert net(x).tolist() == [6, 6]
    handle = net.register_forward_hook(lambda module, given, made: made * 2)
    assert net(x).tolist() == [12, 12]
    handle.remove()
    assert net(x).tolist() == [6, 6]

    class Thrice(Twice):
        def __call__(self, x):
            return super().__call__(x, times=3)
    assert Thrice()(x).tolist() == [3, 3]

    class Bare(Twice):
        def __init__(self):
            pass
    with pytest.raises(AttributeError, match="has no attribute '_backward_hooks'"):
        Bare()(x)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        Twice()()


def test_modules_pickle_and_change_their_class():
    net = torch.nn.Linear(2, 2)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert torch.equal(pickle.loads(pickle.dumps(net, protocol)).weight, net.weight)
    lazy = torch.nn.LazyConv2d(4, 3)
    lazy(torch.ones(1, 2, 8, 8))
    assert type(lazy) is torch.nn.Conv2d


@pytest.mark.parametrize("call, words", [
    (lambda t: t + None, "unsupported operand type(s) for +: 'Tensor' and 'NoneType'"),
    (lambda t: None - t, "unsupported operand type(s) for -: 'NoneType' and 'Tensor'"),
    (lambda t: np.ones(1) % t, "unsupported operand type(s) for %: 'numpy.ndarray' and 'Tensor'"),
    (lambda t: t < object(), "'<' not supported between instances of 'Tensor' and 'object'"),
    (lambda t: t * "s", "only integer tensors of a single element can be converted to an index"),
], ids=["left", "right", "array", "comparison", "sequence"])
def test_operators_say_what_they_refuse(call, words):
    with pytest.raises(TypeError) as caught:
        call(torch.ones(3))
    assert str(caught.value) == words


def test_tensor_repeats_a_sequence():
    assert torch.tensor(2) * [1, 2] == [1, 2, 1, 2]


def test_node_without_derivative_lists_what_needs_one():
    x = torch.ones(2, requires_grad=True)
    (node, nr), = torch.floor_divide(torch.ones(2), (x * 1).unbind()[1]).grad_fn.next_functions
    assert type(node).__name__ == "UnbindBackward0" and nr == 1
