/* Rows of scores, of which scaled dot-product attention makes weights. float32 and float64. */
#pragma once
#include "isa.h"
#include "real.h"

typedef struct {
    /* scores [rows, n] become e^(scale scores + mask - most), most [rows] being the largest so far; total = fade total + their sum, where fade =
     * e^(most before - most) is what earlier sums are worth now. Of each `height` rows, the i-th has `seen` + i scores that count, or as many as
     * there are. No mask: NULL. A row with nothing to look at has weights 0. */
    void (*weigh)(int threads, isize rows, isize n, isize height, isize seen, double scale, void *scores, const void *mask, void *most, void *total,
                  void *fade);
    /* sums [rows, columns] of what was weighed are divided by total; log_total [rows] = most + log(total). Rows with nothing to look at are zeros. */
    void (*finish)(int threads, isize rows, isize columns, const void *most, const void *total, void *sums, void *log_total);
    /* scores become the same weights once more, over their total: e^(scores + mask - log_total[row]) */
    void (*weigh_again)(int threads, isize rows, isize n, isize height, isize seen, void *scores, const void *mask, const void *log_total);
    /* changes = weights (changes - sum(a b)), a and b [rows, columns] */
    void (*change)(int threads, isize rows, isize n, isize columns, const void *weights, const void *a, const void *b, void *changes);
} attention_functions;
typedef struct { attention_functions f32, f64; } attention_kernels;
EVERY_ISA(attention_kernels, attention_table)

enum { ATTENTION_GRAIN = 8192 };
