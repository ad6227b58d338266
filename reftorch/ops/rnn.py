"""Recurrent networks over whole sequences, their cells, and packed sequences.

A packed sequence holds the steps of sequences sorted by falling length one after another: `data` (sum of lengths, *), of
which step t takes the next `batch_sizes[t]` rows.  A plain input is the case in which all steps take N rows.

float32 and float64 run in kernels/rnn.pyx, a layer (or a cell) one node.  What is composed of public ops here serves other dtypes, forward mode
and the gradients of gradients, and says what is wrong with arguments that do not fit.
"""
import itertools
import warnings
from typing import NamedTuple

import numpy as np

from ..core import T, composite, primitive
from ..core._core import Kernel, KernelNode, PassNode, PlainLayer, in_forward_mode, node_class, rename, run_backward
from ..kernels import rnn as kernels
from ._common import type_name


class _Weights(NamedTuple):
    """The parameters of a layer in one direction."""
    w_ih: object
    w_hh: object
    b_ih: object = None
    b_hh: object = None
    w_hr: object = None


# ------------------------------------------------------------------------------- one step: (gates of the input, hidden, w) -> hidden
def _tanh_step(gates, hidden, w):
    return (T.tanh(T.linear(hidden[0], w.w_hh, w.b_hh) + gates),)


def _relu_step(gates, hidden, w):
    return (T.relu(T.linear(hidden[0], w.w_hh, w.b_hh) + gates),)


def _gru_step(gates, hidden, w):
    """r, z = sigmoid(...); n = tanh(i_n + r h_n); h' = (h - n) z + n."""
    i_r, i_z, i_n = gates.chunk(3, 1)
    h_r, h_z, h_n = T.linear(hidden[0], w.w_hh, w.b_hh).chunk(3, 1)
    new = T.tanh(i_n + h_n * T.sigmoid(h_r + i_r))
    return ((hidden[0] - new) * T.sigmoid(h_z + i_z) + new,)


def _lstm_step(gates, hidden, w):
    """i, f, o = sigmoid(...), g = tanh(...); c' = f c + i g; h' = o tanh(c'), projected when there is w_hr."""
    i, f, g, o = (T.linear(hidden[0], w.w_hh, w.b_hh) + gates).chunk(4, 1)
    cell = T.sigmoid(f) * hidden[1] + T.sigmoid(i) * T.tanh(g)
    out = T.sigmoid(o) * T.tanh(cell)
    return out if w.w_hr is None else T.matmul(out, w.w_hr.t()), cell


# ------------------------------------------------------------------------------- layers
def _run(step, gates, start, w, reverse):
    """Outputs of all steps in time order, and the last hidden state of every sequence, from the state `start`.

    Forwards in time sequences end as the batch shrinks; backwards they join as it grows.
    """
    order = gates[::-1] if reverse else gates
    running = order[0].shape[0]
    hidden = tuple(h.narrow(0, 0, running) for h in start) if running < order[-1].shape[0] else start
    outputs, ended = [], []
    for g in order:
        n = g.shape[0]
        if n < running:
            ended.append(tuple(h.narrow(0, n, running - n) for h in hidden))
            hidden = tuple(h.narrow(0, 0, n) for h in hidden)
        elif n > running:
            hidden = tuple(T.cat([h, s.narrow(0, running, n - running)], 0) for h, s in zip(hidden, start, strict=True))
        running = n
        hidden = step(g, hidden, w)
        outputs.append(hidden[0])
    if ended:
        hidden = tuple(T.cat(parts, 0) for parts in zip(hidden, *reversed(ended), strict=True))
    return outputs[::-1] if reverse else outputs, hidden


# ------------------------------------------------------------------------------- a layer or cell in one node
_STACK, _ADD, _TANH, _RELU = [node_class(name + "Backward0", KernelNode) for name in ("Stack", "Add", "Tanh", "Relu")]
# what PyTorch's graph shows over the output
_CAT, _ONEDNN, _MUL = [node_class(name + "Backward0", PassNode) for name in ("Cat", "MkldnnRnnLayer", "Mul")]
_HALF = ("bfloat16", "float16")


