"""Attention, and the layers built of it."""

import torch
from torch import nn

torch.manual_seed(46)
source, target = torch.rand(5, 2, 8), torch.rand(3, 2, 8)

attention = nn.MultiheadAttention(8, 2)
answer, weights = attention(target, source, source)
print(attention)
print(answer)
print(weights, weights.sum(-1))
answer.sum().backward()
print(attention.in_proj_weight.grad[0], attention.out_proj.bias.grad)
padding = torch.tensor([[False, False, True, False, False], [False, True, True, False, False]])
masked, weights = attention(target, source, source, key_padding_mask=padding, average_attn_weights=False)
print(weights.shape, weights[1, 0])

layer = nn.TransformerEncoderLayer(d_model=8, nhead=2, dim_feedforward=16, dropout=0.0)
print(layer)
print(layer(source)[0])
encoder = nn.TransformerEncoder(layer, num_layers=2)
memory = encoder(source, mask=nn.Transformer.generate_square_subsequent_mask(5))
print(memory[0])
decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(d_model=8, nhead=2, dim_feedforward=16, dropout=0.1), num_layers=2)
print(decoder(target, memory)[0])
model = nn.Transformer(
    8, 2, num_encoder_layers=2, num_decoder_layers=2, dim_feedforward=16, activation="gelu", batch_first=True, norm_first=True
)
sentence, prefix = source.transpose(0, 1), target.transpose(0, 1)
print(model(sentence, prefix)[0])
model.eval()
causal = nn.Transformer.generate_square_subsequent_mask(3)
print(causal)
print(model(sentence, prefix, tgt_mask=causal)[0])
model(sentence, prefix).sum().backward()
print(sum(param.numel() for param in model.parameters()))
