/* Selection and search on rows of keys.  Where equal keys are told apart by their index alone, results depend on the algorithm, so
 * these are the ones that PyTorch's build uses: the GNU C++ library's sort, nth_element and partial_sort, and quickselect with a
 * median of three for kthvalue.
 *
 * Items are integers that order as the numbers do, NaN last and -0 beside 0, and where they were; of each float an integer as wide. They are
 * turned round for descending order. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SORT_THRESHOLD = 16, BLOCK = 64 };

static int64_t floor_log2(int64_t n) { int64_t k = 0; while (n > 1) { n >>= 1; k++; } return k; }

/* `N` names the instance; LESS(a, b) orders two items. The partition finds out by blocks, without branches, what changes sides: the same pairs are
 * swapped in the same order as one by one. */
#define SORT_FAMILY(N, ITEM, LESS) \
static inline void swap_##N(ITEM *a, ITEM *b) { ITEM t = *a; *a = *b; *b = t; } \
static void sift_up_##N(ITEM *first, int64_t hole, int64_t top, ITEM value) { \
    for (int64_t parent = (hole - 1) / 2; hole > top && LESS(first[parent], value); parent = (hole - 1) / 2) { \
        first[hole] = first[parent]; \
        hole = parent; \
    } \
    first[hole] = value; \
} \
static void sift_down_##N(ITEM *first, int64_t hole, int64_t n, ITEM value) { \
    int64_t top = hole, child = hole; \
    while (child < (n - 1) / 2) { \
        child = 2 * (child + 1); \
        if (LESS(first[child], first[child - 1])) child--; \
        first[hole] = first[child]; \
        hole = child; \
    } \
    if ((n & 1) == 0 && child == (n - 2) / 2) { \
        child = 2 * (child + 1); \
        first[hole] = first[child - 1]; \
        hole = child - 1; \
    } \
    sift_up_##N(first, hole, top, value); \
} \
static void make_heap_##N(ITEM *first, int64_t n) { \
    if (n < 2) return; \
    for (int64_t parent = (n - 2) / 2; ; parent--) { \
        sift_down_##N(first, parent, n, first[parent]); \
        if (parent == 0) return; \
    } \
} \
static void pop_heap_##N(ITEM *first, int64_t n, ITEM *result) { \
    ITEM value = *result; \
    *result = *first; \
    sift_down_##N(first, 0, n, value); \
} \
static void heap_select_##N(ITEM *first, ITEM *middle, ITEM *last) { \
    make_heap_##N(first, middle - first); \
    for (ITEM *i = middle; i < last; i++) if (LESS(*i, *first)) pop_heap_##N(first, middle - first, i); \
} \
static void sort_heap_##N(ITEM *first, ITEM *last) { \
    while (last - first > 1) { last--; pop_heap_##N(first, last - first, last); } \
} \
static void partial_sort_##N(ITEM *first, ITEM *middle, ITEM *last) { \
    if (first == middle) return; \
    heap_select_##N(first, middle, last); \
    sort_heap_##N(first, middle); \
} \
static ITEM *partition_##N(ITEM *first, ITEM *last) { \
    ITEM *a = first + 1, *b = first + (last - first) / 2, *c = last - 1, *m; \
    if (LESS(*a, *b)) m = LESS(*b, *c) ? b : LESS(*a, *c) ? c : a; \
    else m = LESS(*a, *c) ? a : LESS(*b, *c) ? c : b; \
    swap_##N(first, m); \
    ITEM *left = first + 1, *right = last, pivot = *first; \
    uint8_t low[BLOCK], high[BLOCK];                /* where a block has what must change sides */ \
    int lows = 0, highs = 0, next_low = 0, next_high = 0; \
    while (right - left >= 2 * BLOCK) { \
        if (!lows) for (int i = next_low = 0; i < BLOCK; i++) { low[lows] = i; lows += !LESS(left[i], pivot); } \
        if (!highs) for (int i = next_high = 0; i < BLOCK; i++) { high[highs] = i + 1; highs += !LESS(pivot, right[-1 - i]); } \
        int pairs = lows < highs ? lows : highs; \
        for (int i = 0; i < pairs; i++) swap_##N(left + low[next_low++], right - high[next_high++]); \
        lows -= pairs, highs -= pairs; \
        if (!lows) left += BLOCK; \
        if (!highs) right -= BLOCK; \
    } \
    if (lows) left += low[next_low]; \
    if (highs) right -= high[next_high] - 1; \
    while (1) { \
        while (LESS(*left, *first)) left++; \
        right--; \
        while (LESS(*first, *right)) right--; \
        if (!(left < right)) return left; \
        swap_##N(left, right); \
        left++; \
    } \
} \
static void insert_##N(ITEM *last) { \
    ITEM value = *last, *next = last - 1; \
    while (LESS(value, *next)) { *last = *next; last = next; next--; } \
    *last = value; \
} \
static void insertion_sort_##N(ITEM *first, ITEM *last) { \
    if (first == last) return; \
    for (ITEM *i = first + 1; i != last; i++) { \
        if (LESS(*i, *first)) { \
            ITEM value = *i; \
            for (ITEM *j = i; j > first; j--) *j = j[-1]; \
            *first = value; \
        } else insert_##N(i); \
    } \
} \
static void introsort_##N(ITEM *first, ITEM *last, int64_t depth) { \
    while (last - first > SORT_THRESHOLD) { \
        if (depth-- == 0) { partial_sort_##N(first, last, last); return; } \
        ITEM *cut = partition_##N(first, last); \
        introsort_##N(cut, last, depth); \
        last = cut; \
    } \
} \
static void sort_##N(ITEM *first, ITEM *last) { \
    if (first == last) return; \
    introsort_##N(first, last, 2 * floor_log2(last - first)); \
    if (last - first > SORT_THRESHOLD) { \
        insertion_sort_##N(first, first + SORT_THRESHOLD); \
        for (ITEM *i = first + SORT_THRESHOLD; i != last; i++) insert_##N(i); \
    } else insertion_sort_##N(first, last); \
} \
static void nth_element_##N(ITEM *first, ITEM *nth, ITEM *last) { \
    if (first == last || nth == last) return; \
    int64_t depth = 2 * floor_log2(last - first); \
    while (last - first > 3) { \
        if (depth-- == 0) { \
            heap_select_##N(first, nth + 1, last); \
            swap_##N(first, nth); \
            return; \
        } \
        ITEM *cut = partition_##N(first, last); \
        if (cut <= nth) first = cut; else last = cut; \
    } \
    insertion_sort_##N(first, last); \
} \
static void quickselect_##N(ITEM *p, int64_t n, int64_t k) { \
    int64_t left = 0, right = n - 1; \
    while (right > left) { \
        if (right == left + 1) { \
            if (LESS(p[right], p[left])) swap_##N(p + left, p + right); \
            return; \
        } \
        swap_##N(p + left + (right - left) / 2, p + left + 1); \
        if (LESS(p[right], p[left + 1])) swap_##N(p + left + 1, p + right); \
        if (LESS(p[right], p[left])) swap_##N(p + left, p + right); \
        if (LESS(p[left], p[left + 1])) swap_##N(p + left + 1, p + left); \
        int64_t i = left + 1, j = right; \
        ITEM pivot = p[left]; \
        while (1) { \
            do i++; while (LESS(p[i], pivot)); \
            do j--; while (LESS(pivot, p[j])); \
            if (j < i) break; \
            swap_##N(p + i, p + j); \
        } \
        swap_##N(p + left, p + j); \
        if (j <= k) left = i; \
        if (j >= k) right = j - 1; \
    } \
}

