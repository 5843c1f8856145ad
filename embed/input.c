/* wsgi.input: PEP 3333, "Input and Error Streams". */
#include "wsgi.h"

#include <string.h>

/* read() of a body that streams allocates its length at once up to this size;
 * beyond, what a client announced is not believed before it is there. */
enum { TRUSTED = 64 << 20, FIRST_GUESS = 64 << 10 };

enum { PIECE = 64 << 10 }; /* is copied at once, under the lock */

static PyObject *unsupported; /* io.UnsupportedOperation */

/* ---- the ring ---- */

/* As wsgi_enter, if there is a body to be read. */
static wsgi_request *enter(PyObject *self) {
    wsgi_request *req = wsgi_enter(self);
    if (req && req->body.lost) {
        wsgi_leave(req, 0);
        PyErr_NoMemory();
        return NULL;
    }
    return req;
}

/* Lock: held. */
static bool is_dry(const wsgi_request *req) { return req->body.size == 0 && !req->body.ended; }

static bool has_more_in_file(const wsgi_body *body) { return body->file && body->taken < body->length; }

/* Takes off the ring what was read. Returns whom to wake. Lock: held. */
static uint32_t consume(wsgi_body *body, size_t size) {
    body->start += size;
    if (body->start == body->room && !body->whole)
        body->start = 0;
    body->size -= size;
    body->taken += (int64_t)size;
    if (!body->paused || body->size > body->room / 2)
        return 0;
    body->paused = 0;
    return GOWSGI_INPUT;
}

/* Copies what is there in one piece to `to`, up to `room` bytes, up to and with a
 * newline if `line`. Lock: held. */
static size_t copy(const wsgi_body *body, char *to, size_t room, bool line) {
    size_t size = body->size;
    if (size > body->room - body->start)
        size = body->room - body->start;
    if (size > room)
        size = room;
    if (size > PIECE)
        size = PIECE;
    const uint8_t *data = body->data + body->start;
    const uint8_t *newline = line && size ? memchr(data, '\n', size) : NULL;
    if (newline)
        size = (size_t)(newline - data) + 1;
    if (size)
        memcpy(to, data, size);
    return size;
}

/* Takes a piece of the body, waiting for one if there is none. 0 at its end, -1
 * with an exception. */
static Py_ssize_t take(PyObject *self, char *to, size_t room, bool line) {
    for (;;) {
        wsgi_request *req = enter(self);
        if (!req)
            return -1;
        size_t size = copy(&req->body, to, room, line);
        bool dry = is_dry(req), failed = req->body.failed,
             in_file = req->body.size == 0 && has_more_in_file(&req->body);
        uint32_t bells = size ? consume(&req->body, size) : 0;
        if (dry && req->body.paused) {
            req->body.paused = 0;
            bells = GOWSGI_INPUT;
        }
        wsgi_leave(req, bells);
        if (in_file) {
            Py_ssize_t n = wsgi_body_read_file(self, to, room, line);
            if (n != 0)
                return n;
            continue;
        }
        if (size)
            return (Py_ssize_t)size;
        if (failed) {
            PyErr_SetString(PyExc_ConnectionError, "the request body ended early: the client has left, was too "
                                                   "slow, or sent more than limit_request_body");
            return -1;
        }
        if (!dry)
            return 0;
        if (gowsgi_forked) {
            PyErr_SetString(PyExc_OSError, "a forked child cannot read the rest of the request body");
            return -1;
        }
        if (wsgi_wait(self, is_dry) < 0)
            return -1;
    }
}

/* ---- reading ---- */

/* How much to make room for: as much as is wanted and can come, if that is sure;
 * for a line, as much as it has. Lock: held. */
static Py_ssize_t guess(const wsgi_body *body, Py_ssize_t want, bool line) {
    Py_ssize_t room = line && want > FIRST_GUESS ? FIRST_GUESS : want;
    if (body->length >= 0 && room > body->length - body->taken)
        room = (Py_ssize_t)(body->length - body->taken);
    if (room > TRUSTED && !body->whole)
        room = FIRST_GUESS;
    if (line && body->whole && body->size > 0 && room > 0) {
        const uint8_t *rest = body->data + body->start; /* in one piece */
        const uint8_t *newline = memchr(rest, '\n', (size_t)room < body->size ? (size_t)room : body->size);
        if (newline)
            room = newline - rest + 1;
    }
    return room;
}

