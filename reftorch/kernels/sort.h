/* Selection and search on rows of keys.  Where equal keys are told apart by their index alone, results depend on the algorithm, so
 * these are the ones that PyTorch's build uses: the GNU C++ library's sort, nth_element and partial_sort, and quickselect with a
 * median of three for kthvalue.  Keys are doubles or 64-bit integers, which hold every other real dtype. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define SORT_THRESHOLD 16

static int64_t floor_log2(int64_t n) { int64_t k = 0; while (n > 1) { n >>= 1; k++; } return k; }

/* `N` names the instance; LESS(a, b) orders two items. */
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
    ITEM *left = first + 1, *right = last; \
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

typedef struct { double key; int64_t at; } item_f;
typedef struct { int64_t key; int64_t at; } item_i;

/* NaN counts as the greatest */
#define LESS_F(a, b) ((a).key < (b).key || ((b).key != (b).key && (a).key == (a).key))
#define MORE_F(a, b) LESS_F(b, a)
#define RAW_LESS(a, b) ((a).key < (b).key)
#define RAW_MORE(a, b) ((a).key > (b).key)
/* of equals the earlier one is less, so that a rank names one element */
#define TIED_LESS_F(a, b) (LESS_F(a, b) || (!LESS_F(b, a) && (a).at < (b).at))
#define TIED_LESS_I(a, b) ((a).key < (b).key || ((a).key == (b).key && (a).at < (b).at))
SORT_FAMILY(tied_f, item_f, TIED_LESS_F)
SORT_FAMILY(tied_i, item_i, TIED_LESS_I)
SORT_FAMILY(up_f, item_f, LESS_F)
SORT_FAMILY(down_f, item_f, MORE_F)
SORT_FAMILY(raw_f, item_f, RAW_LESS)
SORT_FAMILY(up_i, item_i, RAW_LESS)
SORT_FAMILY(down_i, item_i, RAW_MORE)

#define ROWS(T, ITEM, S, RAW) \
static void argsort_##S(const T *x, int64_t rows, int64_t n, int descending, int64_t *out) { \
    ITEM *q = malloc(sizeof(ITEM) * (n + 1)); \
    for (int64_t r = 0; r < rows; r++, x += n, out += n) { \
        for (int64_t i = 0; i < n; i++) { q[i].key = x[i]; q[i].at = i; } \
        if (descending) sort_down_##S(q, q + n); else sort_up_##S(q, q + n); \
        for (int64_t i = 0; i < n; i++) out[i] = q[i].at; \
    } \
    free(q); \
} \
/* The first k of a row in ascending or descending order, as indices. */ \
static void topk_##S(const T *x, int64_t rows, int64_t n, int64_t k, int largest, int sorted, int64_t *out) { \
    ITEM *q = malloc(sizeof(ITEM) * (n + 1)); \
    for (int64_t r = 0; r < rows; r++, x += n, out += k) { \
        for (int64_t i = 0; i < n; i++) { q[i].key = x[i]; q[i].at = i; } \
        if (k * 64 <= n) { \
            if (largest) partial_sort_down_##S(q, q + k, q + n); else partial_sort_up_##S(q, q + k, q + n); \
        } else if (largest) { \
            nth_element_down_##S(q, q + k - 1, q + n); \
            if (sorted) sort_down_##S(q, q + k - 1); \
        } else { \
            nth_element_up_##S(q, q + k - 1, q + n); \
            if (sorted) sort_up_##S(q, q + k - 1); \
        } \
        for (int64_t i = 0; i < k; i++) out[i] = q[i].at; \
    } \
    free(q); \
} \
static void kth_##S(const T *x, int64_t rows, int64_t n, int64_t k, int64_t *out) { \
    ITEM *q = malloc(sizeof(ITEM) * (n + 1)); \
    for (int64_t r = 0; r < rows; r++, x += n) { \
        for (int64_t i = 0; i < n; i++) { q[i].key = x[i]; q[i].at = i; } \
        quickselect_up_##S(q, n, k); \
        out[r] = q[k].at; \
    } \
    free(q); \
} \
/* The lower median; the first NaN unless they are skipped. */ \
static void median_##S(const T *x, int64_t rows, int64_t n, int skip_nan, int64_t *out) { \
    ITEM *q = malloc(sizeof(ITEM) * (n + 1)); \
    for (int64_t r = 0; r < rows; r++, x += n) { \
        int64_t nans = 0, first = -1; \
        for (int64_t i = 0; i < n; i++) { \
            q[i].key = x[i]; q[i].at = i; \
            if (x[i] != x[i]) { if (first < 0) first = i; nans++; } \
        } \
        if (nans && !skip_nan) { out[r] = first; continue; } \
        int64_t k = nans == n ? (n - 1) / 2 : (n - nans - 1) / 2; \
        nth_element_tied_##S(q, q + k, q + n); \
        out[r] = q[k].at; \
    } \
    free(q); \
} \
static void mode_##S(const T *x, int64_t rows, int64_t n, int64_t *out) { \
    ITEM *q = malloc(sizeof(ITEM) * (n + 1)); \
    for (int64_t r = 0; r < rows; r++, x += n) { \
        for (int64_t i = 0; i < n; i++) { q[i].key = x[i]; q[i].at = i; } \
        sort_##RAW(q, q + n); \
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
} \
/* Where values would go in a sorted row, reached through `sorter` if there is one; `row_n` 0 searches one row for all. */ \
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
ROWS(double, item_f, f, raw_f)
ROWS(int64_t, item_i, i, up_i)