typedef struct { int32_t key, at; } item_32;
typedef struct { int64_t key, at; } item_64;
typedef struct { double key; int64_t at; } item_raw;

static inline int32_t key_f32(float x) {
    int32_t bits;
    x += 0.0f;                                      /* -0 becomes 0 */
    memcpy(&bits, &x, sizeof bits);
    bits ^= bits >> 31 & INT32_MAX;
    return x != x ? INT32_MAX : bits;
}
static inline int64_t key_f64(double x) {
    int64_t bits;
    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    bits ^= bits >> 63 & INT64_MAX;
    return x != x ? INT64_MAX : bits;
}
static inline int64_t key_i64(int64_t x) { return x; }

#define LESS(a, b) ((a).key < (b).key)
/* of equals the earlier one is less, so that a rank names one element */
#define TIED_LESS(a, b) ((a).key < (b).key || ((a).key == (b).key && (a).at < (b).at))
SORT_FAMILY(32, item_32, LESS)
SORT_FAMILY(64, item_64, LESS)
SORT_FAMILY(tied_32, item_32, TIED_LESS)
SORT_FAMILY(tied_64, item_64, TIED_LESS)
SORT_FAMILY(raw, item_raw, LESS)

/* T: float, double or int64_t, named S; MODE: the items among which mode looks */
#define ROWS(T, S, W, MODE, MODE_KEY) \
static void items_##S(const T *x, int64_t n, int turned, item_##W *q) { \
    for (int64_t i = 0; i < n; i++) { q[i].key = turned ? ~key_##S(x[i]) : key_##S(x[i]); q[i].at = i; } \
} \
static void take_##S(const T *x, const item_##W *q, int64_t n, T *values, int64_t *at) { \
    for (int64_t i = 0; i < n; i++) { values[i] = x[q[i].at]; at[i] = q[i].at; } \
} \
static int sort_rows_##S(int threads, const T *x, int64_t rows, int64_t n, int descending, T *values, int64_t *at) { \
    int failed = 0; \
    OMP(omp parallel for num_threads(threads) if (threads > 1 && rows > 1 && rows * n >= SORT_GRAIN)) \
    for (int64_t r = 0; r < rows; r++) { \
        item_##W *q = malloc(sizeof *q * (n + 1)); \
        if (!q) { failed = 1; continue; } \
        items_##S(x + r * n, n, descending, q); \
        sort_##W(q, q + n); \
        take_##S(x + r * n, q, n, values + r * n, at + r * n); \
        free(q); \
    } \
    return failed; \
} \
/* The least k of a row, of which q holds the first k: others take the place of the greatest. Eight at a time are looked at by a plain \
 * comparison, which lets through what is better and every NaN. */ \
