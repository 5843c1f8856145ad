/* Text out of Python. */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

char *wsgi_text_copy(PyObject *text, size_t *size) {
    *size = 0;
    PyObject *bytes =
        text && PyUnicode_Check(text) ? PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace") : NULL; /* new */
    char *copy = bytes ? malloc((size_t)PyBytes_GET_SIZE(bytes) + 1) : NULL;
    if (copy) {
        *size = (size_t)PyBytes_GET_SIZE(bytes);
        memcpy(copy, PyBytes_AS_STRING(bytes), *size + 1);
    }
    Py_XDECREF(bytes);
    PyErr_Clear();
    return copy;
}

PyObject *wsgi_text_join(PyObject *lines) {
    PyObject *empty = lines ? PyUnicode_FromStringAndSize(NULL, 0) : NULL; /* new */
    PyObject *joined = empty ? PyUnicode_Join(empty, lines) : NULL; /* new */
    Py_XDECREF(empty);
    Py_XDECREF(lines);
    return joined;
}

/* Does: what a str says, as UTF-8; what cannot be encoded as \udcff.
 * Memory: malloc'ed, the caller frees it.
 * GIL: held.
 * Fails: NULL if it is no str, or memory is short. */
char *gowsgi_text(PyObject *text, size_t *size) { return wsgi_text_copy(text, size); }
