/* Runs a NumPy inner loop over broadcast, strided operands: drop dims of size 1, sort by the result's strides, merge
 * what is contiguous, then call the loop once a row. Large work is split over threads by the result's elements, so the
 * numbers do not depend on how many there are. */
#include <numpy/ndarraytypes.h>
#ifdef _OPENMP
#include <omp.h>
#endif

#define MAX_OPERANDS 8
#define PARALLEL_GRAIN 32768

typedef void (*loopfn)(char **, npy_intp const *, npy_intp const *, void *);

static const int *strided_threads;          /* how many threads there are now */

static void run_rows(loopfn f, void *data, int nop, char *const *ptr, int nd, const npy_intp *shape,
                     npy_intp (*st)[MAX_OPERANDS], npy_intp first, npy_intp last) {
    /* Rows first..last-1 of the outer dims 1..nd-1; dim 0 is the loop's own. */
    npy_intp n = shape[0];
    for (npy_intp row = first; row < last; row++) {
        char *p[MAX_OPERANDS];
        npy_intp rest = row;
        for (int k = 0; k < nop; k++) p[k] = ptr[k];
        for (int d = 1; d < nd; d++) {
            npy_intp i = rest % shape[d];
            rest /= shape[d];
            for (int k = 0; k < nop; k++) p[k] += i * st[d][k];
        }
        f(p, &n, st[0], data);
    }
}

static void strided_run(loopfn f, void *data, int nop, char *const *ptr, int ndim, const npy_intp *dims,
                        npy_intp (*strides)[MAX_OPERANDS]) {
    npy_intp shape[NPY_MAXDIMS], st[NPY_MAXDIMS][MAX_OPERANDS];
    int nd = 0, last = nop - 1;
    for (int d = ndim - 1; d >= 0; d--) {
        if (dims[d] == 0) return;
        if (dims[d] == 1) continue;
        int at = nd++;
        while (at > 0 && st[at - 1][last] > strides[d][last]) {    /* keep the result's smallest stride first */
            shape[at] = shape[at - 1];
            for (int k = 0; k < nop; k++) st[at][k] = st[at - 1][k];
            at--;
        }
        shape[at] = dims[d];
        for (int k = 0; k < nop; k++) st[at][k] = strides[d][k];
    }
    if (nd == 0) {
        npy_intp one = 1, zero[MAX_OPERANDS] = {0};
        char *p[MAX_OPERANDS];
        for (int k = 0; k < nop; k++) p[k] = ptr[k];
        f(p, &one, zero, data);
        return;
    }
    int m = 0;
    for (int d = 1; d < nd; d++) {
        int merge = 1;
        for (int k = 0; k < nop; k++) merge &= st[d][k] == st[m][k] * shape[m];
        if (merge) { shape[m] *= shape[d]; continue; }
        m++;
        shape[m] = shape[d];
        for (int k = 0; k < nop; k++) st[m][k] = st[d][k];
    }
    nd = m + 1;
    npy_intp rows = 1;
    for (int d = 1; d < nd; d++) rows *= shape[d];
#ifdef _OPENMP
    int num_threads = *strided_threads;
    if (num_threads > 1 && rows * shape[0] > PARALLEL_GRAIN) {
        if (rows >= num_threads) {
            #pragma omp parallel for num_threads(num_threads) schedule(static)
            for (npy_intp r = 0; r < rows; r++) run_rows(f, data, nop, ptr, nd, shape, st, r, r + 1);
        } else {
            npy_intp chunk = (shape[0] / num_threads + 15) & ~(npy_intp)15, n = shape[0];
            for (npy_intp r = 0; r < rows; r++) {
                #pragma omp parallel for num_threads(num_threads) schedule(static)
                for (npy_intp from = 0; from < n; from += chunk) {
                    npy_intp part[1] = {from + chunk < n ? chunk : n - from}, rest = r;
                    char *p[MAX_OPERANDS];
                    for (int k = 0; k < nop; k++) p[k] = ptr[k] + from * st[0][k];
                    for (int d = 1; d < nd; d++) {
                        npy_intp i = rest % shape[d];
                        rest /= shape[d];
                        for (int k = 0; k < nop; k++) p[k] += i * st[d][k];
                    }
                    f(p, part, st[0], data);
                }
            }
        }
        return;
    }
#endif
    run_rows(f, data, nop, ptr, nd, shape, st, 0, rows);
}