/* Makes a result that is full larger. False if that is not necessary, as the body
 * has been read, or with an exception and without result. */
static bool grow(PyObject *self, PyObject **result, Py_ssize_t want) {
    Py_ssize_t room = PyBytes_GET_SIZE(*result);
    wsgi_request *req = enter(self);
    if (!req) {
        Py_CLEAR(*result);
        return false;
    }
    bool at_end = req->body.length >= 0 && req->body.taken == req->body.length;
    wsgi_leave(req, 0);
    if (at_end)
        return false;
    room = room > want / 2 ? want : (room ? room * 2 : FIRST_GUESS);
    return _PyBytes_Resize(result, room) == 0;
}

/* Collects up to `want` bytes (-1: all), up to and with a newline if `line`. */
static PyObject *collect(PyObject *self, Py_ssize_t want, bool line) {
    if (want < 0)
        want = PY_SSIZE_T_MAX;
    wsgi_request *req = enter(self);
    if (!req)
        return NULL;
    PyObject *whole = NULL;
    int failed = 0;
    if (!line && req->body.whole && !req->body.file && req->body.taken == 0 && want >= req->body.length)
        failed = wsgi_body_take(req, &whole);
    if (whole)
        consume(&req->body, (size_t)req->body.length);
    Py_ssize_t room = guess(&req->body, want, line), size = 0;
    wsgi_leave(req, 0);
    if (whole || failed)
        return whole;
    PyObject *result = PyBytes_FromStringAndSize(NULL, room); /* new */
    while (result && size < want) {
        if (size == PyBytes_GET_SIZE(result) && !grow(self, &result, want))
            break;
        char *to = PyBytes_AS_STRING(result) + size;
        Py_ssize_t n = take(self, to, (size_t)(PyBytes_GET_SIZE(result) - size), line);
        if (n < 0)
            Py_CLEAR(result);
        if (n <= 0)
            break;
        size += n;
        if (line && to[n - 1] == '\n')
            break;
    }
    if (result && size < PyBytes_GET_SIZE(result))
        _PyBytes_Resize(&result, size);
    return result;
}

static int parse_size(const char *method, PyObject *const *args, Py_ssize_t nargs, Py_ssize_t *size) {
    *size = -1;
    if (nargs > 1) {
        PyErr_Format(PyExc_TypeError, "%s takes at most one argument", method);
        return -1;
    }
    if (nargs == 1 && args[0] != Py_None) {
        *size = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
        if (*size == -1 && PyErr_Occurred())
            return -1;
    }
    return 0;
}

static PyObject *input_read(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t size;
    return parse_size("read", args, nargs, &size) < 0 ? NULL : collect(self, size, false);
}

static PyObject *input_readline(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t size;
    return parse_size("readline", args, nargs, &size) < 0 ? NULL : collect(self, size, true);
}

static PyObject *input_readlines(PyObject *self, PyObject *const *args, Py_ssize_t nargs) {
    Py_ssize_t hint, total = 0;
    if (parse_size("readlines", args, nargs, &hint) < 0)
        return NULL;
    PyObject *lines = PyList_New(0); /* new */
    while (lines && (hint <= 0 || total < hint)) {
        PyObject *line = collect(self, -1, true); /* new */
        if (line && PyBytes_GET_SIZE(line) == 0) {
            Py_DECREF(line);
            break;
        }
        if (!line || PyList_Append(lines, line) < 0)
            Py_CLEAR(lines);
        else
            total += PyBytes_GET_SIZE(line);
        Py_XDECREF(line);
    }
    return lines;
}

static PyObject *input_next(PyObject *self) {
    PyObject *line = collect(self, -1, true); /* new */
    if (line && PyBytes_GET_SIZE(line) == 0)
        Py_CLEAR(line); /* no exception set: StopIteration */
    return line;
}

/* ---- seeking, if the whole body is there ---- */

