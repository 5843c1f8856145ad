/* The module gowsgi, which applications can import: RequestTimeout,
 * LogHandler and the hooks of hooks.c. It exists under gowsgi only. */
#include "wsgi.h"

/* A BaseException, like KeyboardInterrupt and asyncio.CancelledError: "except
 * Exception" around a slow call, or a driver that takes an OSError for a reason to
 * try again, would go on for ever on behalf of a client that has had its 504. */
static int request_timeout_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (((PyTypeObject *)PyExc_BaseException)->tp_init(self, args, kwargs) < 0)
        return -1;
    if (PyTuple_GET_SIZE(args) > 0)
        return 0;
    PyObject *said = Py_BuildValue("(s)", "the request took longer than the server allows"); /* new */
    int failed = said ? PyObject_SetAttrString(self, "args", said) : -1;
    Py_XDECREF(said);
    return failed;
}

static PyObject *make_request_timeout(void) {
    PyType_Slot slots[] = {
        {Py_tp_init, request_timeout_init},
        {Py_tp_doc, "The request has run into its deadline. Raised in the thread that runs it."},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = "gowsgi.RequestTimeout", .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, .slots = slots};
    PyObject *bases = PyTuple_Pack(1, PyExc_BaseException); /* new */
    PyObject *type = bases ? PyType_FromSpecWithBases(&spec, bases) : NULL; /* new */
    Py_XDECREF(bases);
    return type;
}

/* Module attributes that are made when they are asked for (PEP 562): LogHandler
 * needs the logging module. */
static PyObject *module_getattr(PyObject *module, PyObject *name) {
    if (!PyUnicode_Check(name))
        return PyErr_Format(PyExc_TypeError, "attribute name must be str, not %.100s", Py_TYPE(name)->tp_name);
    if (PyUnicode_CompareWithASCIIString(name, "LogHandler") != 0)
        return PyErr_Format(PyExc_AttributeError, "module 'gowsgi' has no attribute %R", name);
    PyObject *type = wsgi_log_handler_type(); /* new */
    if (type && PyObject_SetAttr(module, name, type) < 0)
        Py_CLEAR(type);
    return type;
}

static PyMethodDef methods[] = {
    {"__getattr__", module_getattr, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "gowsgi",   .m_doc = "What the server offers to applications.",
    .m_size = -1,          .m_methods = methods,
};

/* sitecustomize may import the module before gowsgi_start gets any further. */
static PyObject *make_module(void) {
    PyObject *module = wsgi_module_init() == 0 ? PyModule_Create(&definition) : NULL; /* new */
    if (!module)
        return NULL;
    if (PyModule_AddObjectRef(module, "RequestTimeout", wsgi.request_timeout) < 0 || wsgi_hooks_add(module) < 0)
        Py_CLEAR(module);
    return module;
}

int wsgi_module_announce(void) { return PyImport_AppendInittab("gowsgi", make_module); }

int wsgi_module_init(void) {
    if (!wsgi.request_timeout)
        wsgi.request_timeout = make_request_timeout(); /* kept */
    return wsgi.request_timeout ? 0 : -1;
}
