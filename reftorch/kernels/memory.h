/* Blocks of memory for large arrays, kept for the next one: fresh pages cost several times the work of an elementwise op, and
 * malloc gives what is free at the end of its heap back to the system again and again.
 *
 * Blocks of 4 KB and more come in four sizes a doubling and go to a stack of their size when freed: at most 8 a size, 2 above 64 MB, and
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

enum { HEADER = 64, SIZES = 176, KEPT = 8, KEPT_HUGE = 2 };
#define LARGE_BYTES ((size_t)1 << 12)
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

/* Small arrays whose owner is gone, kept whole for the next one of that type and shape: NumPy takes longer to make an array than a loop
 * to fill it. A slot holds arrays of one type and shape; another one that falls into it drives them out. All of it under Python's lock. */
enum { SLOTS = 128, DEPTH = 8, POOLED_DIMS = 4, POOLED_BYTES = 4096 };
typedef struct { int count; PyArrayObject *kept[DEPTH]; } pool_slot;
static pool_slot pool[SLOTS];
static PyArray_Descr *pooled_types[NPY_OBJECT];          /* NumPy's own descriptors of the plain types */

static pool_slot *pool_slot_of(int nd, const npy_intp *dims, int type) {
    size_t hash = (size_t)(type + NPY_OBJECT * nd);
    for (int d = 0; d < nd; d++) hash = hash * 31 + (size_t)dims[d];
    return &pool[(hash ^ hash >> 7) % SLOTS];
}

static int same_kind_of_array(PyArrayObject *a, int nd, const npy_intp *dims, int type) {
    if (PyArray_TYPE(a) != type || PyArray_NDIM(a) != nd) return 0;
    for (int d = 0; d < nd; d++) if (PyArray_DIM(a, d) != dims[d]) return 0;
    return 1;
}

/* A new row-major array of a plain type, its elements as chance has them. */
static PyObject *pool_take(int nd, npy_intp *dims, int type) {
    if (nd <= POOLED_DIMS) {
        pool_slot *slot = pool_slot_of(nd, dims, type);
        if (slot->count && same_kind_of_array(slot->kept[0], nd, dims, type)) return (PyObject *)slot->kept[--slot->count];
    }
    return PyArray_SimpleNew(nd, dims, type);
}

/* Takes over the last reference to an array if it is worth keeping; else gives 0. */
static int pool_keep(PyObject *o) {
    PyArrayObject *a = (PyArrayObject *)o;
    const int plain = NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_OWNDATA | NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE;
    if (Py_TYPE(o) != &PyArray_Type) return 0;
    int type = PyArray_TYPE(a), nd = PyArray_NDIM(a);
    if (type >= NPY_OBJECT || nd > POOLED_DIMS || (PyArray_FLAGS(a) & (plain | NPY_ARRAY_WRITEBACKIFCOPY)) != plain || PyArray_BASE(a)
        || ((PyArrayObject_fields *)a)->weakreflist || (size_t)PyArray_NBYTES(a) - 1 >= POOLED_BYTES) return 0;
    if (!pooled_types[type]) pooled_types[type] = PyArray_DescrFromType(type);
    if (PyArray_DESCR(a) != pooled_types[type]) return 0;           /* another byte order */
    npy_intp stride = PyArray_ITEMSIZE(a);
    for (int d = nd - 1; d >= 0; stride *= PyArray_DIM(a, d--))     /* those of dims of size 1 are free, and tensors show them */
        if (PyArray_STRIDE(a, d) != stride) return 0;
    pool_slot *slot = pool_slot_of(nd, PyArray_DIMS(a), type);
    if (slot->count && !same_kind_of_array(slot->kept[0], nd, PyArray_DIMS(a), type))
        while (slot->count) Py_DECREF(slot->kept[--slot->count]);
    if (slot->count == DEPTH) return 0;
    slot->kept[slot->count++] = a;
    return 1;
}
