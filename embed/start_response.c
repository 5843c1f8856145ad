/* start_response and the write callable that it returns. */
#include "wsgi.h"

#include <stdlib.h>
#include <structmember.h>

#ifndef Py_T_PYSSIZET
#define Py_T_PYSSIZET T_PYSSIZET
#define Py_READONLY READONLY
#endif

typedef struct {
    wsgi_object object;
    vectorcallfunc call;
} callable;

/* exc_info as in PEP 3333, "The start_response() Callable": too late to replace
 * the headers, so the exception goes on. */
static PyObject *reraise(PyObject *exc_info) {
    PyObject *value = PyTuple_GET_ITEM(exc_info, 1), *traceback = PyTuple_GET_ITEM(exc_info, 2); /* borrowed */
    if (!PyExceptionInstance_Check(value)) {
        PyErr_Format(PyExc_TypeError, "exc_info must hold an exception, not %R", value);
        return NULL;
    }
    if (traceback != Py_None && !PyTraceBack_Check(traceback)) {
        PyErr_Format(PyExc_TypeError, "exc_info must hold a traceback, not %R", traceback);
        return NULL;
    }
    /* What the tuple says of its type is not believed: CPython would call it. */
    PyErr_Restore(Py_NewRef(Py_TYPE(value)), Py_NewRef(value), traceback == Py_None ? NULL : Py_NewRef(traceback));
    return NULL;
}

/* Whether a response may begin now, or begin anew; if so, takes its head off the
 * request for whoever makes it, and *write (new). -1 with an exception set. */
static int begin(PyObject *self, PyObject *exc_info, wsgi_head *head, PyObject **write) {
    wsgi_request *req = wsgi_enter(self);
    if (!req)
        return -1;
    bool late = exc_info != Py_None && req->response.begun,
         again = exc_info == Py_None && req->response.head.status != 0;
    if (!late && !again) {
        *head = req->response.head;
        req->response.head = (wsgi_head){.content_length = -1};
        *write = Py_NewRef(req->objects.write);
    }
    wsgi_leave(req, 0);
    if (again)
        PyErr_SetString(PyExc_AssertionError, "start_response was called a second time without exc_info (PEP 3333)");
    else if (late)
        reraise(exc_info);
    return late || again ? -1 : 0;
}

/* Gives the head back, empty if it breaks a rule. Nobody wants it if the request has
 * ended meanwhile, nor if a call of start_response within this one has made another
 * with which the response has begun: Go may be reading that. Returns false then. */
static bool end(PyObject *self, wsgi_head *head) {
    bool wanted = true;
    wsgi_request *req = wsgi_enter_quietly(self);
    if (req) {
        wanted = !req->response.begun;
        if (wanted) {
            wsgi_head before = req->response.head;
            req->response.head = *head;
            *head = before;
        }
        wsgi_leave(req, 0);
    }
    free(head->fields);
    return wanted;
}

/* start_response(status, headers, exc_info=None) */
static PyObject *start_response_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    Py_ssize_t nargs = PyVectorcall_NARGS(nargsf), nkw = kwnames ? PyTuple_GET_SIZE(kwnames) : 0;
    if (nargs + nkw > 3 || nargs < 2 ||
        (nkw == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(kwnames, 0), "exc_info") != 0)) {
        PyErr_SetString(PyExc_TypeError, "start_response takes (status, headers, exc_info=None)");
        return NULL;
    }
    PyObject *exc_info = nargs + nkw == 3 ? args[2] : Py_None; /* borrowed */
    if (exc_info != Py_None && (!PyTuple_Check(exc_info) || PyTuple_GET_SIZE(exc_info) != 3)) {
        PyErr_SetString(PyExc_TypeError, "exc_info must be a tuple (type, value, traceback)");
        return NULL;
    }
    wsgi_head head;
    PyObject *write; /* new */
    if (begin(self, exc_info, &head, &write) < 0)
        return NULL;
    if (wsgi_head_set(&head, args[0], args[1]) < 0)
        Py_CLEAR(write);
    if (!end(self, &head) && write) {
        Py_CLEAR(write);
        PyErr_SetString(PyExc_AssertionError, "the response began while start_response was being called (PEP 3333)");
    }
    return write;
}

/* write(data): PEP 3333, "The write() Callable". */
static PyObject *write_call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (PyVectorcall_NARGS(nargsf) != 1 || (kwnames && PyTuple_GET_SIZE(kwnames) > 0)) {
        PyErr_SetString(PyExc_TypeError, "write takes one byte string");
        return NULL;
    }
    switch (wsgi_response_block(self, args[0])) {
    case WSGI_MORE:
    case WSGI_ENOUGH:
        Py_RETURN_NONE;
    case WSGI_UNASKED:
        PyErr_SetString(PyExc_BrokenPipeError, "the response to HEAD has no body: nobody reads what is written");
        break;
    case WSGI_GONE:
        PyErr_SetString(PyExc_BrokenPipeError,
                        gowsgi_forked ? "a forked child has no client: its parent answers" : "the client has left");
    }
    return NULL;
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
    self->object.req = req;
    return (PyObject *)self;
}

PyObject *wsgi_start_response_new(wsgi_request *req) {
    return make(wsgi.start_response_type, start_response_call, req);
}

PyObject *wsgi_write_new(wsgi_request *req) { return make(wsgi.write_type, write_call, req); }
