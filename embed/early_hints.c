/* environ["wsgi.early_hints"], as Gunicorn has it: a callable that takes a list of
 * (name, value) and has them sent with status 103 (RFC 8297), at once.
 *
 * What is to be sent waits in the request until Go, whose bell rings, takes it:
 * before the head, which Go sends as well. Nobody waits for that here. Hints may be
 * ignored, so a client that is slow to take them, or an application that never
 * stops, loses what is beyond MOST. */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>
#include <structmember.h>

#ifndef Py_T_PYSSIZET
#define Py_T_PYSSIZET T_PYSSIZET
#define Py_READONLY READONLY
#endif

enum { MOST = 64 << 10 /* bytes that wait */ };

typedef struct {
    PyObject_HEAD vectorcallfunc call;
    wsgi_request *req; /* NULL once it has ended */
} early_hints;

static PyTypeObject *type;

/* Adds one response's worth to what waits: its size, then the fields. */
static int queue(wsgi_request *req, const uint8_t *fields, uint32_t size) {
    int failed = 0;
    pthread_mutex_lock(&req->lock);
    if (req->hints_size + sizeof size + size <= MOST) {
        uint8_t *larger = realloc(req->hints, req->hints_size + sizeof size + size);
        if (larger) {
            memcpy(larger + req->hints_size, &size, sizeof size);
            memcpy(larger + req->hints_size + sizeof size, fields, size);
            req->hints_size += sizeof size + size;
            __atomic_store_n(&req->hints, larger, __ATOMIC_RELEASE);
        } else {
            failed = -1;
        }
    }
    pthread_mutex_unlock(&req->lock);
    if (failed) {
        PyErr_NoMemory();
        return -1;
    }
    gowsgi_pool_ring(&req->task, GOWSGI_OUTPUT);
    return 0;
}

/* early_hints(headers) */
static PyObject *call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (PyVectorcall_NARGS(nargsf) != 1 || (kwnames && PyTuple_GET_SIZE(kwnames) > 0)) {
        PyErr_SetString(PyExc_TypeError, "wsgi.early_hints takes a list of (name, value)");
        return NULL;
    }
    PyObject *headers = PySequence_Tuple(args[0]); /* new; may run code of the application's */
    if (!headers)
        return NULL;
    uint8_t *fields = NULL;
    size_t size = 0, room = 0;
    int failed = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(headers) && !failed; i++) {
        wsgi_field field;
        failed = wsgi_field_parse(PyTuple_GET_ITEM(headers, i), &field);
        if (!failed)
            failed = wsgi_field_append(&fields, &size, &room, &field);
    }
    /* The GIL is not let go from here on: the request stays what it is. */
    wsgi_request *req = ((early_hints *)self)->req;
    if (!failed && !req) {
        PyErr_SetString(PyExc_RuntimeError, "wsgi.early_hints belongs to a request that has ended");
        failed = -1;
    }
    if (!failed && size > 0 && size <= MOST && !req->headers_sent && !gowsgi_forked)
        failed = queue(req, fields, (uint32_t)size);
    free(fields);
    Py_DECREF(headers);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

/* Does: takes what waits: for each call its size, uint32, and fields as in `head`.
 * Memory: the caller's, to be freed; NULL if there is nothing.
 * GIL: either.
 * Fails: never. */
uint8_t *gowsgi_request_hints(wsgi_request *req, size_t *size) {
    pthread_mutex_lock(&req->lock);
    uint8_t *hints = req->hints;
    *size = req->hints_size;
    __atomic_store_n(&req->hints, NULL, __ATOMIC_RELEASE);
    req->hints_size = 0;
    pthread_mutex_unlock(&req->lock);
    return hints;
}

static void dealloc(PyObject *self) {
    PyTypeObject *own = Py_TYPE(self);
    own->tp_free(self);
    Py_DECREF(own);
}

static PyMemberDef members[] = {
    {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(early_hints, call), Py_READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

int wsgi_early_hints_init(void) {
    PyType_Slot slots[] = {
        {Py_tp_dealloc, dealloc},
        {Py_tp_call, PyVectorcall_Call},
        {Py_tp_members, members},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = "gowsgi.early_hints",
        .basicsize = sizeof(early_hints),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    type = (PyTypeObject *)PyType_FromSpec(&spec);
    return type ? 0 : -1;
}

PyObject *wsgi_early_hints_new(wsgi_request *req) {
    early_hints *self = (early_hints *)type->tp_alloc(type, 0);
    if (!self)
        return NULL;
    self->call = call;
    self->req = req;
    return (PyObject *)self;
}

void wsgi_early_hints_expire(PyObject *self) { ((early_hints *)self)->req = NULL; }
