"""Recurrent networks over whole sequences, their cells, and packed sequences.

A packed sequence holds the steps of sequences sorted by falling length one after another: `data` (sum of lengths, *), of
which step t takes the next `batch_sizes[t]` rows.  A plain input is the case in which all steps take N rows.
"""
import warnings
from typing import NamedTuple

import numpy as np

from ..core import T, composite, primitive
from ..core._core import is_grad_enabled, run_backward
from ..kernels import pointwise as kernels
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


_FUSED = "Tensor input, Tensor weight1, Tensor weight2, Tensor weight3, Tensor weight4, Tensor hx_, Tensor cx_, bool reverse"


def _fused_gradient(grads, input, weight1, weight2, weight3, weight4, hx_, cx_, reverse, result, result3):
    inputs = input, weight1, weight2, weight3, weight4, hx_, cx_
    filled = [T.zeros_like(like) if g is None else g for g, like in zip(grads[:3], (result, hx_, cx_), strict=True)]
    if not is_grad_enabled():
        return T.mkldnn_rnn_layer_backward(*inputs, reverse, result, *filled, result3)
    # to be differentiated again: the layer once more, of public ops
    outputs, last = _run(_lstm_step, T.linear(input, weight1, weight3).unbind(0), (hx_, cx_), _Weights(weight1, weight2, weight3, weight4), reverse)
    wanted = [t for t in inputs if t.requires_grad]
    found = iter(run_backward([T.stack(outputs, 0), *last], filled, True, True, wanted, True, False))
    return tuple(next(found) if t.requires_grad else None for t in inputs)


@primitive(f"mkldnn_rnn_layer({_FUSED}) -> (Tensor, Tensor, Tensor, Tensor)", ns=None, node="MkldnnRnnLayerBackward0",
           input__and__weight1__and__weight2__and__weight3__and__weight4__and__hx___and__cx_=_fused_gradient)
def mkldnn_rnn_layer(input, weight1, weight2, weight3, weight4, hx_, cx_, reverse):
    """A layer of LSTM in one direction: outputs (seq, N, H), h_n, c_n, and (seq, N, 5H) i, f, g, o, c of all steps."""
    steps, size = len(input), hx_.shape[1]
    gates = input @ weight1.T + (weight3 + weight4)
    kept = np.empty((*gates.shape[:2], 5 * size), gates.dtype)
    output = np.empty((*gates.shape[:2], size), gates.dtype)
    h, c = hx_, cx_
    for t in range(steps)[::-1 if reverse else 1]:
        i, f, g, o, cell = np.split(kept[t], 5, 1)
        a = np.split(gates[t] + h @ weight2.T, 4, 1)
        i[...], f[...], g[...], o[...] = kernels.sigmoid(a[0]), kernels.sigmoid(a[1]), np.tanh(a[2]), kernels.sigmoid(a[3])
        cell[...] = f * c + i * g
        output[t] = o * np.tanh(cell)
        h, c = output[t], cell
    return output, h.copy(), c.copy(), kept


@primitive(f"mkldnn_rnn_layer_backward({_FUSED}, Tensor output, Tensor grad_output, Tensor grad_hy, Tensor grad_cy, Tensor workspace) -> "
           "(Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor)", ns=None, nograd=True)
def mkldnn_rnn_layer_backward(input, weight1, weight2, weight3, weight4, hx_, cx_, reverse, output, grad_output, grad_hy, grad_cy, workspace):
    """The gradients of input, weights, biases, and the first hidden and cell state."""
    order = range(len(input))[::-1 if reverse else 1]
    size = hx_.shape[1]
    cells = workspace[..., 4 * size:]
    before = {t: (output[s], cells[s]) for s, t in zip(order[:-1], order[1:], strict=True)}
    before[order[0]] = hx_, cx_
    d_gates = np.empty((*output.shape[:2], 4 * size), output.dtype)
    h_before = np.empty_like(output)
    dh, dc = grad_hy, grad_cy
    for t in order[::-1]:
        i, f, g, o, cell = np.split(workspace[t], 5, 1)
        h_before[t], c_before = before[t]
        dh = grad_output[t] + dh
        tanh_c = np.tanh(cell)
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        d_gates[t] = np.concatenate([dc * g * i * (1 - i), dc * c_before * f * (1 - f), dc * i * (1 - g * g), dh * tanh_c * o * (1 - o)], 1)
        dh, dc = d_gates[t] @ weight2, dc * f
    rows = d_gates.reshape(-1, 4 * size)
    bias = rows.sum(0)
    return d_gates @ weight1, rows.T @ input.reshape(-1, input.shape[2]), rows.T @ h_before.reshape(-1, size), bias, bias.copy(), dh, dc


def _fused_layer(data, hidden, w, reverse):
    biases = (w.b_ih, w.b_hh) if w.b_ih is not None else (T.zeros(w.w_ih.size(0), dtype=data.dtype),) * 2
    output, h, c, _ = T.mkldnn_rnn_layer(data, w.w_ih, w.w_hh, *biases, *hidden, reverse)
    return output, (h, c)


def _grouped(params, has_biases, projected):
    """The flat list of parameters as `_Weights`, one a layer and direction."""
    size = 2 + 2 * has_biases + projected
    if len(params) % size:
        raise RuntimeError(f"MatrixRef: ArrayRef size {len(params)} not divisible by stride {size}")
    groups = [params[i:i + size] for i in range(0, len(params), size)]
    return [_Weights(*g[:-1])._replace(w_hr=g[-1]) for g in groups] if projected else [_Weights(*g) for g in groups]


