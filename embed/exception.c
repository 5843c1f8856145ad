/* Turns the set exception into text. The only file that does. */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

static char *copy_text(PyObject *text, size_t *size) {
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"); /* new */
    if (!bytes)
        return NULL;
    *size = (size_t)PyBytes_GET_SIZE(bytes);
    char *copy = malloc(*size + 1);
    if (copy)
        memcpy(copy, PyBytes_AS_STRING(bytes), *size + 1);
    Py_DECREF(bytes);
    return copy;
}

/* traceback.format_exception, joined. */
static char *format(PyObject *type, PyObject *value, PyObject *traceback, size_t *size) {
    char *text = NULL;
    PyObject *lines = PyObject_CallFunctionObjArgs(wsgi.format_exception, type, value ? value : Py_None,
                                                   traceback ? traceback : Py_None, NULL); /* new */
    PyObject *empty = PyUnicode_FromStringAndSize(NULL, 0); /* new */
    PyObject *joined = lines && empty ? PyUnicode_Join(empty, lines) : NULL; /* new */
    if (joined)
        text = copy_text(joined, size);
    Py_XDECREF(joined);
    Py_XDECREF(empty);
    Py_XDECREF(lines);
    return text;
}

char *wsgi_exception_text(size_t *size) {
    *size = 0;
    PyObject *type, *value, *traceback; /* new */
    PyErr_Fetch(&type, &value, &traceback);
    if (!type)
        return NULL;
    PyErr_NormalizeException(&type, &value, &traceback);
    char *text = format(type, value, traceback, size);
    if (!text && wsgi.request_timeout && PyErr_ExceptionMatches(wsgi.request_timeout)) {
        PyErr_Clear(); /* the deadline came just now; once is enough */
        text = format(type, value, traceback, size);
    }
    if (!text) {
        /* The exception cannot be formatted (its __str__ raises, or memory is
         * short): its type at least. */
        PyErr_Clear();
        const char *name = PyExceptionClass_Check(type) ? PyExceptionClass_Name(type) : "exception";
        text = malloc(strlen(name) + 32);
        if (text)
            *size = (size_t)snprintf(text, strlen(name) + 32, "%s (cannot be formatted)\n", name);
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    PyErr_Clear(); /* what a destructor may have left */
    return text;
}
