/* Recurrent layers in one direction: all steps of an LSTM, GRU or plain RNN, and their gradients. What rnn.pyx calls; the work is in rnn_layer.h. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "isa.h"

enum { RNN_LSTM, RNN_GRU, RNN_TANH, RNN_RELU };

/* Rows are (step, sequence) pairs in order; step t has sizes[t] of them, or `batch` where sizes is NULL. Arrays are contiguous and of one
 * type of number; weights are those of PyTorch. */
typedef struct {
    int kind, reverse, threads;
    ptrdiff_t steps, rows, batch, input, hidden, output;        /* output: numbers in h, fewer than `hidden` behind a projection */
    const int64_t *sizes;
    const void *x, *w_ih, *w_hh, *b_ih, *b_hh, *w_hr, *h0, *c0;  /* NULL: no bias, no projection, zeros */
    void *y, *hn, *cn;                                          /* h of all rows, y_row numbers apart; the last states, or NULL */
    ptrdiff_t y_row;
    void *saved;                                                /* rows * saved_row numbers for the gradients, or NULL */
} rnn_layer;

/* Gradients of the results (NULL: zero; dy lies as y does), and where those of the arguments go (NULL: not wanted). */
typedef struct {
    const void *dy, *dhn, *dcn;
    void *dx, *dw_ih, *dw_hh, *db_ih, *db_hh, *dw_hr, *dh0, *dc0;
    int add_dx;                                                 /* add to dx instead of setting it */
} rnn_gradients;

typedef struct {
    ptrdiff_t (*saved_row)(const rnn_layer *);
    int (*forward)(const rnn_layer *);                          /* -1 when memory is out */
    int (*backward)(const rnn_layer *, const rnn_gradients *);
} rnn_functions;
typedef struct { rnn_functions f32, f64; } rnn_kernels;
EVERY_ISA_WIDE(rnn_kernels, rnn_table)
