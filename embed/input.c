/* wsgi.input: PEP 3333, "Input and Error Streams". */
#include "wsgi.h"

#include <string.h>

/* read() of a body whose length is known allocates it at once up to this size;
 * beyond, what a client announced is not believed before it is there. */
enum { TRUSTED = 64 << 20, FIRST_GUESS = 64 << 10 };

typedef struct {
    PyObject_HEAD wsgi_request *req; /* NULL once the request has ended */
} input;

static PyObject *unsupported; /* io.UnsupportedOperation */

static wsgi_request *request_of(PyObject *self) {
    wsgi_request *req = ((input *)self)->req;
    if (!req)
        PyErr_SetString(PyExc_RuntimeError, "wsgi.input belongs to a request that has ended");
    return req;
}

/* ---- the ring ---- */

/* Waits, without the GIL, for the next sign of life from Go, and wakes Go's
 * reader if it sleeps. */
static void wait_for_body(wsgi_request *req, uint64_t generation) {
    Py_BEGIN_ALLOW_THREADS
    pthread_mutex_lock(&req->lock);
    bool wake = req->body_paused;
    req->body_paused = 0;
    if (wake) {
        pthread_mutex_unlock(&req->lock);
        gowsgi_pool_ring(&req->task, GOWSGI_INPUT);
        pthread_mutex_lock(&req->lock);
    }
    if (req->generation == generation && req->body_size == 0 && !req->body_ended && !wsgi_interrupt_wakes(req)) {
        req->body_awaited = 1;
        pthread_cond_wait(&req->changed, &req->lock);
        if (req->generation == generation)
            req->body_awaited = 0;
    }
    pthread_mutex_unlock(&req->lock);
    Py_END_ALLOW_THREADS
}

/* The bytes that wait in one piece, waiting for some if there are none. 0 at
 * the end of the body, -1 with an exception. No other thread takes them as
 * long as the caller keeps the GIL. */
static Py_ssize_t peek(PyObject *self, const uint8_t **data) {
    for (;;) {
        wsgi_request *req = request_of(self);
        if (!req)
            return -1;
        pthread_mutex_lock(&req->lock);
        size_t size = req->body_size;
        if (size > req->body_room - req->body_start)
            size = req->body_room - req->body_start;
        *data = req->body + req->body_start;
        bool ended = req->body_ended, failed = req->body_failed;
        uint64_t generation = req->generation;
        pthread_mutex_unlock(&req->lock);
        if (size > 0)
            return (Py_ssize_t)size;
        if (failed) {
            PyErr_SetString(PyExc_ConnectionError, "the request body ended early: the client has left, was too "
                                                   "slow, or sent more than limit_request_body");
            return -1;
        }
        if (ended)
            return 0;
        if (gowsgi_forked) {
            PyErr_SetString(PyExc_OSError, "a forked child cannot read the rest of the request body");
            return -1;
        }
        wait_for_body(req, generation);
        if (wsgi_interrupted(req) < 0 || PyErr_CheckSignals() < 0)
            return -1;
    }
}

static void consume(wsgi_request *req, size_t size) {
    pthread_mutex_lock(&req->lock);
    req->body_start += size;
    if (req->body_start == req->body_room && !req->body_whole)
        req->body_start = 0;
    req->body_size -= size;
    req->body_read += (int64_t)size;
    bool wake = req->body_paused && req->body_size <= req->body_room / 2;
    if (wake)
        req->body_paused = 0;
    pthread_mutex_unlock(&req->lock);
    if (wake)
        gowsgi_pool_ring(&req->task, GOWSGI_INPUT);
}

/* Does: the room for body bytes in one piece; 0 pauses the reader until
 *     GOWSGI_INPUT rings.
 * Memory: *data is the reader's to fill until gowsgi_request_feed.
 * GIL: either.
 * Fails: never. */
size_t gowsgi_request_space(wsgi_request *req, uint8_t **data) {
    pthread_mutex_lock(&req->lock);
    size_t end = req->body_start + req->body_size;
    size_t space = end < req->body_room ? req->body_room - end : req->body_room - req->body_size;
    if (end >= req->body_room)
        end -= req->body_room;
    *data = req->body + end;
    if (req->body_size == req->body_room)
        space = 0;
    req->body_paused = space == 0;
    pthread_mutex_unlock(&req->lock);
    return space;
}

/* Does: adds `size` bytes, which stand where gowsgi_request_space said, to the
 *     body; ended: nothing follows; failed: but something should have.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
void gowsgi_request_feed(wsgi_request *req, size_t size, int ended, int failed) {
    pthread_mutex_lock(&req->lock);
    req->body_size += size;
    req->body_ended |= (uint8_t)ended;
    req->body_failed |= (uint8_t)failed;
    pthread_cond_broadcast(&req->changed);
    pthread_mutex_unlock(&req->lock);
}

/* Does: tells how many bytes of the body the application has taken, and
 *     whether it waits for more.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
int64_t gowsgi_request_reading(wsgi_request *req, int *waiting) {
    pthread_mutex_lock(&req->lock);
    int64_t taken = req->body_read;
    *waiting = req->body_awaited;
    pthread_mutex_unlock(&req->lock);
    return taken;
}

/* ---- reading ---- */

