#include "rnn.h"
#define REAL f32
#include "rnn_layer.h"
#undef REAL
#define REAL f64
#include "rnn_layer.h"
#undef REAL

const rnn_kernels ISA(rnn_table) = {{rnn_saved_row_f32, rnn_forward_f32, rnn_backward_f32}, {rnn_saved_row_f64, rnn_forward_f64, rnn_backward_f64}};
