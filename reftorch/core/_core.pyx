# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, nonecheck=False
# cython: c_api_binop_methods=True, binding=False, auto_pickle=False
"""The compiled core: dtypes, Tensor, ops, autograd.  It knows no op; ops/ defines them.

One module, read in this order: dtype.pxi, tensor.pxi, graph.pxi, args.pxi, op.pxi, run.pxi, record.pxi, writes.pxi, quick.pxi, call.pxi,
gradients.pxi, engine.pxi, nodes.pxi, surface.pxi, kernel_node.pxi, module_call.pxi.
"""
cimport cython
cimport numpy as cnp
from cpython.object cimport PyObject, PyTypeObject
from cpython.ref cimport Py_INCREF

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_IsValid
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from ..kernels cimport memory
from ..kernels.quick cimport NO_NUMBER, QUICK_NUMBERS, QUICK_TENSORS, quick_call, quickfn
from ..kernels.runtime cimport THREADS

import contextvars
import importlib
import operator
import threading
from sys import intern
from types import MethodType
from weakref import ref as weakref_ref

import numpy as np

from ..kernels import runtime
from . import argerror
from .errors import C_NAMES
from .schema import parse as parse_schema

cnp.import_array()
cnp.import_ufunc()

cdef extern from "opcall.h":
    void type_enable_vectorcall(PyTypeObject *t, Py_ssize_t offset, int descriptor)
    void type_rename(PyTypeObject *t, const char *name)
    object type_alloc(PyTypeObject *t, object empty)
    object tuple_alloc(PyTypeObject *t, Py_ssize_t count)
    tuple tuple_of_none(Py_ssize_t count)
    tuple tuple_of_ints(Py_ssize_t count, const cnp.npy_intp *values)
    void tuple_put(tuple t, Py_ssize_t i, object value)
    PyObject **list_items(list values)
    void type_tune_node(PyTypeObject *t, PyTypeObject *base)
    int type_tune_tensor(PyTypeObject *t, Py_ssize_t offset, int (*keep)(PyObject *) noexcept) except -1
    ctypedef PyObject *(*vectorcallfunc)(PyObject *, PyObject *const *, size_t, PyObject *)
    Py_ssize_t PyVectorcall_NARGS(size_t)
    object type_called(const char *name, object (*call)(object, object, PyObject *))
    void PyType_Modified(PyTypeObject *)
    int tls_no_grad
    int tls_inference
    int tls_no_dispatch
    int tls_saved_hooks
    PyObject *tls_pass

cdef extern from *:
    """
    static void tls_no_grad_write(int v) { tls_no_grad = v; }
    static void tls_inference_write(int v) { tls_inference = v; }
    static void tls_no_dispatch_write(int v) { tls_no_dispatch = v; }
    static void tls_saved_hooks_write(int v) { tls_saved_hooks = v; }
    static void tls_pass_write(PyObject *v) { tls_pass = v; }
    """
    void tls_no_grad_write(int)
    void tls_inference_write(int)
    void tls_no_dispatch_write(int)
    void tls_saved_hooks_write(int)
    void tls_pass_write(PyObject *)
    Py_ssize_t count_of "Py_REFCNT"(PyObject *)
    void let_go "Py_DECREF"(PyObject *)

cdef extern from "strided.h":
    const int *strided_threads
    ctypedef void (*loopfn)(char **, const cnp.npy_intp *, const cnp.npy_intp *, void *) noexcept nogil
    void strided_run(loopfn, void *, int, char **, int, const cnp.npy_intp *, cnp.npy_intp (*)[8])

cdef extern from "numpy/arrayobject.h":
    """
    static PyObject *PyArray_NewStrided(int nd, npy_intp *dims, int num, npy_intp *strides) {
        return PyArray_NewFromDescr(&PyArray_Type, PyArray_DescrFromType(num), nd, dims, strides, NULL, 0, NULL);
    }
    static PyObject *PyArray_FromMemory(PyArray_Descr *d, int nd, npy_intp *dims, npy_intp *strides, void *p) {
        Py_INCREF(d);
        return PyArray_NewFromDescr(&PyArray_Type, d, nd, dims, strides, p, NPY_ARRAY_WRITEABLE | NPY_ARRAY_ALIGNED, NULL);
    }
    """
    object PyArray_SimpleNew(int nd, cnp.npy_intp *dims, int t)
    object PyArray_NewStrided(int nd, cnp.npy_intp *dims, int t, cnp.npy_intp *strides)
    object PyArray_FromMemory(cnp.PyArray_Descr *d, int nd, cnp.npy_intp *dims, cnp.npy_intp *strides, void *p)
    int PyArray_IS_C_CONTIGUOUS(cnp.ndarray)
    int PyArray_CompareLists(cnp.npy_intp *, cnp.npy_intp *, int)