static void select_##S(const T *x, int64_t n, int64_t k, int turned, item_##W *q) { \
    make_heap_##W(q, k); \
    T bound = x[q->at]; \
    for (int64_t i = k; i < n; ) { \
        if (i + 8 <= n) { \
            int any = 0; \
            if (turned) for (int j = 0; j < 8; j++) any |= !(x[i + j] <= bound); \
            else for (int j = 0; j < 8; j++) any |= !(x[i + j] >= bound); \
            if (!any) { i += 8; continue; } \
        } \
        for (int64_t end = i + 8 < n ? i + 8 : n; i < end; i++) { \
            item_##W item = {turned ? ~key_##S(x[i]) : key_##S(x[i]), i}; \
            if (item.key < q->key) sift_down_##W(q, 0, k, item); \
        } \
        bound = x[q->at]; \
    } \
    sort_heap_##W(q, q + k); \
} \
/* The first k of a row in ascending or descending order. */ \
static int topk_##S(int threads, const T *x, int64_t rows, int64_t n, int64_t k, int largest, int sorted, T *values, int64_t *at) { \
    int few = k * 64 <= n, failed = 0; \
    OMP(omp parallel for num_threads(threads) if (threads > 1 && rows > 1 && rows * n >= SORT_GRAIN)) \
    for (int64_t r = 0; r < rows; r++) { \
        item_##W *q = malloc(sizeof *q * ((few ? k : n) + 1)); \
        if (!q) { failed = 1; continue; } \
        items_##S(x + r * n, few ? k : n, largest, q); \
        if (few) select_##S(x + r * n, n, k, largest, q); \
        else { \
            nth_element_##W(q, q + k - 1, q + n); \
            if (sorted) sort_##W(q, q + k - 1); \
        } \
        take_##S(x + r * n, q, k, values + r * k, at + r * k); \
        free(q); \
    } \
    return failed; \
} \
static void kth_##S(const T *x, int64_t rows, int64_t n, int64_t k, int64_t *out) { \
    item_##W *q = malloc(sizeof *q * (n + 1)); \
    for (int64_t r = 0; r < rows; r++, x += n) { \
        items_##S(x, n, 0, q); \
        quickselect_##W(q, n, k); \
        out[r] = q[k].at; \
    } \
    free(q); \
} \
/* The lower median; the first NaN unless they are skipped. */ \
static void median_##S(const T *x, int64_t rows, int64_t n, int skip_nan, int64_t *out) { \
    item_##W *q = malloc(sizeof *q * (n + 1)); \
    for (int64_t r = 0; r < rows; r++, x += n) { \
        int64_t nans = 0, first = -1; \
        items_##S(x, n, 0, q); \
        for (int64_t i = 0; i < n; i++) if (x[i] != x[i]) { if (first < 0) first = i; nans++; } \
        if (nans && !skip_nan) { out[r] = first; continue; } \
        int64_t k = nans == n ? (n - 1) / 2 : (n - nans - 1) / 2; \
        nth_element_tied_##W(q, q + k, q + n); \
        out[r] = q[k].at; \
    } \
    free(q); \
} \
/* torch: sorted with a plain <, which a NaN upsets */ \
static void mode_##S(const T *x, int64_t rows, int64_t n, int64_t *out) { \
    item_##MODE *q = malloc(sizeof *q * (n + 1)); \
    for (int64_t r = 0; r < rows; r++, x += n) { \
        for (int64_t i = 0; i < n; i++) { q[i].key = MODE_KEY(x[i]); q[i].at = i; } \
        sort_##MODE(q, q + n); \
        int64_t best = 0, run = 0, at = 0; \
        for (int64_t i = 0; i < n; i++) { \
            run++; \
            if (i == n - 1 || q[i].key != q[i + 1].key) { \
                if (run > best) { best = run; at = q[i].at; } \
                run = 0; \
            } \
        } \
        out[r] = at; \
    } \
    free(q); \
}
#define OMP(TEXT) _Pragma(#TEXT)
enum { SORT_GRAIN = 8192 };
ROWS(float, f32, 32, raw, (double))
ROWS(double, f64, 64, raw, (double))
ROWS(int64_t, i64, 64, 64, key_i64)

/* Where values would go in a sorted row, reached through `sorter` if there is one; `row_n` 0 searches one row for all. */
#define SEARCH(T, S) \
static void search_##S(const T *edges, int64_t n, int64_t row_n, const int64_t *sorter, const T *x, int64_t rows, int64_t m, int right, int64_t *out) { \
    for (int64_t r = 0; r < rows; r++) { \
        const T *e = edges + r * row_n; \
        const int64_t *s = sorter ? sorter + r * row_n : NULL; \
        for (int64_t i = 0; i < m; i++, x++, out++) { \
            int64_t lo = 0, hi = n; \
            while (lo < hi) { \
                int64_t mid = lo + ((hi - lo) >> 1); \
                T v = s ? e[s[mid]] : e[mid]; \
                if (right ? !(v > *x) : !(v >= *x)) lo = mid + 1; else hi = mid; \
            } \
            *out = lo; \
        } \
    } \
}
SEARCH(double, f64)
SEARCH(int64_t, i64)