def _network(step, data, batch_sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first=False):
    """output, *last hidden states, each (layers * directions, N, H); `hx` holds the first ones in that form."""
    directions = 1 + bidirectional
    projected = len(hx) == 2 and hx[0].size(2) != hx[1].size(2)
    weights = _grouped(params, has_biases, projected)
    if hx[0].shape[0] != num_layers * directions:
        raise RuntimeError("Expected more hidden states in stacked_rnn")
    if len(weights) != num_layers * directions:
        raise RuntimeError("Expected more weights in stacked_rnn")
    if batch_first:
        data = data.transpose(0, 1)
    if data.shape[0] == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    if batch_sizes is not None:
        sizes = batch_sizes.tolist()
    # torch: such layers run in oneDNN, as the names of the nodes tell
    fused = step is _lstm_step and batch_sizes is None and data.dtype.name in ("float32", "bfloat16", "float16") and 0 not in data.shape
    if fused and projected:
        warnings.warn("LSTM with projections is not supported with oneDNN. Using default implementation.", stacklevel=5)
        fused = False
    lasts = []
    for layer in range(num_layers):
        ways = []
        for way in range(directions):
            k = layer * directions + way
            first = tuple(h.select(0, k) for h in hx)
            if fused:
                output, last = _fused_layer(data, first, weights[k], way == 1)
                ways.append(output)
                lasts.append(last)
                continue
            gates = T.linear(data, weights[k].w_ih, weights[k].b_ih)
            gates = gates.unbind(0) if batch_sizes is None else gates.split_with_sizes(sizes, 0)
            outputs, last = _run(step, gates, first, weights[k], way == 1)
            ways.append(T.stack(outputs, 0) if batch_sizes is None else T.cat(outputs, 0))
            lasts.append(last)
        data = T.cat(ways, -1) if bidirectional else ways[0]
        if dropout != 0 and train and layer < num_layers - 1:
            data = T.dropout(data, dropout, True)
    if batch_first:
        data = data.transpose(0, 1) if step is _lstm_step else data.transpose_(0, 1)        # torch: as the names of the nodes tell
    return data, *[T.stack(states, 0) for states in zip(*lasts, strict=True)]


_LAYERS = "Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional"


def _define(name, step, hidden, returns):
    """The op `name` for plain input (seq, N, in) and for packed data."""
    def run(hx, params, has_biases, num_layers, dropout, train, bidirectional, input=None, batch_first=False, data=None, batch_sizes=None):
        if name == "lstm" and len(hx) != 2:
            raise RuntimeError("lstm expects two hidden states")
        return _network(step, data if input is None else input, batch_sizes, hx if name == "lstm" else (hx,), params, has_biases, num_layers, dropout,
                        train, bidirectional, batch_first)
    run.__doc__ = f"`num_layers` layers of {name}, over (seq, N, in) or packed data."
    return composite(f"{name}.data(Tensor data, Tensor batch_sizes, {hidden} hx, {_LAYERS}) -> {returns}",
                     f"{name}.input(Tensor input, {hidden} hx, {_LAYERS}, bool batch_first) -> {returns}")(run)


lstm = _define("lstm", _lstm_step, "Tensor[]", "(Tensor, Tensor, Tensor)")
gru = _define("gru", _gru_step, "Tensor", "(Tensor, Tensor)")
rnn_tanh = _define("rnn_tanh", _tanh_step, "Tensor", "(Tensor, Tensor)")
rnn_relu = _define("rnn_relu", _relu_step, "Tensor", "(Tensor, Tensor)")


# ------------------------------------------------------------------------------- cells
def _cell(step, gates_per_unit, input, hx, w_ih, w_hh, b_ih, b_hh):
    if input.shape[1] != w_ih.shape[1]:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[1]} expected {w_ih.shape[1]}")
    hidden_size = w_hh.shape[1]
    for i, h in enumerate(hx):
        if input.shape[0] != h.shape[0]:
            raise RuntimeError(f"Input batch size {input.shape[0]} doesn't match hidden{i} batch size {h.shape[0]}")
        if h.shape[1] != hidden_size:
            raise RuntimeError(f"hidden{i} has inconsistent hidden_size: got {h.shape[1]}, expected {hidden_size}")
    if w_ih.shape[0] != gates_per_unit * hidden_size:
        raise RuntimeError(f"weight_ih first dim must be {gates_per_unit} * hidden_size = {gates_per_unit * hidden_size}, but got {w_ih.shape[0]}")
    return step(T.linear(input, w_ih, b_ih), hx, _Weights(w_ih, w_hh, b_ih, b_hh))


_CELL = "Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None"


@composite(f"lstm_cell(Tensor input, Tensor[] hx, {_CELL}) -> (Tensor, Tensor)")
def lstm_cell(input, hx, w_ih, w_hh, b_ih, b_hh):
    """One step of an LSTM: (h', c'), each (N, H)."""
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    return _cell(_lstm_step, 4, input, hx, w_ih, w_hh, b_ih, b_hh)


def _define_cell(name, step, gates_per_unit):
    def run(input, hx, w_ih, w_hh, b_ih, b_hh):
        return _cell(step, gates_per_unit, input, (hx,), w_ih, w_hh, b_ih, b_hh)[0]
    run.__doc__ = f"One step of {name.removesuffix('_cell')}: h' (N, H)."
    return composite(f"{name}(Tensor input, Tensor hx, {_CELL}) -> Tensor")(run)


gru_cell = _define_cell("gru_cell", _gru_step, 3)
rnn_tanh_cell = _define_cell("rnn_tanh_cell", _tanh_step, 1)
rnn_relu_cell = _define_cell("rnn_relu_cell", _relu_step, 1)


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