cdef extern from "numpy/ufuncobject.h":
    ctypedef class numpy.ufunc [object PyUFuncObject, check_size ignore]:
        cdef int nin, nout, ntypes
        cdef void **functions
        cdef void **data
        cdef char *types

cdef extern from "Python.h":
    PyObject *PyTuple_GET_ITEM(object, Py_ssize_t)
    PyObject *PyList_GET_ITEM(list, Py_ssize_t)
    long PyLong_AsLong(object) except? -1
    void PyTuple_SET_ITEM(object, Py_ssize_t, object)
    object PyObject_GenericGetDict(object, void *)
    PyObject *PyDict_GetItemWithError(dict, object) except? NULL
    object PyObject_Call(object fn, object args, PyObject *kwargs)
    object PyContextVar_Set(object var, object value)
    int PyContextVar_Reset(object var, object token) except -1
    object PyObject_Vectorcall(object fn, PyObject *const *args, size_t count, PyObject *names)

cdef tuple _empty = ()


cdef tuple _find_quiet():
    """NumPy's floating-point warnings live in a context variable: find it and its silent value.

    Setting it here takes a tenth of what `with np.errstate(all="ignore")` costs, which every primitive pays.
    """
    before = contextvars.copy_context()
    with np.errstate(all="ignore"):
        within = contextvars.copy_context()
    changed = [(v, within[v]) for v in within if v not in before or before[v] is not within[v]]
    if len(changed) != 1:
        raise ImportError("NumPy keeps its error state in an unknown place")
    return changed[0]


cdef object _quiet_var, _quiet_value
_quiet_var, _quiet_value = _find_quiet()


class _Table:
    """Every op by name, for rules and composites: `T.sum(x)`. Filled as op files are read."""

    def __getattr__(self, name):
        try:
            op = OPS[name]
        except KeyError:
            if name.endswith("_") and name[:-1] in OPS:
                return OPS[name[:-1]].inplace
            raise AttributeError(f"no op named {name!r}") from None
        setattr(self, name, op)
        return op


T = _Table()

cdef class Storage
cdef class Tensor
cdef class Hooks
cdef class Node
cdef class Op
cdef class Overload

include "dtype.pxi"
include "tensor.pxi"
include "graph.pxi"
include "args.pxi"
include "op.pxi"
include "run.pxi"
include "record.pxi"
include "writes.pxi"
include "quick.pxi"
include "call.pxi"
include "gradients.pxi"
include "engine.pxi"
include "nodes.pxi"
include "surface.pxi"
include "kernel_node.pxi"
include "module_call.pxi"

cdef _enable():
    cdef Op o = Op.__new__(Op)
    cdef Method m = Method.__new__(Method)
    cdef Tensor t = Tensor.__new__(Tensor)
    type_tune_tensor(<PyTypeObject *>Tensor, <char *>&t.attributes - <char *><PyObject *>t, memory.keep)
    type_enable_vectorcall(<PyTypeObject *>Op, <char *>&o.vcall - <char *><PyObject *>o, 0)
    type_enable_vectorcall(<PyTypeObject *>Method, <char *>&m.vcall - <char *><PyObject *>m, 1)
    type_rename(<PyTypeObject *>Tensor, "reftorch.Tensor")
    type_rename(<PyTypeObject *>dtype, "reftorch.dtype")
    type_rename(<PyTypeObject *>device, "reftorch.device")
    type_rename(<PyTypeObject *>layout, "reftorch.layout")
    type_rename(<PyTypeObject *>memory_format, "reftorch.memory_format")
    type_rename(<PyTypeObject *>AccumulateGrad, "reftorch.autograd.AccumulateGrad")
    type_rename(<PyTypeObject *>CopySlices, "reftorch.autograd.CopySlices")

_enable()
strided_threads = &THREADS
