"""Recurrent layers over sequences, and their cells.

All start with every parameter drawn from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)).
"""
import math
import numbers
import warnings

import reftorch as torch

from ...kernels.rnn import KINDS
from ...ops.rnn import PARAMETERS, cell_of_module, plain_layer
from .. import init
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .module import Module

#: by mode: how many gates have weights
_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}
_KINDS = {mode: KINDS[mode.lower()] for mode in _GATES}
_CELL_KINDS = {"tanh": KINDS["rnn_tanh"], "relu": KINDS["rnn_relu"]}


def apply_permutation(tensor, permutation, dim=1):
    """The slices of `tensor` along `dim` in another order."""
    warnings.warn("`apply_permutation` is deprecated, please use `tensor.index_select(dim, permutation)` instead", FutureWarning, stacklevel=2)
    return tensor.index_select(dim, permutation)


def _check_type(name, value, kind):
    if not isinstance(value, kind):
        raise TypeError(f"{name} should be of type {kind.__name__}, got: {type(value).__name__}")


def _refuse_proj_size(kwargs):
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


def _draw(self):
    """Draw all parameters anew, from U(-k, k) with k = 1 / sqrt(hidden_size)."""
    k = 1 / math.sqrt(max(self.hidden_size, 1))
    for p in self.parameters():
        init.uniform_(p, a=-k, b=k)


