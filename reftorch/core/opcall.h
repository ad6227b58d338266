/* What Cython cannot say: the vectorcall protocol for a class, public type names, per-thread switches. */
#include <Python.h>
#include <pthread.h>

/* Calls of instances of `t` go to the vectorcallfunc stored at `offset`; a descriptor type binds like a method. */
static void type_enable_vectorcall(PyTypeObject *t, Py_ssize_t offset, int descriptor) {
    t->tp_vectorcall_offset = offset;
    t->tp_call = PyVectorcall_Call;
    t->tp_flags |= Py_TPFLAGS_HAVE_VECTORCALL | (descriptor ? Py_TPFLAGS_METHOD_DESCRIPTOR : 0);
    PyType_Modified(t);
}

/* The name under which users know the type: `reftorch.Tensor`, not `reftorch.core._core.Tensor`. */
static void type_rename(PyTypeObject *t, const char *name) {
    t->tp_name = name;
    PyType_Modified(t);
}

/* A class whose instances are called by `call`, one that can stand beside others under a class of Python. */
static PyObject *type_called(const char *name, ternaryfunc call) {
    PyType_Slot slots[] = {{Py_tp_call, (void *)call}, {0, NULL}};
    PyType_Spec spec = {name, 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    return PyType_FromSpec(&spec);
}

static PyObject *type_alloc(PyTypeObject *t, PyObject *empty) { return t->tp_new(t, empty, NULL); }

/* An instance of a subclass of tuple, to be filled with `count` objects. */
static PyObject *tuple_alloc(PyTypeObject *t, Py_ssize_t count) { return t->tp_alloc(t, count); }

static PyObject *tuple_of_ints(Py_ssize_t count, const Py_intptr_t *values) {
    PyObject *made = PyTuple_New(count);
    for (Py_ssize_t i = 0; made && i < count; i++) {
        PyObject *n = PyLong_FromSsize_t(values[i]);
        if (!n) { Py_DECREF(made); return NULL; }
        PyTuple_SET_ITEM(made, i, n);
    }
    return made;
}

/* A tuple of `count` times None, and a new value for one place of a tuple that nobody else has seen yet. */
static PyObject *tuple_of_none(Py_ssize_t count) {
    PyObject *made = PyTuple_New(count);
    for (Py_ssize_t i = 0; made && i < count; i++) PyTuple_SET_ITEM(made, i, Py_NewRef(Py_None));
    return made;
}

static void tuple_put(PyObject *tuple, Py_ssize_t i, PyObject *value) {
    PyObject *former = PyTuple_GET_ITEM(tuple, i);
    PyTuple_SET_ITEM(tuple, i, Py_NewRef(value));
    Py_XDECREF(former);
    if (!PyObject_GC_IsTracked(tuple)) PyObject_GC_Track(tuple);       /* the collector lets go of tuples that hold nothing it knows */
}

static PyObject **list_items(PyObject *list) { return ((PyListObject *)list)->ob_item; }

/* Tensors are made and unmade all the time. The attributes that a user sets on one lie in a dict made when first needed (Cython
 * would make one for every tensor), and what a tensor leaves behind goes to `array_keep`, which may keep a small array for the next. */
typedef struct { PyObject *attributes, *array, *storage; } tensor_fields;
static Py_ssize_t fields_at;
static traverseproc traverse_fields;
static inquiry clear_fields;
static destructor dealloc_fields;
static int (*array_keep)(PyObject *);
#define FIELDS(o) ((tensor_fields *)((char *)(o) + fields_at))

static int tensor_traverse(PyObject *o, visitproc visit, void *arg) {
    Py_VISIT(FIELDS(o)->attributes);
    return traverse_fields(o, visit, arg);
}

static int tensor_clear(PyObject *o) {
    Py_CLEAR(FIELDS(o)->attributes);
    return clear_fields(o);
}

static void tensor_dealloc(PyObject *o) {
    tensor_fields *f = FIELDS(o);
    PyObject_GC_UnTrack(o);
    Py_CLEAR(f->attributes);
    Py_CLEAR(f->storage);
    if (f->array && Py_REFCNT(f->array) == 1 && array_keep(f->array)) f->array = NULL;
    dealloc_fields(o);
}

static PyGetSetDef attributes_property = {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, NULL, NULL};

static int type_tune_tensor(PyTypeObject *t, Py_ssize_t offset, int (*keep)(PyObject *)) {
    fields_at = t->tp_dictoffset = offset, array_keep = keep;
    traverse_fields = t->tp_traverse, clear_fields = t->tp_clear, dealloc_fields = t->tp_dealloc;
    t->tp_traverse = tensor_traverse, t->tp_clear = tensor_clear, t->tp_dealloc = tensor_dealloc;
    PyObject *shown = PyDescr_NewGetSet(t, &attributes_property);
    int failed = !shown || PyDict_SetItemString(t->tp_dict, "__dict__", shown) < 0;
    Py_XDECREF(shown);
    PyType_Modified(t);
    return failed ? -1 : 0;
}

/* Every recorded call makes a node, of a type of its own but all of one size to a base: their memory is kept for the next ones. */
enum { NODES_KEPT = 512, NODE_BASES = 3 };
typedef struct { Py_ssize_t size; int count; PyObject *kept[NODES_KEPT]; } node_pool;
static node_pool node_pools[NODE_BASES];

static node_pool *node_pool_of(Py_ssize_t size) {
    for (int i = 0; i < NODE_BASES; i++)
        if (node_pools[i].size == size) return &node_pools[i];
    return NULL;
}

static PyObject *node_alloc(PyTypeObject *t, Py_ssize_t count) {
    node_pool *pool = node_pool_of(t->tp_basicsize);
    if (!pool || !pool->count) return PyType_GenericAlloc(t, count);
    PyObject *o = pool->kept[--pool->count];
    memset((char *)o + sizeof(PyObject), 0, pool->size - sizeof(PyObject));
    PyObject_Init(o, t);
    PyObject_GC_Track(o);
    return o;
}

static void node_free(void *o) {
    node_pool *pool = node_pool_of(Py_TYPE((PyObject *)o)->tp_basicsize);
    if (pool && pool->count < NODES_KEPT) pool->kept[pool->count++] = o;
    else PyObject_GC_Del(o);
}

/* Long chains of nodes end by way of the tuples that hold their edges, whose destructor does not recurse without bound. */
static void node_dealloc(PyObject *o) {
    PyTypeObject *t = Py_TYPE(o);
    t->tp_base->tp_dealloc(o);
    Py_DECREF(t);
}

/* For a class made of `base`. */
static void type_tune_node(PyTypeObject *t, PyTypeObject *base) {
    node_pool *free_pool = node_pool_of(0);
    if (!node_pool_of(base->tp_basicsize) && free_pool) free_pool->size = base->tp_basicsize;
    t->tp_alloc = node_alloc, t->tp_free = node_free, t->tp_dealloc = node_dealloc;
}

/* Every call asks these: as one of the program's own variables where the loader allows it, without a function call. */
#if defined(__linux__) && defined(__GNUC__)
#define PER_THREAD static __thread __attribute__((tls_model("initial-exec")))
#else
#define PER_THREAD static __thread
#endif
PER_THREAD int tls_no_grad = 0;             /* torch.no_grad() */
PER_THREAD int tls_inference = 0;           /* torch.inference_mode() */
PER_THREAD int tls_no_dispatch = 0;         /* __torch_function__ switched off */
PER_THREAD int tls_saved_hooks = 0;         /* how many saved_tensors_hooks are open */
PER_THREAD PyObject *tls_pass = NULL;       /* the backward pass under way, whose frame holds it */
