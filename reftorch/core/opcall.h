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

static PyObject *type_alloc(PyTypeObject *t, PyObject *empty) { return t->tp_new(t, empty, NULL); }

/* An instance of a subclass of tuple, to be filled with `count` objects. */
static PyObject *tuple_alloc(PyTypeObject *t, Py_ssize_t count) { return t->tp_alloc(t, count); }

static __thread int tls_no_grad = 0;        /* torch.no_grad() */
static __thread int tls_inference = 0;      /* torch.inference_mode() */
static __thread int tls_no_dispatch = 0;    /* __torch_function__ switched off */
static __thread int tls_saved_hooks = 0;    /* how many saved_tensors_hooks are open */