class RNNBase(Module):
    """What RNN, LSTM and GRU share: parameters, checks and the handling of packed and unbatched input."""

    __constants__ = ["mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size"]

    def __init__(self, mode, input_size, hidden_size, num_layers=1, bias=True, batch_first=False, dropout=0.0, bidirectional=False, proj_size=0,
                 device=None, dtype=None):
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional, self.proj_size = bias, batch_first, float(dropout), bidirectional, proj_size
        self._check_options(dropout)
        if mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + mode)
        gates, out_size = _GATES[mode] * hidden_size, proj_size or hidden_size
        self._all_weights = []
        for layer in range(num_layers):
            in_size = input_size if layer == 0 else out_size * self._directions
            shapes = {"weight_ih": (gates, in_size), "weight_hh": (gates, out_size)}
            if bias:
                shapes.update(bias_ih=(gates,), bias_hh=(gates,))
            if proj_size:
                shapes["weight_hr"] = (proj_size, hidden_size)
            for suffix in ("", "_reverse")[:self._directions]:
                names = {f"{kind}_l{layer}{suffix}": shape for kind, shape in shapes.items()}
                for name, shape in names.items():
                    setattr(self, name, Parameter(torch.empty(shape, device=device, dtype=dtype)))
                self._all_weights.append(list(names))
        self.reset_parameters()

    def _check_options(self, dropout):
        if isinstance(dropout, bool) or not isinstance(dropout, numbers.Number) or not 0 <= dropout <= 1:
            raise ValueError("dropout should be a number in range [0, 1] representing the probability of an element being zeroed")
        if dropout > 0 and self.num_layers == 1:
            warnings.warn("dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, but got "
                          f"dropout={dropout} and num_layers={self.num_layers}", stacklevel=4)
        _check_type("bias", self.bias, bool)
        _check_type("batch_first", self.batch_first, bool)
        for name in ("input_size", "hidden_size"):
            _check_type(name, getattr(self, name), int)
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")

    @property
    def _directions(self):
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self):
        """The parameters, a list a layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    @property
    def _flat_weights_names(self):
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self):
        return [getattr(self, name, None) for name in self._flat_weights_names]

    def __getstate__(self):
        return {**self.__dict__, "_flat_weights_names": self._flat_weights_names, "_flat_weights": self._flat_weights}     # PyTorch keeps them

    def __setstate__(self, state):
        super().__setstate__({name: value for name, value in state.items() if name not in ("_flat_weights_names", "_flat_weights")})

    reset_parameters = _draw

    def flatten_parameters(self):
        """Does nothing: it is for GPUs."""

    # ---- checks
    def check_input(self, input, batch_sizes):
        """RuntimeError unless `input` is (seq, N, input_size), or (rows, input_size) when packed."""
        dtype = self._flat_weights[0].dtype
        if input.dtype != dtype:
            raise ValueError(f"RNN input dtype ({input.dtype}) does not match weight dtype ({dtype}). Convert input: input.to({dtype}), or convert model: "
                             f"model.to({input.dtype})")
        ndim = 3 if batch_sizes is None else 2
        if input.dim() != ndim:
            raise RuntimeError(f"input must have {ndim} dimensions, got {input.dim()}")
        if input.size(-1) != self.input_size:
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}")

    def _state_size(self, input, batch_sizes, width):
        n = input.size(0 if self.batch_first else 1) if batch_sizes is None else int(batch_sizes[0])
        return self.num_layers * self._directions, n, width

    def get_expected_hidden_size(self, input, batch_sizes):
        """The shape of the hidden state."""
        return self._state_size(input, batch_sizes, self.proj_size or self.hidden_size)

    def check_hidden_size(self, hx, expected_hidden_size, msg="Expected hidden size {}, got {}"):
        """RuntimeError unless `hx` has that shape."""
        if hx.size() != expected_hidden_size:
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input, hidden, batch_sizes):
        """Errors unless input and states fit."""
        self.check_input(input, batch_sizes)
        for state, shape, text in zip(self._split(hidden), self._shapes(input, batch_sizes), self._size_texts, strict=False):
            self.check_hidden_size(state, shape, text)

    def permute_hidden(self, hx, permutation):
        """The states with the batch in another order."""
        return hx if permutation is None else self._join([h.index_select(1, permutation) for h in self._split(hx)])

    # ---- the call
    _size_texts = ("Expected hidden size {}, got {}",)

    def _split(self, hx):
        """The states that a user gives, as a tuple; `_join` is the way back."""
        return (hx,)

    def _join(self, states):
        return states[0]

    def _shapes(self, input, batch_sizes):
        return [self.get_expected_hidden_size(input, batch_sizes)]

    def _check_state_dim(self, hx, batched):
        if hx.dim() != 2 + batched:
            text = "batched 3-D input, hx should also be 3-D" if batched else "unbatched 2-D input, hx should also be 2-D"
            raise RuntimeError(f"For {text} but got {hx.dim()}-D tensor")

    def _ready_state(self, input, hx, order, batch_sizes):
        """The given states in the order of the packed batch, checked; zeros for none."""
        if hx is None:
            hx = self._join([torch.zeros(shape, dtype=input.dtype, device=input.device) for shape in self._shapes(input, batch_sizes)])
        else:
            hx = self.permute_hidden(hx, order)
        self.check_forward_args(input, hx, batch_sizes)
        return hx

    def _network(self, *args):
        """(output, hidden state) from the op of this kind of network."""
        return getattr(torch, self.mode.lower())(*args)

    def _bad_dim(self, ndim):
        return f"{type(self).__name__}: Expected input to be 2D or 3D, got {ndim}D instead"

    def _forward(self, input, hx=None):
        made = None if hx is not None else plain_layer(self, input)
        if made is not None:
            return made
        options = self._flat_weights, self.bias, self.num_layers, self.dropout, self.training, self.bidirectional
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, back = input
            output, hidden = self._network(data, batch_sizes, self._ready_state(data, hx, order, batch_sizes), *options)
            return PackedSequence(output, batch_sizes, order, back), self.permute_hidden(hidden, back)
        ndim = input.dim()
        if ndim not in (2, 3):
            raise ValueError(self._bad_dim(ndim))
        if hx is not None:
            self._check_state_dim(hx, ndim == 3)
        if ndim == 3:
            return self._network(input, self._ready_state(input, hx, None, None), *options, self.batch_first)
        at = 0 if self.batch_first else 1    # a batch of one
        if hx is not None:
            hx = self._join([h.unsqueeze(1) for h in self._split(hx)])
        one = input.unsqueeze(at)
        output, hidden = self._network(one, self._ready_state(one, hx, None, None), *options, self.batch_first)
        return output.squeeze(at), self._join([h.squeeze(1) for h in self._split(hidden)])

    def extra_repr(self):
        text = f"{self.input_size}, {self.hidden_size}"
        usual = {"proj_size": 0, "num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        return text + "".join(f", {name}={getattr(self, name)}" for name, value in usual.items() if getattr(self, name) != value)


class RNN(RNNBase):
    r"""h_t = tanh(x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh) (or relu); x (L, N, in) -> output (L, N, D H), h_n (D layers, N, H)."""

    def __init__(self, *args, **kwargs):
        _refuse_proj_size(kwargs)
        if len(args) > 3:                        # nonlinearity stands after num_layers
            nonlinearity, args = args[3], args[:3] + args[4:]
        else:
            nonlinearity = kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__("RNN_" + nonlinearity.upper(), *args, **kwargs)
        self.nonlinearity = nonlinearity

    def _bad_dim(self, ndim):
        return f"RNN: Expected input to be 2D or 3D, got {ndim}D tensor instead"

    forward = RNNBase._forward


class LSTM(RNNBase):
    r"""i, f, o = sigmoid(...), g = tanh(...) of x_t W_ih^T + b_ih + h_{t-1} W_hh^T + b_hh; c_t = f c_{t-1} + i g; h_t = o tanh(c_t).

    x (L, N, in) -> output (L, N, D H), (h_n, c_n), each (D layers, N, H); with proj_size h_t is W_hr h_t, of that size.
    """

    def __init__(self, *args, **kwargs):
        super().__init__("LSTM", *args, **kwargs)

    def get_expected_cell_size(self, input, batch_sizes):
        """The shape of the cell state."""
        return self._state_size(input, batch_sizes, self.hidden_size)

    _size_texts = ("Expected hidden[0] size {}, got {}", "Expected hidden[1] size {}, got {}")

    def _split(self, hx):
        return hx[0], hx[1]

    def _join(self, states):
        return tuple(states)

    def _shapes(self, input, batch_sizes):
        return [self.get_expected_hidden_size(input, batch_sizes), self.get_expected_cell_size(input, batch_sizes)]

    def _check_state_dim(self, hx, batched):
        h, c = hx[0].dim(), hx[1].dim()
        if h != 2 + batched or c != 2 + batched:
            text = "batched 3-D input, hx and cx should also be 3-D" if batched else "unbatched 2-D input, hx and cx should also be 2-D"
            raise RuntimeError(f"For {text} but got ({h}-D, {c}-D) tensors")

    def check_forward_args(self, input, hidden, batch_sizes):
        """Errors unless input and states fit."""
        if batch_sizes is None:              # torch: packed input goes unchecked
            super().check_forward_args(input, hidden, batch_sizes)

    def _network(self, *args):
        output, *hidden = torch.lstm(*args)
        return output, tuple(hidden)

    forward = RNNBase._forward


class GRU(RNNBase):
    r"""r, z = sigmoid(...), n = tanh(i_n + r h_n) of x_t W_ih^T + b_ih and h_{t-1} W_hh^T + b_hh; h_t = (1 - z) n + z h_{t-1}.

    x (L, N, in) -> output (L, N, D H), h_n (D layers, N, H).
    """

    def __init__(self, *args, **kwargs):
        _refuse_proj_size(kwargs)
        super().__init__("GRU", *args, **kwargs)

    forward = RNNBase._forward


# ------------------------------------------------------------------------------- cells
class RNNCellBase(Module):
    """What the cells share: parameters, and the handling of unbatched input."""

    __constants__ = ["input_size", "hidden_size", "bias"]

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        gates = num_chunks * hidden_size
        for name, shape in zip(PARAMETERS, ((gates, input_size), (gates, hidden_size), (gates,), (gates,)), strict=True):
            unused = name.startswith("bias") and not bias
            self.register_parameter(name, None if unused else Parameter(torch.empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    reset_parameters = _draw

    def _check_dim(self, tensor, what):
        dims = tensor.dim()
        if dims not in (1, 2):
            raise ValueError(f"{type(self).__name__}: Expected {what} to be 1D or 2D, got {dims}D instead")

    def _general_call(self, kind, input, hx):
        """The new state of a cell with one, for all that `cell_of_module` does not take; `kind` is None for a nonlinearity that is not known."""
        self._check_dim(input, "input")
        if hx is not None:
            self._check_dim(hx, "hidden")
        if kind is None:
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        op = getattr(torch, kind + "_cell")
        return self._new_states(lambda *args: [op(*args)], input, [hx])[0]

    def _new_states(self, op, input, states):
        """op(input, states, parameters) for (N, in) or (in,); states of zeros where they are None."""
        batched = input.dim() == 2
        if not batched:
            input, states = input.unsqueeze(0), [h if h is None else h.unsqueeze(0) for h in states]
        if None in states:
            zeros = torch.zeros(input.size(0), self.hidden_size, dtype=input.dtype, device=input.device)
            states = [zeros] * len(states)
        made = op(input, *states, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return made if batched else [h.squeeze(0) for h in made]

    def extra_repr(self):
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias is True else f", bias={self.bias}")


class RNNCell(RNNCellBase):
    r"""h' = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh) (or relu); x (N, in), h (N, H) -> h' (N, H)."""

    __constants__ = [*RNNCellBase.__constants__, "nonlinearity"]

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        kind = _CELL_KINDS.get(self.nonlinearity)
        made = None if kind is None else cell_of_module(kind, [input] if hx is None else [input, hx], self.__dict__)
        return made[0] if made else self._general_call(None if kind is None else "rnn_" + self.nonlinearity, input, hx)

    def extra_repr(self):
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(RNNCellBase):
    r"""One step of LSTM; x (N, in), (h, c) each (N, H) -> (h', c')."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        made = cell_of_module(_KINDS["LSTM"], [input] if hx is None else [input, *hx], self.__dict__)
        if made is None:
            self._check_dim(input, "input")
            for i, h in enumerate(hx or ()):
                self._check_dim(h, f"hx[{i}]")
            made = self._new_states(lambda x, h, c, *params: torch.lstm_cell(x, (h, c), *params), input, hx or [None, None])
        return tuple(made)


class GRUCell(RNNCellBase):
    r"""One step of GRU; x (N, in), h (N, H) -> h' (N, H)."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        made = cell_of_module(_KINDS["GRU"], [input] if hx is None else [input, hx], self.__dict__)
        return made[0] if made else self._general_call("gru", input, hx)