/* Collects up to `want` bytes (-1: all), up to and with a newline if `line`. */
static PyObject *collect(PyObject *self, Py_ssize_t want, bool line) {
    wsgi_request *req = request_of(self);
    if (!req)
        return NULL;
    if (want < 0)
        want = PY_SSIZE_T_MAX;
    if (!line && req->body_whole && req->body_read == 0 && want >= req->body_length) {
        PyObject *whole;
        if (wsgi_body_take(req, &whole) < 0)
            return NULL;
        if (whole) {
            consume(req, (size_t)req->body_length);
            return whole;
        }
    }
    Py_ssize_t room = want < FIRST_GUESS || !line ? want : FIRST_GUESS;
    if (req->body_length >= 0 && room > req->body_length - req->body_read)
        room = (Py_ssize_t)(req->body_length - req->body_read);
    if (room > TRUSTED)
        room = req->body_length >= 0 && room <= TRUSTED ? room : FIRST_GUESS;
    if (line && req->body_whole) {
        const uint8_t *newline = room ? memchr(req->body + req->body_start, '\n', (size_t)room) : NULL;
        if (newline)
            room = newline - (req->body + req->body_start) + 1;
    }
    PyObject *result = PyBytes_FromStringAndSize(NULL, room); /* new */
    Py_ssize_t size = 0;
    bool complete = false;
    while (result && !complete && size < want) {
        if (size == room) {
            if (req->body_length >= 0 && req->body_read == req->body_length)
                break;
            room = room > want / 2 ? want : (room ? room * 2 : FIRST_GUESS);
            if (_PyBytes_Resize(&result, room) < 0)
                return NULL;
        }
        const uint8_t *data;
        Py_ssize_t there = peek(self, &data);
        if (there < 0)
            Py_CLEAR(result);
        if (there <= 0)
            break;
        if (there > room - size)
            there = room - size;
        if (line) {
            const uint8_t *newline = memchr(data, '\n', (size_t)there);
            if (newline) {
                there = newline - data + 1;
                complete = true;
            }
        }
        memcpy(PyBytes_AS_STRING(result) + size, data, (size_t)there);
        consume(req, (size_t)there);
        size += there;
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

/* ---- seeking, while the whole body is in memory ---- */

/* The request, if its body is all there; else UnsupportedOperation, from tell()
 * as well: who can tell is taken to be able to seek (Zope does). */
static wsgi_request *seekable_request_of(PyObject *self) {
    wsgi_request *req = request_of(self);
    if (req && !req->body_whole) {
        PyErr_SetString(unsupported, "the request body is larger than request_buffer: it cannot be sought in");
        return NULL;
    }
    return req;
}

static PyObject *input_tell(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    wsgi_request *req = seekable_request_of(self);
    return req ? PyLong_FromLongLong(req->body_read) : NULL;
}

static PyObject *input_seek(PyObject *self, PyObject *args) {
    long long offset;
    int whence = 0;
    if (!PyArg_ParseTuple(args, "L|i:seek", &offset, &whence))
        return NULL;
    wsgi_request *req = seekable_request_of(self);
    if (!req)
        return NULL;
    if (whence < 0 || whence > 2) {
        PyErr_Format(PyExc_ValueError, "whence must be 0, 1 or 2, not %d", whence);
        return NULL;
    }
    long long base = whence == 0 ? 0 : whence == 1 ? req->body_read : req->body_length;
    if (offset < 0 ? base + offset < 0 : offset > req->body_length) {
        if (offset < 0) {
            PyErr_SetString(PyExc_ValueError, "negative seek position");
            return NULL;
        }
        offset = req->body_length;
    }
    long long position = base + offset > req->body_length ? req->body_length : base + offset;
    pthread_mutex_lock(&req->lock);
    req->body_start = (size_t)position;
    req->body_size = (size_t)(req->body_length - position);
    req->body_read = position;
    pthread_mutex_unlock(&req->lock);
    return PyLong_FromLongLong(position);
}

static PyObject *input_seekable(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    wsgi_request *req = request_of(self);
    return req ? PyBool_FromLong(req->body_whole) : NULL;
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
    {"seekable", input_seekable, METH_NOARGS, "True if the whole body is in memory"},
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
        .basicsize = sizeof(input),
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
    input *self = (input *)wsgi.input_type->tp_alloc(wsgi.input_type, 0);
    if (self)
        self->req = req;
    return (PyObject *)self;
}

/* A thread of the application that still waits for the body wakes up, finds
 * the request gone, and gets its RuntimeError. */
void wsgi_input_expire(PyObject *self) {
    wsgi_request *req = ((input *)self)->req;
    ((input *)self)->req = NULL;
    pthread_mutex_lock(&req->lock);
    req->body_ended = req->body_failed = 1;
    pthread_cond_broadcast(&req->changed);
    pthread_mutex_unlock(&req->lock);
}
