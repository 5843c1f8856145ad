/* wsgi.errors: text for the server's log, a record for every write that ends a
 * line. */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    PyObject_HEAD wsgi_request *req; /* NULL once the request has ended */
    char *pending; /* the beginning of a line; malloc'ed */
    size_t size;
    const void *source; /* which record of logging it is of; only compared */
} errors;

static errors *stream_of(PyObject *self) {
    if (!((errors *)self)->req) {
        PyErr_SetString(PyExc_RuntimeError, "wsgi.errors belongs to a request that has ended");
        return NULL;
    }
    return (errors *)self;
}

/* Logs what is pending; source is the record of logging that it is, or NULL. The
 * GIL is let go meanwhile, so the text is taken off the object first. */
static void flush(errors *self, PyObject *source) {
    char *text = self->pending;
    size_t size = self->size;
    self->pending = NULL;
    self->size = 0;
    if (size > 0)
        wsgi_log_written(&(wsgi_record){.kind = WSGI_LOG_ERRORS, .req = self->req, .text = text, .size = size}, source);
    free(text);
}

static int append(errors *self, PyObject *text, PyObject *source) {
    if (source && source != self->source)
        flush(self, NULL); /* what was begun before it is not of this record */
    if (!stream_of((PyObject *)self)) /* the request has ended meanwhile */
        return -1;
    if (!PyUnicode_Check(text)) {
        PyErr_Format(PyExc_TypeError, "wsgi.errors takes str, not %.100s", Py_TYPE(text)->tp_name);
        return -1;
    }
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"); /* new */
    if (!bytes)
        return -1;
    size_t size = (size_t)PyBytes_GET_SIZE(bytes);
    char *larger = realloc(self->pending, self->size + size + 1);
    if (!larger) {
        Py_DECREF(bytes);
        PyErr_NoMemory();
        return -1;
    }
    self->source = source;
    memcpy(larger + self->size, PyBytes_AS_STRING(bytes), size);
    self->pending = larger;
    self->size += size;
    Py_DECREF(bytes);
    if (self->size > 0 && self->pending[self->size - 1] == '\n') {
        self->size--;
        flush(self, source);
    }
    return 0;
}

static int append_from(errors *self, PyObject *text) {
    PyObject *source = wsgi_log_writing(); /* new */
    int failed = append(self, text, source);
    Py_XDECREF(source);
    return failed;
}

static PyObject *errors_write(PyObject *self, PyObject *text) {
    errors *stream = stream_of(self);
    if (!stream || append_from(stream, text) < 0)
        return NULL;
    return PyLong_FromSsize_t(PyUnicode_GET_LENGTH(text));
}

static PyObject *errors_writelines(PyObject *self, PyObject *lines) {
    PyObject *iterator = PyObject_GetIter(lines); /* new */
    if (!iterator)
        return NULL;
    PyObject *line; /* new */
    int failed = 0;
    while (!failed && (line = PyIter_Next(iterator))) {
        errors *stream = stream_of(self);
        failed = !stream || append_from(stream, line) < 0;
        Py_DECREF(line);
    }
    Py_DECREF(iterator);
    if (PyErr_Occurred())
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *errors_flush(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    errors *stream = stream_of(self);
    if (!stream)
        return NULL;
    PyObject *source = wsgi_log_writing(); /* new */
    flush(stream, source);
    Py_XDECREF(source);
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
        self->req = req;
    return (PyObject *)self;
}

void wsgi_errors_flush(PyObject *self) {
    if (((errors *)self)->size > 0)
        flush((errors *)self, NULL);
}

void wsgi_errors_expire(PyObject *self) { ((errors *)self)->req = NULL; }
