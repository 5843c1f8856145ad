/* start_response and the write callable that it returns. */
#include "wsgi.h"

#include <structmember.h>

#ifndef Py_T_PYSSIZET
#define Py_T_PYSSIZET T_PYSSIZET
#define Py_READONLY READONLY
#endif

/* Both are callables that know their request; NULL once it has ended. */
typedef struct {
    PyObject_HEAD vectorcallfunc call;
    wsgi_request *req;
} callable;

static PyObject *expired(const char *name) {
    PyErr_Format(PyExc_RuntimeError, "%s belongs to a request that has ended", name);
    return NULL;
}

/* exc_info as in PEP 3333, "The start_response() Callable": too late to replace
 * the headers, so the exception goes on. */
static PyObject *reraise(PyObject *exc_info) {
    PyObject *type = PyTuple_GET_ITEM(exc_info, 0), *value = PyTuple_GET_ITEM(exc_info, 1),
             *traceback = PyTuple_GET_ITEM(exc_info, 2); /* borrowed */
    if (!PyExceptionInstance_Check(value)) {
        PyErr_Format(PyExc_TypeError, "exc_info must hold an exception, not %R", value);
        return NULL;
    }
    PyErr_Restore(Py_NewRef(type), Py_NewRef(value), traceback == Py_None ? NULL : Py_NewRef(traceback));
    return NULL;
}

/* start_response(status, headers, exc_info=None) */
static PyObject *start_response_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    wsgi_request *req = ((callable *)self)->req;
    if (!req)
        return expired("start_response");
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf), nkw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    if (nargs + nkw > 3 || nargs < 2 ||
        (nkw == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "exc_info") != 0)) {
        PyErr_SetString(PyExc_TypeError, "start_response takes (status, headers, exc_info=None)");
        return NULL;
    }
    PyObject *exc_info = nargs + nkw == 3 ? args[2] : Py_None; /* borrowed */
    if (exc_info != Py_None) {
        if (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3) {
            PyErr_SetString(PyExc_TypeError, "exc_info must be a tuple (type, value, traceback)");
            return NULL;
        }
        if (req->headers_sent)
            return reraise(exc_info);
    } else if (req->status != 0) {
        PyErr_SetString(PyExc_AssertionError, "start_response was called a second time without exc_info (PEP 3333)");
        return NULL;
    }
    if (wsgi_headers_set(req, args[0], args[1]) < 0)
        return NULL;
    return Py_NewRef(req->write);
}

/* write(data): PEP 3333, "The write() Callable". */
static PyObject *write_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    wsgi_request *req = ((callable *)self)->req;
    if (!req)
        return expired("write");
    if (PyVectorcall_NARGS(nargsf) != 1 || (kwnames && PyTuple_GET_SIZE(kwnames) > 0)) {
        PyErr_SetString(PyExc_TypeError, "write takes one byte string");
        return NULL;
    }
    int stop = wsgi_response_block(req, args[0]);
    if (stop < 0)
        return NULL;
    if (stop && wsgi_is_aborted(req)) {
        PyErr_SetString(PyExc_BrokenPipeError, "the client has left");
        return NULL;
    }
    /* An iterator is stopped at its next block; who calls write() gets away with
     * what a client might not have taken yet. */
    if (stop && req->is_head && (size_t)req->sent > wsgi.response_buffer) {
        PyErr_SetString(PyExc_BrokenPipeError, "the response to HEAD has no body: nobody reads what is written");
        return NULL;
    }
    Py_RETURN_NONE;
}

static void callable_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyMemberDef callable_members[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(callable, call), Py_READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyTypeObject *make_type(const char *name) {
    PyType_Slot slots[] = {
        {Py_tp_dealloc, callable_dealloc},
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_members, callable_members},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = name,
        .basicsize = sizeof(callable),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    return (PyTypeObject *)PyType_FromSpec(&spec);
}

int wsgi_start_response_init(void) {
    wsgi.start_response_type = make_type("gowsgi.start_response");
    wsgi.write_type = make_type("gowsgi.write");
    return wsgi.start_response_type && wsgi.write_type ? 0 : -1;
}

static PyObject *make(PyTypeObject *type, vectorcallfunc call, wsgi_request *req) {
    callable *self = (callable *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->call = call;
    self->req = req;
    return (PyObject *)self;
}

PyObject *wsgi_start_response_new(wsgi_request *req) {
    return make(wsgi.start_response_type, start_response_call, req);
}

PyObject *wsgi_write_new(wsgi_request *req) { return make(wsgi.write_type, write_call, req); }

void wsgi_start_response_expire(PyObject *start_response) { ((callable *)start_response)->req = NULL; }

void wsgi_write_expire(PyObject *write) { ((callable *)write)->req = NULL; }
