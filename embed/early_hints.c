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
    wsgi_object object;
    vectorcallfunc call;
} early_hints;

/* Adds one response's worth to what waits: its size, then the fields. -1 if memory
 * is short. Lock: held. */
static int queue(wsgi_response *response, const uint8_t *fields, uint32_t size) {
    size_t before = response->hints_size, after = before + sizeof size + size;
    if (after > MOST)
        return 0;
    uint8_t *larger = realloc(response->hints, after);
    if (!larger)
        return -1;
    memcpy(larger + before, &size, sizeof size);
    memcpy(larger + before + sizeof size, fields, size);
    response->hints_size = after;
    __atomic_store_n(&response->hints, larger, __ATOMIC_RELEASE);
    return 0;
}

/* Flattens a list of (name, value): *fields is malloc'ed, or NULL. */
static int flatten(PyObject *list, uint8_t **fields, size_t *size) {
    PyObject *headers = PySequence_Tuple(list); /* new; may run code of the application's */
    size_t room = 0;
    int failed = headers ? 0 : -1;
    for (Py_ssize_t i = 0; !failed && i < PyTuple_GET_SIZE(headers); i++) {
        wsgi_field field;
        failed = wsgi_field_parse(PyTuple_GET_ITEM(headers, i), &field);
        if (!failed)
            failed = wsgi_field_append(fields, size, &room, &field);
    }
    Py_XDECREF(headers);
    return failed;
}

/* early_hints(headers) */
static PyObject *call(PyObject *self, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    if (PyVectorcall_NARGS(nargsf) != 1 || (kwnames && PyTuple_GET_SIZE(kwnames) > 0)) {
        PyErr_SetString(PyExc_TypeError, "wsgi.early_hints takes a list of (name, value)");
        return NULL;
    }
    uint8_t *fields = NULL;
    size_t size = 0;
    int failed = flatten(args[0], &fields, &size);
    wsgi_request *req = failed ? NULL : wsgi_enter(self);
    if (req) {
        bool wanted = size > 0 && size <= MOST && !req->response.begun && !gowsgi_forked;
        if (wanted)
            failed = queue(&req->response, fields, (uint32_t)size);
        wsgi_wire *wire = req->wire;
        uint64_t generation = req->generation;
        wsgi_leave(req, wanted && !wire ? GOWSGI_OUTPUT : 0);
        if (wanted && wire)
            wire->leave(wire, generation);
        if (failed)
            PyErr_NoMemory();
    } else {
        failed = -1;
    }
    free(fields);
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
    uint8_t *hints = req->response.hints;
    *size = req->response.hints_size;
    __atomic_store_n(&req->response.hints, NULL, __ATOMIC_RELEASE);
    req->response.hints_size = 0;
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
    wsgi.early_hints_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return wsgi.early_hints_type ? 0 : -1;
}

PyObject *wsgi_early_hints_new(wsgi_request *req) {
    early_hints *self = (early_hints *)wsgi.early_hints_type->tp_alloc(wsgi.early_hints_type, 0);
    if (!self)
        return NULL;
    self->call = call;
    self->object.req = req;
    return (PyObject *)self;
}
