"""Every recurrent layer and cell, and how they agree."""

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

torch.manual_seed(43)
sequence = torch.randn(5, 2, 3)
for layer in (
    nn.RNN(3, 4),
    nn.RNN(3, 4, nonlinearity="relu", num_layers=2),
    nn.GRU(3, 4, bidirectional=True),
    nn.GRU(3, 4, bias=False, num_layers=2),
    nn.LSTM(3, 4, num_layers=2, bidirectional=True),
    nn.LSTM(3, 4, proj_size=2),
    nn.LSTM(3, 4, num_layers=2, dropout=0.5),
):
    layer.zero_grad()
    output, state = layer(sequence)
    output.square().sum().backward()
    print(layer)
    print(output[-1])
    print([tuple(part.shape) for part in (state if isinstance(state, tuple) else (state,))])
    print([round(param.grad.norm().item(), 3) for param in layer.parameters()])

first = nn.GRU(3, 4, batch_first=True)
batch = torch.randn(2, 5, 3)
print(first(batch)[0].shape, first(batch[0])[0].shape)

for layer, cell in ((nn.RNN(3, 4), nn.RNNCell(3, 4)), (nn.GRU(3, 4), nn.GRUCell(3, 4)), (nn.LSTM(3, 4), nn.LSTMCell(3, 4))):
    cell.load_state_dict({name.removesuffix("_l0"): value for name, value in layer.state_dict().items()})
    state, steps = None, []
    for step in sequence:
        state = cell(step, state)
        steps.append(state[0] if isinstance(state, tuple) else state)
    print(cell, torch.allclose(torch.stack(steps), layer(sequence)[0], atol=1e-6))

ragged = [torch.randn(4, 3), torch.randn(2, 3), torch.randn(3, 3)]
padded = pad_sequence(ragged)
packed = pack_padded_sequence(padded, torch.tensor([4, 2, 3]), enforce_sorted=False)
print(packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices, packed.data.shape)
torch.manual_seed(44)
reader = nn.LSTM(3, 4, bidirectional=True)
output, (hn, cn) = reader(packed)
unpacked, lengths = pad_packed_sequence(output)
print(unpacked.shape, lengths)
print(unpacked[:, 1])
print(hn)
alone = reader(ragged[1].unsqueeze(1))[0]
print(torch.allclose(unpacked[:2, 1:2], alone, atol=1e-6))
