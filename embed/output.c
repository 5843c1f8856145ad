/* sys.stdout and sys.stderr as part of the server's log.
 *
 * Each is an io.TextIOWrapper, as ever, that passes every write on at once to
 * an object of ours in place of its buffer. That one keeps the beginning of a
 * line for each thread by itself, so that lines of requests that print at the same
 * time are not mixed up. A write that ends a line makes a record of all that is
 * complete by then (a traceback that is written at once stays in one piece); so do
 * flush(), the end of the request and the end of the thread.
 *
 * In a forked child they write to the descriptors that they stand for.
 */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STREAMS = 2, LONGEST = 64 << 10 /* a line that is longer becomes several records */ };

static struct {
    PyObject *buffer;
    int kind, fd;
    const char *attribute, *name;
} streams[STREAMS] = {
    {NULL, WSGI_LOG_STDOUT, STDOUT_FILENO, "stdout", "<stdout>"},
    {NULL, WSGI_LOG_STDERR, STDERR_FILENO, "stderr", "<stderr>"},
};

/* The beginnings of lines that a thread has written. */
typedef struct {
    struct {
        char *text;
        size_t size;
        const void *source; /* which record of logging it is of; only compared */
    } begun[STREAMS];
} thread_lines;

static _Thread_local thread_lines *lines; /* malloc'ed; thread_ends frees it */
static pthread_key_t key;

static wsgi_record record_of(int stream, const char *text, size_t size) {
    return (wsgi_record){.kind = streams[stream].kind, .req = wsgi_running, .text = text, .size = size};
}

/* GIL: released; the thread has no Python thread state any more. */
static void thread_ends(void *arg) {
    thread_lines *left = arg;
    for (int i = 0; i < STREAMS; i++) {
        wsgi_record record = record_of(i, left->begun[i].text, left->begun[i].size);
        if (record.size > 0 && !gowsgi_forked)
            wsgi_log_detached(&record);
        free(left->begun[i].text);
    }
    free(left);
    lines = NULL;
}

static thread_lines *own_lines(void) {
    if (!lines && (lines = calloc(1, sizeof *lines)) && pthread_setspecific(key, lines) != 0) {
        free(lines);
        lines = NULL;
    }
    return lines;
}

/* Makes a record of the line that has begun; source is the record of logging that
 * it is, or NULL. The GIL is let go meanwhile, so the text is taken off the thread
 * first. */
static void flush(int stream, PyObject *source) {
    if (!lines || lines->begun[stream].size == 0)
        return;
    char *text = lines->begun[stream].text;
    wsgi_record record = record_of(stream, text, lines->begun[stream].size);
    lines->begun[stream].text = NULL;
    lines->begun[stream].size = 0;
    if (!gowsgi_forked) /* else it is the parent's line */
        wsgi_log_written(&record, source);
    free(text);
}

void wsgi_output_flush(void) {
    for (int i = 0; i < STREAMS; i++)
        flush(i, NULL);
}

static int append(int stream, const char *data, size_t size) {
    thread_lines *own = own_lines();
    char *larger = own ? realloc(own->begun[stream].text, own->begun[stream].size + size + 1) : NULL;
    if (!larger) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(larger + own->begun[stream].size, data, size);
    own->begun[stream].text = larger;
    own->begun[stream].size += size;
    return 0;
}

/* Up to the last newline, without it; 0 if there is none. */
static size_t complete(const char *data, size_t size) {
    while (size > 0 && data[size - 1] != '\n')
        size--;
    return size;
}

static int write_line(int stream, const char *data, size_t size, PyObject *source) {
    thread_lines *own = own_lines();
    if (source && own && source != own->begun[stream].source)
        flush(stream, NULL); /* what was begun before it is not of this record */
    if (own)
        own->begun[stream].source = source;
    size_t whole = complete(data, size);
    if (whole > 0) {
        if (append(stream, data, whole - 1) < 0)
            return -1;
        flush(stream, source);
    }
    if (whole < size && append(stream, data + whole, size - whole) < 0)
        return -1;
    if (lines && lines->begun[stream].size >= LONGEST)
        flush(stream, source);
    return 0;
}

static int write_in_child(int stream, const char *data, size_t size) {
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = wsgi_write_in_child(streams[stream].fd, data, size);
    Py_END_ALLOW_THREADS
    if (failed)
        PyErr_SetFromErrno(PyExc_OSError);
    return failed;
}

/* ---- the object in place of a buffer ---- */

static int stream_of(PyObject *self) { return self == streams[1].buffer; }

