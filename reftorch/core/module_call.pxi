# The call of a module: most of what a small layer costs, were it in Python.

cdef object _called_always                   # the dict of hooks that run when any module is called
cdef tuple _called_hooks = (intern("_backward_hooks"), intern("_backward_pre_hooks"), intern("_forward_hooks"), intern("_forward_pre_hooks"))


cdef object call_module(object module, object args, PyObject *kwargs):
    """`forward` of a module, by way of `_call_with_hooks` where there is a hook; AttributeError where it is not initialised."""
    cdef dict own = <dict>PyObject_GenericGetDict(module, NULL)
    cdef PyObject *hooks
    cdef bint hooked = len(_called_always) != 0
    for name in _called_hooks:
        hooks = PyDict_GetItemWithError(own, name)
        hooked = hooked or (getattr(module, name) if hooks == NULL else <object>hooks)
    if hooked:
        return module._call_with_hooks(args, <dict>kwargs if kwargs != NULL else {})
    return PyObject_Call(module.forward, args, kwargs)


def module_base(always not None):
    """A class whose instances are called as modules are; `always` is the dict of hooks for all of them."""
    global _called_always
    _called_always = always
    return type_called("reftorch.nn.modules.module.Called", call_module)
