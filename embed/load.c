/* Loading the application: Python text that Go or a nursery holds
 * (internal/load) does it. */
#include "start.h"

#include "wsgi.h"

/* The name of the text's file and of its module: its frames are known by it. */
#define FILE_NAME "<gowsgi>"

PyObject *wsgi_run_text(const char *text, const char *function, const char *argument) {
    PyObject *code = NULL, *done = NULL, *result = NULL, *called; /* new; called is borrowed */
    PyObject *space = PyDict_New(); /* new */
    PyObject *name = PyUnicode_FromString(FILE_NAME); /* new */
    PyObject *value = PyUnicode_DecodeFSDefault(argument); /* new */
    if (space && name && value && PyDict_SetItemString(space, "__builtins__", PyEval_GetBuiltins()) == 0 &&
        PyDict_SetItemString(space, "__name__", name) == 0)
        code = Py_CompileString(text, FILE_NAME, Py_file_input);
    if (code)
        done = PyEval_EvalCode(code, space, space);
    if (done && (called = PyDict_GetItemString(space, function)))
        result = PyObject_CallOneArg(called, value);
    else if (done)
        PyErr_Format(PyExc_NameError, FILE_NAME " does not define %s", function);
    Py_XDECREF(done);
    Py_XDECREF(code);
    Py_XDECREF(value);
    Py_XDECREF(name);
    Py_XDECREF(space);
    return result;
}

/* Does: has the Python text of package load find the applications that targets
 *     names, which its function of that name returns as a tuple.
 * Memory: a new reference; text, function and targets stay the caller's.
 * GIL: held.
 * Fails: NULL with the text's Refused set, or another exception. */
PyObject *gowsgi_load(const char *text, const char *function, const char *targets) {
    return wsgi_run_text(text, function, targets);
}

/* Does: runs Python text of package load, and calls a function that it defines.
 * Memory: a new reference; all texts stay the caller's.
 * GIL: held.
 * Fails: NULL with the text's Refused set, or another exception. */
PyObject *gowsgi_ask(const char *text, const char *function, const char *argument) {
    return wsgi_run_text(text, function, argument);
}