/* As enter, if the body is all there; else UnsupportedOperation, from tell()
 * as well: who can tell is taken to be able to seek (Zope does). */
static wsgi_request *enter_seekable(PyObject *self) {
    wsgi_request *req = enter(self);
    if (req && !req->body.whole) {
        wsgi_leave(req, 0);
        PyErr_SetString(unsupported,
                        "the request body streams, being larger than request_spool: it cannot be sought in");
        return NULL;
    }
    return req;
}

static PyObject *input_tell(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    wsgi_request *req = enter_seekable(self);
    if (!req)
        return NULL;
    int64_t position = req->body.taken;
    wsgi_leave(req, 0);
    return PyLong_FromLongLong(position);
}

static PyObject *input_seek(PyObject *self, PyObject *args) {
    long long offset;
    int whence = 0;
    if (!PyArg_ParseTuple(args, "L|i:seek", &offset, &whence))
        return NULL;
    if (whence < 0 || whence > 2) {
        PyErr_Format(PyExc_ValueError, "whence must be 0, 1 or 2, not %d", whence);
        return NULL;
    }
    wsgi_request *req = enter_seekable(self);
    if (!req)
        return NULL;
    long long length = req->body.length, base = whence == 0 ? 0 : whence == 1 ? req->body.taken : length;
    long long position = offset > length - base ? length : base + offset;
    if (position >= 0) {
        /* What the ring has of a file is elsewhere in it. */
        req->body.start = req->body.file ? 0 : (size_t)position;
        req->body.size = req->body.file ? 0 : (size_t)(length - position);
        req->body.taken = position;
    }
    wsgi_leave(req, 0);
    if (position < 0) {
        PyErr_SetString(PyExc_ValueError, "negative seek position");
        return NULL;
    }
    return PyLong_FromLongLong(position);
}

static PyObject *input_seekable(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    wsgi_request *req = enter(self);
    if (!req)
        return NULL;
    bool whole = req->body.whole;
    wsgi_leave(req, 0);
    return PyBool_FromLong(whole);
}

static PyObject *input_readable(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(nothing)) { Py_RETURN_TRUE; }

/* The stream belongs to the server: closing it is not an error, and does
 * nothing. */
static PyObject *input_close(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(nothing)) { Py_RETURN_NONE; }

static PyMethodDef methods[] = {
    {"read", (PyCFunction)(void (*)(void))input_read, METH_FASTCALL, "read(size=-1): up to size bytes"},
    {"readline", (PyCFunction)(void (*)(void))input_readline, METH_FASTCALL, "readline(size=-1): one line"},
    {"readlines", (PyCFunction)(void (*)(void))input_readlines, METH_FASTCALL, "readlines(hint=-1): a list"},
    {"seek", input_seek, METH_VARARGS, "seek(offset, whence=0), if seekable()"},
    {"tell", input_tell, METH_NOARGS, "bytes read so far, if seekable()"},
    {"seekable", input_seekable, METH_NOARGS, "True if the whole body is there"},
    {"readable", input_readable, METH_NOARGS, "True"},
    {"close", input_close, METH_NOARGS, "does nothing"},
    {NULL, NULL, 0, NULL},
};

static void input_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

int wsgi_input_init(void) {
    PyType_Slot slots[] = {
        {Py_tp_dealloc, input_dealloc},
        {Py_tp_methods, methods},
        {Py_tp_iter, PyObject_SelfIter},
        {Py_tp_iternext, input_next},
        {0, NULL},
    };
    PyType_Spec spec = {
        .name = "gowsgi.Input",
        .basicsize = sizeof(wsgi_object),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    PyObject *io = PyImport_ImportModule("io"); /* new */
    if (!io)
        return -1;
    unsupported = PyObject_GetAttrString(io, "UnsupportedOperation"); /* new, kept */
    Py_DECREF(io);
    wsgi.input_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return unsupported && wsgi.input_type ? 0 : -1;
}

PyObject *wsgi_input_new(wsgi_request *req) {
    wsgi_object *self = (wsgi_object *)wsgi.input_type->tp_alloc(wsgi.input_type, 0);
    if (self)
        self->req = req;
    return (PyObject *)self;
}