def _widened(arrays):
    return [a if a is None or a.dtype.itemsize > 2 else a.astype(np.float32) for a in arrays]


def _forward_half(arrays, keep, args):
    """kernels.forward of halves, computed in float32."""
    made = kernels.forward(_widened(arrays), keep, args)
    return made and (made[0], [r.astype(arrays[0].dtype) for r in made[1]])


def _backward_half(arrays, wanted, saved, grads, args):
    return [None if g is None else g.astype(arrays[0].dtype)
            for g in kernels.backward(_widened(arrays), wanted, saved, _widened(grads), args)]


def _composed_gradient(inputs, grads, args):
    """The gradients by way of public ops, to be differentiated again."""
    states, batch_sizes, kind, stride, cell = args
    step, data, hx, weights = _STEPS[kind], inputs[0], inputs[1:1 + states], _grouped(inputs[1 + states:], stride)
    if cell:
        results = step(T.linear(data, weights[0].w_ih, weights[0].b_ih), hx or _no_state(len(data), weights[0], kind == _LSTM, data), weights[0])
    else:
        output, last = _composed_layer(step, data, batch_sizes, hx, weights)
        results = output, *last
    known = [(r, g) for r, g in zip(results, grads, strict=True) if g is not None]
    wanted = [t for t in inputs if t.requires_grad]
    found = iter(run_backward([r for r, _ in known], [g for _, g in known], True, True, wanted, True, False))
    return [next(found) if t.requires_grad else None for t in inputs]


_KERNEL = Kernel(kernels.forward, kernels.backward, _composed_gradient)
_KERNEL_HALF = Kernel(_forward_half, _backward_half, _composed_gradient)


@primitive("_rnn_states(Tensor[] states) -> Tensor", ns=None, node="StackBackward0",
           states=lambda grad, states_shape: grad.split_with_sizes([shape[0] for shape in states_shape], 0))
def _rnn_states(states):
    """The last states of all layers, (layers * directions, N, size)."""
    return np.concatenate(states)


def _composed_layer(step, data, batch_sizes, hx, weights):
    """(output, last states) of a layer of public ops; `hx` and the states are (directions, N, size)."""
    ways = []
    for way, w in enumerate(weights):
        gates = T.linear(data, w.w_ih, w.b_ih)
        gates = gates.unbind(0) if batch_sizes is None else gates.split_with_sizes([int(n) for n in batch_sizes], 0)
        first = tuple(h.select(0, way) for h in hx) if hx else _no_state(gates[0].shape[0], w, step is _lstm_step, data)
        outputs, last = _run(step, gates, first, w, way == 1)
        ways.append((T.stack(outputs, 0) if batch_sizes is None else T.cat(outputs, 0), last))
    outputs, lasts = zip(*ways, strict=True)
    return outputs[0] if len(outputs) == 1 else T.cat(outputs, -1), [T.stack(states, 0) for states in zip(*lasts, strict=True)]


