/* Blocks of memory for large arrays, kept for the next one: fresh pages cost several times the work of an elementwise op.
 *
 * Blocks of 1 MB and more come in four sizes a doubling and go to a stack of their size when freed: at most 8 a size, 2 above 64 MB, and
 * no more than `memory_limit` bytes in all; what does not fit goes back to the system. All memory is aligned to 64 bytes, that of 4 MB
 * and more lies on huge pages where Linux has them. NumPy's handler of array memory (NEP 49) makes arrays own such blocks. */
#define NPY_TARGET_VERSION NPY_1_22_API_VERSION
#include <Python.h>
#include <numpy/arrayobject.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

enum { HEADER = 64, SIZES = 160, KEPT = 8, KEPT_HUGE = 2 };
#define LARGE_BYTES ((size_t)1 << 20)
#define HUGE_PAGE ((size_t)1 << 21)
#define HUGE_BLOCK ((size_t)64 << 20)

typedef struct { size_t size, room; int kind; } block_header;       /* asked for, there is, index of its size or -1 */

static pthread_mutex_t memory_lock = PTHREAD_MUTEX_INITIALIZER;
static void *memory_kept[SIZES][KEPT];
static int memory_count[SIZES];
static size_t memory_held, memory_limit = (size_t)1 << 28;

static block_header *header_of(void *p) { return (block_header *)((char *)p - HEADER); }

/* The size class of `size` bytes and how many bytes its blocks have: 1, 1.25, 1.5, 1.75 times a power of two. */
static int size_class(size_t size, size_t *room) {
    int doublings = 0;
    size_t base = LARGE_BYTES, quarter;
    while (base * 2 <= size) base *= 2, doublings++;
    quarter = (size - base + base / 4 - 1) / (base / 4);
    *room = base + quarter * (base / 4);
    return 4 * doublings + (int)quarter;
}

static void *block_new(size_t size, size_t room, int kind) {
    size_t align = room >= 2 * HUGE_PAGE ? HUGE_PAGE : HEADER;
    void *raw = NULL;
    if (room > (size_t)PTRDIFF_MAX - HEADER || posix_memalign(&raw, align, room + HEADER)) return NULL;
#ifdef MADV_HUGEPAGE
    if (align == HUGE_PAGE) madvise(raw, room + HEADER, MADV_HUGEPAGE);
#endif
    *(block_header *)raw = (block_header){size, room, kind};
    return (char *)raw + HEADER;
}

/* Give every kept block back to the system; how many bytes that were. */
static size_t memory_release(void) {
    pthread_mutex_lock(&memory_lock);
    size_t freed = memory_held;
    for (int kind = 0; kind < SIZES; kind++)
        while (memory_count[kind]) free(header_of(memory_kept[kind][--memory_count[kind]]));
    memory_held = 0;
    pthread_mutex_unlock(&memory_lock);
    return freed;
}

static void *memory_malloc(void *context, size_t size) {
    size_t room = size;
    int kind = -1;
    void *p = NULL;
    if (size >= LARGE_BYTES && size <= (size_t)1 << 40) {
        kind = size_class(size, &room);
        pthread_mutex_lock(&memory_lock);
        if (memory_count[kind]) {
            p = memory_kept[kind][--memory_count[kind]];
            memory_held -= room;
        }
        pthread_mutex_unlock(&memory_lock);
        if (p) { header_of(p)->size = size; return p; }
    }
    p = block_new(size, room, kind);
    return p || !memory_release() ? p : block_new(size, room, kind);
}

static void memory_free(void *context, void *p, size_t size) {
    if (!p) return;
    block_header *h = header_of(p);
    int keep = 0;
    if (h->kind >= 0) {
        pthread_mutex_lock(&memory_lock);
        keep = memory_count[h->kind] < (h->room > HUGE_BLOCK ? KEPT_HUGE : KEPT) && memory_held + h->room <= memory_limit;
        if (keep) {
            memory_kept[h->kind][memory_count[h->kind]++] = p;
            memory_held += h->room;
        }
        pthread_mutex_unlock(&memory_lock);
    }
    if (!keep) free(h);
}

static void *memory_calloc(void *context, size_t count, size_t width) {
    if (width && count > (size_t)-1 / width) return NULL;
    void *p = memory_malloc(context, count * width);
    return p ? memset(p, 0, count * width) : NULL;
}

static void *memory_realloc(void *context, void *old, size_t size) {
    if (!old) return memory_malloc(context, size);
    size_t had = header_of(old)->size;
    if (size <= header_of(old)->room && size >= header_of(old)->room / 2) { header_of(old)->size = size; return old; }
    void *p = memory_malloc(context, size);
    if (!p) return NULL;
    memcpy(p, old, had < size ? had : size);
    memory_free(context, old, had);
    return p;
}

static void memory_before_fork(void) { pthread_mutex_lock(&memory_lock); }
static void memory_after_fork(void) { pthread_mutex_unlock(&memory_lock); }

static PyDataMem_Handler memory_handler = {"reftorch", 1, {NULL, memory_malloc, memory_calloc, memory_realloc, memory_free}};
static PyObject *memory_capsule;

static int memory_start(void) {
    if (_import_array() < 0) return -1;
    pthread_atfork(memory_before_fork, memory_after_fork, memory_after_fork);
    memory_capsule = PyCapsule_New(&memory_handler, "mem_handler", NULL);
    return memory_capsule ? 0 : -1;
}

static PyObject *memory_enter(void) { return PyDataMem_SetHandler(memory_capsule); }

static PyObject *memory_empty(int nd, npy_intp *dims, int type) {
    PyObject *former = memory_enter();
    if (!former) return NULL;
    PyObject *made = PyArray_SimpleNew(nd, dims, type);
    PyObject *ours = PyDataMem_SetHandler(former);
    Py_DECREF(former);
    if (!ours) { Py_XDECREF(made); return NULL; }
    Py_DECREF(ours);
    return made;
}
