/* Turns the set exception into text. The only file that does. */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

/* What traceback.format_exception gives, joined. */
static char *format(PyObject *type, PyObject *value, PyObject *traceback, size_t *size) {
    PyObject *text = wsgi_text_join(PyObject_CallFunctionObjArgs(wsgi.format_exception, type, value ? value : Py_None,
                                                                 traceback ? traceback : Py_None, NULL)); /* new */
    char *copy = text ? wsgi_text_copy(text, size) : NULL;
    Py_XDECREF(text);
    return copy;
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