def _no_state(n, w, lstm, like):
    """States of zeros, (N, size)."""
    sizes = (w.w_hh.shape[1], w.w_hh.shape[0] // 4) if lstm else (w.w_hh.shape[1],)
    return tuple(T.zeros((n, size), dtype=like.dtype) for size in sizes)


def _grouped(params, stride):
    """The flat list of parameters as `_Weights`, one a direction."""
    groups = [params[i:i + stride] for i in range(0, len(params), stride)]
    # without biases the projection stands third
    return [_Weights(*g[:2], w_hr=g[2]) if stride == 3 else _Weights(*g) for g in groups]


def _layer(kind, data, batch_sizes, hx, weights, stride, half):
    """(output, last states) of a layer, in one node if it can be."""
    if not in_forward_mode():
        kernel = _KERNEL_HALF if half else _KERNEL
        results = kernel.run(_STACK, None, [data, *hx, *weights], (len(hx), batch_sizes, kind, stride, False))
        if results is not None:
            return results[0], results[1:]
    return _composed_layer(_STEPS[kind], data, batch_sizes, hx, _grouped(weights, stride))


def network(kind, data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first=False):
    """output, *last hidden states, each (layers * directions, N, H); `hx` holds the first ones in that form."""
    directions, lstm = 1 + bidirectional, kind == _LSTM
    stride = 2 + 2 * has_biases + (lstm and hx[0].size(2) != hx[1].size(2))
    if len(params) % stride:
        raise RuntimeError(f"MatrixRef: ArrayRef size {len(params)} not divisible by stride {stride}")
    if hx[0].size(0) != num_layers * directions:
        raise RuntimeError("Expected more hidden states in stacked_rnn")
    if len(params) != num_layers * directions * stride:
        raise RuntimeError("Expected more weights in stacked_rnn")
    if batch_first:
        data = data.transpose(0, 1)
    if data.size(0) == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    batch_sizes = None if batch_sizes is None else batch_sizes._array
    half = data.dtype.name in _HALF
    # torch: such layers run in oneDNN, as the names of the nodes tell
    onednn = lstm and batch_sizes is None and (half or data.dtype.name == "float32") and 0 not in data.shape
    if onednn and stride & 1:
        warnings.warn("LSTM with projections is not supported with oneDNN. Using default implementation.", stacklevel=5)
        onednn = False
    group, lasts = directions * stride, []
    for layer in range(num_layers):
        first = [h.narrow(0, layer * directions, directions) for h in hx]
        weights = params[layer * group:(layer + 1) * group]
        if half and not onednn:              # torch: rounds after every op
            data, last = _composed_layer(_STEPS[kind], data, batch_sizes, first, _grouped(weights, stride))
        else:
            data, last = _layer(kind, data, batch_sizes, first, weights, stride, half)
        lasts.append(last)
        if dropout != 0 and train and layer < num_layers - 1:
            data = T.dropout(data, dropout, True)
    if batch_first:
        data = data.transpose(0, 1) if lstm else data.transpose_(0, 1)        # torch: as the names of the nodes tell
    elif bidirectional or batch_sizes is not None:
        data = rename(_CAT, data)
    elif onednn:
        data = rename(_ONEDNN, data)
    return data, *(lasts[0] if num_layers == 1 else [T._rnn_states(list(states)) for states in zip(*lasts, strict=True)])


_LAYERS = "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional"


def _define(name, hidden, returns):
    """The op `name` for plain input (seq, N, in) and for packed data."""
    kind = kernels.KINDS[name]

    def run(hx, params, has_biases, num_layers, dropout, train, bidirectional, input=None, batch_first=False, data=None, batch_sizes=None):
        if kind != _LSTM:
            hx = [hx]
        elif len(hx) != 2:
            raise RuntimeError("lstm expects two hidden states")
        return network(kind, data if input is None else input, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
    run.__doc__ = f"`num_layers` layers of {name}, over (seq, N, in) or packed data."
    return composite(f"{name}.data(Tensor data, Tensor batch_sizes, {hidden} hx, {_LAYERS}) -> {returns}",
                     f"{name}.input(Tensor input, {hidden} hx, {_LAYERS}, bool batch_first) -> {returns}")(run)


_LSTM = kernels.KINDS["lstm"]
_STEPS = {_LSTM: _lstm_step, kernels.KINDS["gru"]: _gru_step, kernels.KINDS["rnn_tanh"]: _tanh_step, kernels.KINDS["rnn_relu"]: _relu_step}
PARAMETERS = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"]


def _plain_cases():
    """What `PlainLayer` wants of all kinds of layers, with and without biases, in one direction and two."""
    for name, kind in kernels.KINDS.items():
        for bias, two in itertools.product((True, False), repeat=2):
            names = [f"{param}_l0{way}" for way in ("", "_reverse")[:1 + two] for param in PARAMETERS[:4 if bias else 2]]
            over = (_CAT, _CAT) if two else (_ONEDNN, None) if kind == _LSTM else (None, None)
            yield (name.upper(), bias, two, 1, False, 0), (_STACK, *over, (0, None, kind, 4 if bias else 2, False), names)


plain_layer = PlainLayer(_KERNEL, ("mode", "bias", "bidirectional", "num_layers", "batch_first", "proj_size"), dict(_plain_cases())).run
lstm = _define("lstm", "Tensor[]", "(Tensor, Tensor, Tensor)")
gru = _define("gru", "Tensor", "(Tensor, Tensor)")
rnn_tanh = _define("rnn_tanh", "Tensor", "(Tensor, Tensor)")
rnn_relu = _define("rnn_relu", "Tensor", "(Tensor, Tensor)")


# ------------------------------------------------------------------------------- cells
#: by kind: the nodes that PyTorch shows, and how many gates have weights
_CELLS = {_LSTM: (_ADD, _MUL, 4), kernels.KINDS["gru"]: (_ADD, None, 3), kernels.KINDS["rnn_tanh"]: (_TANH, None, 1),
          kernels.KINDS["rnn_relu"]: (_RELU, None, 1)}


def cell_of_module(kind, inputs, attributes):
    """[h'], or [h', c'] of LSTM, for a module with these attributes, from its input and states, h and c or none for zeros; None if something else
    than plain calls is to see the tensors, or they do not fit, or the parameters are not the usual ones: pruned, parametrized ..."""
    node, over, _ = _CELLS[kind]
    return _KERNEL.plain(node, over, inputs, (len(inputs) - 1, None, kind, 4 if attributes["bias"] else 2, True), attributes["_parameters"],
                         PARAMETERS)


def _cell(kind, input, hx, w_ih, w_hh, b_ih, b_hh):
    if (b_ih is None) == (b_hh is None):
        weights = [w_ih, w_hh] if b_ih is None else [w_ih, w_hh, b_ih, b_hh]
        node, over, _ = _CELLS[kind]
        results = _KERNEL.plain(node, over, [input, *hx, *weights], (len(hx), None, kind, len(weights), True))
        if results is not None:
            return results
    if input.shape[1] != w_ih.shape[1]:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[1]} expected {w_ih.shape[1]}")
    hidden_size, gates = w_hh.shape[1], _CELLS[kind][2]
    for i, h in enumerate(hx):
        if input.shape[0] != h.shape[0]:
            raise RuntimeError(f"Input batch size {input.shape[0]} doesn't match hidden{i} batch size {h.shape[0]}")
        if h.shape[1] != hidden_size:
            raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {h.shape[1]}, expected {hidden_size}")
    if w_ih.shape[0] != gates * hidden_size:
        raise RuntimeError(f"weight_ih first dim must be {gates} * hidden_size = {gates * hidden_size}, but got {w_ih.shape[0]}")
    return _STEPS[kind](T.linear(input, w_ih, b_ih), hx, _Weights(w_ih, w_hh, b_ih, b_hh))


_CELL = "Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None"


@composite(f"lstm_cell(Tensor input, Tensor[] hx, {_CELL}) -> (Tensor, Tensor)")
def lstm_cell(input, hx, w_ih, w_hh, b_ih, b_hh):
    """One step of an LSTM: (h', c'), each (N, H)."""
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    return tuple(_cell(_LSTM, input, hx, w_ih, w_hh, b_ih, b_hh))


def _define_cell(name):
    kind = kernels.KINDS[name.removesuffix("_cell")]

    def run(input, hx, w_ih, w_hh, b_ih, b_hh):
        return _cell(kind, input, [hx], w_ih, w_hh, b_ih, b_hh)[0]
    run.__doc__ = f"One step of {name.removesuffix('_cell')}: h' (N, H)."
    return composite(f"{name}(Tensor input, Tensor hx, {_CELL}) -> Tensor")(run)


gru_cell = _define_cell("gru_cell")
rnn_tanh_cell = _define_cell("rnn_tanh_cell")
rnn_relu_cell = _define_cell("rnn_relu_cell")


# ------------------------------------------------------------------------------- packing
def _within(sizes, columns):
    """(len(sizes), columns): which columns lie within each size."""
    return np.arange(columns) < np.asarray(sizes)[:, None]


@primitive("_pack_padded_sequence(Tensor input, Tensor lengths, bool batch_first) -> (Tensor, Tensor)", half=False, node="PackPaddedSequenceBackward0",
           input=lambda grad, input_shape, result1, batch_first: T._pack_padded_sequence_backward(grad, input_shape, result1, batch_first))
def _pack_padded_sequence(input, lengths, batch_first):
    """(data, batch_sizes) of the sequences in (seq, N, *), sorted by falling length."""
    steps = input.swapaxes(0, 1) if batch_first else input
    if lengths.ndim != 1 or lengths.dtype != np.int64:
        raise RuntimeError(f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.ndim}D cpu {type_name(lengths)} tensor")
    if input.size == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    if len(lengths) != steps.shape[1]:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {len(lengths)} (batch_size={steps.shape[1]})")
    if lengths[-1] <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0")
    if (np.diff(lengths) > 0).any():
        raise RuntimeError("`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can pass `enforce_sorted=False` to "
                           "pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do not need ONNX exportability.")
    # torch: a length beyond the input is not refused, its steps are merely missing in data
    return steps[_within(lengths, len(steps)).T], _within(lengths, lengths[0]).sum(0)


@composite("_pack_padded_sequence_backward(Tensor grad, int[] input_size, Tensor batch_sizes, bool batch_first) -> Tensor")
def _pack_padded_sequence_backward(grad, input_size, batch_sizes, batch_first):
    """The gradient of `_pack_padded_sequence`: rows back at their places, zero elsewhere."""
    steps, n, *rest = (input_size[1], input_size[0], *input_size[2:]) if batch_first else input_size
    first = T.arange(0, len(batch_sizes), dtype=batch_sizes.dtype) * n
    rows = T.cat([T.arange(0, size) + start for size, start in zip(batch_sizes.tolist(), first.tolist(), strict=True)], 0)
    full = T.zeros((steps * n, *rest), dtype=grad.dtype).index_copy(0, rows, grad).reshape((steps, n, *rest))
    return full.transpose(0, 1) if batch_first else full


@composite("_pad_packed_sequence(Tensor data, Tensor batch_sizes, bool batch_first, Scalar padding_value, int total_length) -> (Tensor, Tensor)")
def _pad_packed_sequence(data, batch_sizes, batch_first, padding_value, total_length):
    """(padded sequences, lengths), the inverse of `_pack_padded_sequence`."""
    sizes = batch_sizes.tolist()
    steps = len(sizes)
    if 0 < total_length < steps:
        raise RuntimeError("Expected total_length to be at least the length of the longest sequence in input, but got "
                           f"total_length={total_length} and max sequence length being {steps}")
    padded = T.full((max(total_length, steps), sizes[0], *data.shape[1:]), padding_value, dtype=data.dtype)
    # a copy for each run of steps of one size
    row = step = 0
    while step < steps:
        n, end = sizes[step], step + 1
        while end < steps and sizes[end] == n:
            end += 1
        block = data.narrow(0, row, (end - step) * n).view((end - step, n, *data.shape[1:]))
        padded.narrow(0, step, end - step).narrow(1, 0, n).copy_(block)
        row, step = row + (end - step) * n, end
    lengths = (T.arange(0, sizes[0]).unsqueeze(1) < batch_sizes).sum(1)
    return padded.transpose(0, 1) if batch_first else padded, lengths


@composite("pad_sequence(Tensor[] sequences, bool batch_first=False, float padding_value=0.0, str padding_side=\"right\") -> Tensor", ns=None)
def pad_sequence(sequences, batch_first, padding_value, padding_side):
    """Sequences (L, *) of any length as (T, N, *), or (N, T, *) if batch_first, T being the longest."""
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max(s.shape[0] for s in sequences)
    shape = (len(sequences), longest) if batch_first else (longest, len(sequences))
    first = sequences[0]
    padded = T.full((*shape, *first.shape[1:]), padding_value, dtype=first.dtype)
    for i, sequence in enumerate(sequences):
        n = sequence.shape[0]
        padded.select(1 - batch_first, i).narrow(0, longest - n if padding_side == "left" else 0, n).copy_(sequence)
    return padded
