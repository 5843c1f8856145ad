/* Which record of the module logging is just being written. Flask's and Django's
 * own handlers write to wsgi.errors and sys.stderr, where a text has no level; but
 * the frames of logging that write it know the record. */
#include "wsgi.h"

#include <frameobject.h>

enum { DEEPEST = 10 /* frames between logging and a stream: wrappers of it */ };

/* Code objects, once logging has been imported. */
static struct {
    PyObject *emit, *handle; /* both have the record as `record` */
    PyObject *handle_error; /* what it writes is about the record, and no record */
} code;

/* GIL: held. NULL without an exception if there is none. */
static PyObject *code_of(PyObject *logging, const char *type, const char *method) {
    PyObject *class = PyObject_GetAttrString(logging, type); /* new */
    PyObject *function = class ? PyObject_GetAttrString(class, method) : NULL; /* new */
    PyObject *found = function ? PyObject_GetAttrString(function, "__code__") : NULL; /* new */
    Py_XDECREF(function);
    Py_XDECREF(class);
    PyErr_Clear();
    return found;
}

static bool find_code(void) {
    if (code.handle_error)
        return true;
    PyObject *logging = PyDict_GetItemString(PyImport_GetModuleDict(), "logging"); /* borrowed */
    if (!logging)
        return false;
    Py_INCREF(logging);
    if (!code.emit)
        code.emit = code_of(logging, "StreamHandler", "emit"); /* kept */
    if (!code.handle)
        code.handle = code_of(logging, "Handler", "handle"); /* kept */
    if (code.emit && code.handle) /* else it is still being imported */
        code.handle_error = code_of(logging, "Handler", "handleError"); /* kept */
    Py_DECREF(logging);
    return code.handle_error;
}

static PyObject *record_in(PyFrameObject *frame) {
    PyObject *locals = PyObject_GetAttrString((PyObject *)frame, "f_locals"); /* new */
    PyObject *record = locals ? PyMapping_GetItemString(locals, "record") : NULL; /* new */
    Py_XDECREF(locals);
    PyErr_Clear();
    return record;
}

/* New reference; NULL, without an exception, if what is written comes from
 * elsewhere. */
PyObject *wsgi_log_writing(void) {
    if (!find_code())
        return NULL;
    PyObject *record = NULL;
    PyFrameObject *frame = PyEval_GetFrame(); /* borrowed */
    Py_XINCREF(frame);
    for (int depth = 0; frame && depth < DEEPEST; depth++) {
        PyObject *now = (PyObject *)PyFrame_GetCode(frame); /* new */
        Py_DECREF(now); /* the frame has it */
        if (now == code.handle_error)
            break;
        if (now == code.emit || now == code.handle) {
            record = record_in(frame);
            break;
        }
        PyFrameObject *back = PyFrame_GetBack(frame); /* new */
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return record;
}

/* Sets level and logger of r as a record of logging has them; *name holds the
 * logger's. -1 with an exception set. */
int wsgi_log_source(wsgi_record *r, PyObject *record, PyObject **name /* new */) {
    PyObject *level = PyObject_GetAttrString(record, "levelno"); /* new */
    PyObject *logger = PyObject_GetAttrString(record, "name"); /* new */
    int failed = -1;
    if (!level || !logger)
        goto done;
    if (!PyUnicode_Check(logger)) {
        PyErr_SetString(PyExc_TypeError, "a log record needs a name that is a str");
        goto done;
    }
    int number = (int)PyLong_AsLong(level);
    if (number == -1 && PyErr_Occurred())
        goto done;
    *name = PyUnicode_AsEncodedString(logger, "utf-8", "backslashreplace");
    if (!*name)
        goto done;
    r->level = number;
    r->logger = PyBytes_AS_STRING(*name);
    r->logger_size = (size_t)PyBytes_GET_SIZE(*name);
    failed = 0;
done:
    Py_XDECREF(logger);
    Py_XDECREF(level);
    return failed;
}

/* wsgi_log for a text that was written to a stream; source is wsgi_log_writing's,
 * or NULL. */
void wsgi_log_written(wsgi_record *r, PyObject *source) {
    PyObject *name = NULL; /* new */
    if (source && wsgi_log_source(r, source, &name) < 0)
        PyErr_Clear();
    wsgi_log(r);
    Py_XDECREF(name);
}
