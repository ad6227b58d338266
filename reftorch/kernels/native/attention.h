/* Scaled dot-product attention of float32 and float64, head by head, so that what a head needs stays in the cache.
 * Products of matrices are gemm.pyx's. */
#pragma once
#include "gemm_kernels.h"
#include "isa.h"
#include "real.h"

/* Matrices of [batch][head][row], or numbers; the numbers of a row lie side by side. Strides in numbers. */
typedef struct { void *at; ptrdiff_t batch, head, row; } attention_part;

/* q, out, grad and dq are [queries, width], k, v, dk and dv [keys, width]; log_total [queries, one number]; mask [queries, keys], which is
 * added to the scores, or NULL. `causal`: a query sees keys up to its own position. */
typedef struct {
    ptrdiff_t batch, heads, queries, keys, width;
    int causal, threads;
    double scale;
    attention_part q, k, v, mask, out, log_total, grad, dq, dk, dv;
    gemm_fn small, large;                                /* for products below SMALL_ROWS or SMALL_COLUMNS, and all others */
} attention_problem;

typedef int (*attention_fn)(const attention_problem *);  /* -1 when memory is out */
/* `forward`: out and log_total from q, k, v; `backward`: dq, dk and dv from all others */
typedef struct { attention_fn forward, backward; } attention_functions;
typedef struct { attention_functions f32, f64; } attention_kernels;
EVERY_ISA(attention_kernels, attention_table)

enum { ATTENTION_KEYS = 512, ATTENTION_GRAIN = 8192 };
/* How many queries are taken together, with ATTENTION_KEYS keys. torch: the last bits depend on these sizes. */
INLINE isize attention_queries(isize queries) { return queries >= 768 ? 256 : queries >= 192 ? 64 : 32; }