static PyObject *output_write(PyObject *self, PyObject *bytes) {
    Py_buffer data;
    if (PyObject_GetBuffer(bytes, &data, PyBUF_SIMPLE) < 0)
        return NULL;
    int stream = stream_of(self);
    Py_ssize_t size = data.len;
    int failed;
    if (gowsgi_forked) {
        failed = write_in_child(stream, data.buf, (size_t)size);
    } else {
        PyObject *source = wsgi_log_writing(); /* new */
        failed = write_line(stream, data.buf, (size_t)size, source);
        Py_XDECREF(source);
    }
    PyBuffer_Release(&data);
    return failed ? NULL : PyLong_FromSsize_t(size);
}

static PyObject *output_flush(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    PyObject *source = wsgi_log_writing(); /* new */
    flush(stream_of(self), source);
    Py_XDECREF(source);
    Py_RETURN_NONE;
}

static PyObject *output_fileno(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    return PyLong_FromLong(streams[stream_of(self)].fd);
}

/* What is written here goes into a log, whatever the descriptor is. */
static PyObject *output_isatty(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(nothing)) { Py_RETURN_FALSE; }

static PyObject *output_writable(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(nothing)) { Py_RETURN_TRUE; }

static PyObject *output_name(PyObject *self, void *Py_UNUSED(closure)) {
    return PyUnicode_FromString(streams[stream_of(self)].name);
}

static PyObject *output_mode(PyObject *Py_UNUSED(self), void *Py_UNUSED(closure)) { return PyUnicode_FromString("wb"); }

static PyMethodDef methods[] = {
    {"write", output_write, METH_O, "write(bytes)"},
    {"flush", output_flush, METH_NOARGS, "logs the line that this thread has begun"},
    {"fileno", output_fileno, METH_NOARGS, "the descriptor that this stands for"},
    {"isatty", output_isatty, METH_NOARGS, "False: it is a log"},
    {"writable", output_writable, METH_NOARGS, "True"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef attributes[] = {
    {"name", output_name, NULL, NULL, NULL},
    {"mode", output_mode, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyObject *make_type(PyObject *io) {
    PyType_Slot slots[] = {{Py_tp_methods, methods}, {Py_tp_getset, attributes}, {0, NULL}};
    PyType_Spec spec = {.name = "gowsgi.Output", .flags = Py_TPFLAGS_DEFAULT, .slots = slots};
    PyObject *base = PyObject_GetAttrString(io, "BufferedIOBase"); /* new */
    PyObject *bases = base ? PyTuple_Pack(1, base) : NULL; /* new */
    PyObject *type = bases ? PyType_FromSpecWithBases(&spec, bases) : NULL; /* new */
    Py_XDECREF(bases);
    Py_XDECREF(base);
    return type;
}

static int replace(PyObject *io, PyObject *type, int stream) {
    streams[stream].buffer = PyObject_CallNoArgs(type); /* new, kept */
    PyObject *wrapper = PyObject_GetAttrString(io, "TextIOWrapper"); /* new */
    PyObject *args = streams[stream].buffer ? PyTuple_Pack(1, streams[stream].buffer) : NULL; /* new */
    PyObject *kwargs = Py_BuildValue("{sssssssO}", "encoding", "utf-8", "errors", "backslashreplace", "newline", "\n",
                                     "write_through", Py_True); /* new */
    PyObject *text = wrapper && args && kwargs ? PyObject_Call(wrapper, args, kwargs) : NULL; /* new */
    int failed = text ? PySys_SetObject(streams[stream].attribute, text) : -1;
    Py_XDECREF(text);
    Py_XDECREF(kwargs);
    Py_XDECREF(args);
    Py_XDECREF(wrapper);
    return failed;
}

/* Does: makes sys.stdout and sys.stderr, and logging without a configuration,
 *     write to the server's log.
 * Memory: nothing changes hands.
 * GIL: held.
 * Fails: -1 with a Python exception set. */
int gowsgi_capture_output(void) {
    if (pthread_key_create(&key, thread_ends) != 0) {
        PyErr_SetString(PyExc_OSError, "the system gives out no more keys for thread-specific data");
        return -1;
    }
    PyObject *io = PyImport_ImportModule("io"); /* new */
    PyObject *type = io ? make_type(io) : NULL; /* new */
    int failed = -1;
    if (type && replace(io, type, 0) == 0 && replace(io, type, 1) == 0)
        failed = wsgi_log_handler_install();
    Py_XDECREF(type);
    Py_XDECREF(io);
    return failed;
}
