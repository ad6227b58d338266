"""What a quick function gets: the plain arguments of a small call, see core/define.py. It gives the result's array, or None: not for me."""
cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_New

cdef enum:
    QUICK_TENSORS = 8
    QUICK_NUMBERS = 16

cdef extern from *:
    """
    #define NO_NUMBER ((npy_intp)-1 << 62)
    """
    cnp.npy_intp NO_NUMBER                       # stands for None

ctypedef struct quick_call:
    int tensors, numbers
    PyObject *tensor[QUICK_TENSORS]              # their arrays, of one dtype unless the function says `mixed`
    cnp.npy_intp number[QUICK_NUMBERS]           # integers and bools in the order of the schema, lists laid out flat

ctypedef object (*quickfn)(quick_call *)

cdef inline object capsule(quickfn fn, bint mixed=False):
    """What a module's QUICK gives under the function's name; `mixed`: its tensors may be of several dtypes, and so its results."""
    return PyCapsule_New(<void *>fn, b"quick mixed" if mixed else b"quick", NULL)
