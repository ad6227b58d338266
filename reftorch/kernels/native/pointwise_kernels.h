/* What pointwise.pyx publishes: loops of one function over one type, with NumPy's inner-loop signature. */
#pragma once
#include <numpy/npy_common.h>
#include "isa.h"

typedef void (*pointwise_loop)(char **, const npy_intp *, const npy_intp *, void *);
typedef struct { const char *name; pointwise_loop loop; int n_in; char type; } pointwise_entry;
typedef struct { const pointwise_entry *entries; } pointwise_kernels;       /* they end with a NULL name */
EVERY_ISA(pointwise_kernels, elementary_table)
