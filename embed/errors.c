/* wsgi.errors: text for the server's log, a record for every write that ends a
 * line. */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    wsgi_object object;
    char *pending; /* (lock) the beginning of a line; malloc'ed */
    size_t size; /* (lock) */
    const void *source; /* (lock) which record of logging it is of; only compared */
} errors;

char *wsgi_errors_take(PyObject *self, size_t *size) {
    errors *stream = (errors *)self;
    char *text = stream->pending;
    *size = stream->size;
    stream->pending = NULL;
    stream->size = 0;
    return text;
}

/* Lock: held. -1 if memory is short. */
static int append(errors *self, PyObject *bytes) {
    size_t size = (size_t)PyBytes_GET_SIZE(bytes);
    char *larger = realloc(self->pending, self->size + size + 1);
    if (!larger)
        return -1;
    memcpy(larger + self->size, PyBytes_AS_STRING(bytes), size);
    self->pending = larger;
    self->size += size;
    return 0;
}

/* Lock: held. */
static bool is_line(const errors *self) { return self->size > 0 && self->pending[self->size - 1] == '\n'; }

/* Makes a record of what was taken off the object. The GIL is let go meanwhile. */
static void make_record(wsgi_record record, char *text /* frees */, PyObject *source) {
    record.text = text;
    if (record.size > 0)
        wsgi_log_written(&record, source);
    free(text);
}

/* Appends `bytes`, and makes a record of what is pending if that is a line or if
 * `flush`. `source` is the record of logging that they are of, or NULL: what was
 * begun before is then a record of its own. */
static int put(PyObject *self, PyObject *bytes, PyObject *source, bool flush) {
    errors *stream = (errors *)self;
    wsgi_request *req = wsgi_enter(self);
    if (!req)
        return -1;
    wsgi_record record = {.kind = WSGI_LOG_ERRORS, .req = req, .generation = req->generation}, before = record;
    char *text = NULL, *begun = NULL;
    if (bytes && source && source != stream->source)
        begun = wsgi_errors_take(self, &before.size);
    int failed = bytes ? append(stream, bytes) : 0;
    if (bytes)
        stream->source = source;
    bool line = is_line(stream);
    if (line || flush)
        text = wsgi_errors_take(self, &record.size);
    wsgi_leave(req, 0);
    if (line)
        record.size--;
    make_record(before, begun, NULL);
    make_record(record, text, source);
    if (failed)
        PyErr_NoMemory();
    return failed;
}

static int write_text(PyObject *self, PyObject *text) {
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "wsgi.errors takes str, not %.100s", Py_TYPE(text)->tp_name);
        return -1;
    }
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"); /* new */
    if (!bytes)
        return -1;
    PyObject *source = wsgi_log_writing(); /* new */
    int failed = put(self, bytes, source, false);
    Py_XDECREF(source);
    Py_DECREF(bytes);
    return failed;
}

static PyObject *errors_write(PyObject *self, PyObject *text) {
    return write_text(self, text) < 0 ? NULL : PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
}

static PyObject *errors_writelines(PyObject *self, PyObject *lines) {
    PyObject *iterator = PyObject_GetIter(lines); /* new */
    if (!iterator)
        return NULL;
    PyObject *line; /* new */
    int failed = 0;
    while (!failed && (line = PyIter_Next(iterator))) {
        failed = write_text(self, line);
        Py_DECREF(line);
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *errors_flush(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    PyObject *source = wsgi_log_writing(); /* new */
    int failed = put(self, NULL, source, true);
    Py_XDECREF(source);
    if (failed)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"write", errors_write, METH_O, "write(text)"},
    {"writelines", errors_writelines, METH_O, "writelines(lines)"},
    {"flush", errors_flush, METH_NOARGS, "logs what is pending"},
    {NULL, NULL, 0, NULL},
};

static void errors_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    free(((errors *)self)->pending);
    type->tp_free(self);
    Py_DECREF(type);
}

int wsgi_errors_init(void) {
    PyType_Slot slots[] = {{Py_tp_dealloc, errors_dealloc}, {Py_tp_methods, methods}, {0, NULL}};
    PyType_Spec spec = {
        .name = "gowsgi.Errors",
        .basicsize = sizeof(errors),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    wsgi.errors_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return wsgi.errors_type ? 0 : -1;
}

PyObject *wsgi_errors_new(wsgi_request *req) {
    errors *self = (errors *)wsgi.errors_type->tp_alloc(wsgi.errors_type, 0);
    if (self)
        self->object.req = req;
    return (PyObject *)self;
}
