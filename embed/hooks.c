/* gowsgi.on_worker_start and gowsgi.on_worker_stop: what the application wants done
 * in each worker, and not where it is loaded (a nursery may load it for all). */
#include "hooks.h"

#include "wsgi.h"

#include <stdlib.h>

static PyObject *starts, *stops; /* lists, or NULL: nothing yet */
static bool started; /* this worker has */

/* Returns function, as a decorator does. */
static PyObject *keep(PyObject **list, PyObject *function) {
    if (!PyCallable_Check(function))
        return PyErr_Format(PyExc_TypeError, "a hook is called, and %.100s cannot be", Py_TYPE(function)->tp_name);
    if (!*list && !(*list = PyList_New(0))) /* new, kept */
        return NULL;
    return PyList_Append(*list, function) < 0 ? NULL : Py_NewRef(function);
}

static PyObject *on_worker_start(PyObject *Py_UNUSED(module), PyObject *function) {
    if (!started)
        return keep(&starts, function);
    PyObject *done = PyObject_CallNoArgs(function); /* new */
    Py_XDECREF(done);
    return done ? Py_NewRef(function) : NULL;
}

static PyObject *on_worker_stop(PyObject *Py_UNUSED(module), PyObject *function) { return keep(&stops, function); }

static PyMethodDef methods[] = {
    {"on_worker_start", on_worker_start, METH_O,
     "on_worker_start(function): calls it in each worker before that serves; at once if this one has started"},
    {"on_worker_stop", on_worker_stop, METH_O,
     "on_worker_stop(function): calls it in each worker once that has served; the last one first"},
    {NULL, NULL, 0, NULL},
};

int wsgi_hooks_add(PyObject *module) { return PyModule_AddFunctions(module, methods); }

/* Does: calls what on_worker_start has collected, in order.
 * Memory: nothing changes hands.
 * GIL: held.
 * Fails: -1 with the exception of the first that raised. */
int gowsgi_hooks_start(void) {
    started = true;
    for (Py_ssize_t i = 0; starts && i < PyList_GET_SIZE(starts); i++) {
        PyObject *function = Py_NewRef(PyList_GET_ITEM(starts, i));
        PyObject *done = PyObject_CallNoArgs(function); /* new */
        Py_DECREF(function);
        if (!done)
            return -1;
        Py_DECREF(done);
    }
    return 0;
}

/* Does: calls what on_worker_stop has collected, the last one first, if
 *     gowsgi_hooks_start was called. What one raises is logged.
 * Memory: nothing changes hands.
 * GIL: held.
 * Fails: never. */
void gowsgi_hooks_stop(void) {
    for (Py_ssize_t i = started && stops ? PyList_GET_SIZE(stops) : 0; i-- > 0;) {
        PyObject *function = Py_NewRef(PyList_GET_ITEM(stops, i));
        PyObject *done = PyObject_CallNoArgs(function); /* new */
        Py_DECREF(function);
        if (done) {
            Py_DECREF(done);
            continue;
        }
        size_t size = 0;
        char *text = wsgi_exception_text(&size);
        if (text)
            wsgi_log(&(wsgi_record){.kind = WSGI_LOG_ERRORS, .text = text, .size = size});
        free(text);
    }
}
