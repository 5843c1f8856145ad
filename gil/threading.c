/* The pool's threads as Python's threading module knows them.
 *
 * They are threading.Thread objects, so that they have names in logs and
 * os.fork() works on them. They are started before the application is imported:
 * gevent.monkey.patch_all() and eventlet.monkey_patch() put greenlets in the place
 * of threads, and a pool of greenlets would wait for ever on the thread that made
 * them. So that nothing else changes for the application, it does not see them
 * while it is imported (both also take a process with other threads for one that
 * they come too late for); then each puts itself on the list, under the name that
 * threading has for it by now.
 */
#include <Python.h>

#include "queue.h"

static PyObject *begin(PyObject *capsule, PyObject *Py_UNUSED(nothing)) {
    pool_thread *self = PyCapsule_GetPointer(capsule, NULL);
    if (!self)
        return NULL;
    pool_thread_main(self);
    Py_RETURN_NONE;
}

/* No daemon: threads that the application starts inherit that, and are waited
 * for at the end as they would be elsewhere. This one has left by then. */
static PyObject *make_thread(pool_thread *self) {
    static PyMethodDef method = {"run", begin, METH_NOARGS, NULL};
    PyObject *thread = NULL, *kwargs = NULL, *none = NULL;
    PyObject *threading = PyImport_ImportModule("threading"); /* new */
    PyObject *type = threading ? PyObject_GetAttrString(threading, "Thread") : NULL; /* new */
    PyObject *capsule = PyCapsule_New(self, NULL, NULL); /* new */
    PyObject *function = capsule ? PyCFunction_New(&method, capsule) : NULL; /* new */
    if (type && function) {
        kwargs = Py_BuildValue("{sOsNsO}", "target", function, "name",
                               PyUnicode_FromFormat("gowsgi-%u", self->number + 1), "daemon", Py_False); /* new */
        none = PyTuple_New(0); /* new */
    }
    if (kwargs && none)
        thread = PyObject_Call(type, none, kwargs); /* new */
    Py_XDECREF(none);
    Py_XDECREF(kwargs);
    Py_XDECREF(function);
    Py_XDECREF(capsule);
    Py_XDECREF(type);
    Py_XDECREF(threading);
    return thread;
}

int pool_thread_start(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    self->thread = make_thread(self); /* new, kept */
    if (!self->thread)
        return -1;
    pthread_mutex_lock(&pool->lock);
    pool->alive++;
    pthread_mutex_unlock(&pool->lock);
    PyObject *started = PyObject_CallMethod(self->thread, "start", NULL); /* new */
    if (!started) {
        pthread_mutex_lock(&pool->lock);
        pool->alive--;
        pthread_mutex_unlock(&pool->lock);
        Py_CLEAR(self->thread);
        return -1;
    }
    Py_DECREF(started);
    return 0;
}

void pool_thread_join(pool_thread *self) {
    if (!self->thread)
        return;
    PyObject *joined = PyObject_CallMethod(self->thread, "join", NULL); /* new */
    if (!joined)
        PyErr_WriteUnraisable(self->thread);
    Py_XDECREF(joined);
    Py_CLEAR(self->thread);
}

void pool_thread_hide(pool_thread *self) {
    PyObject *threading = PyImport_ImportModule("threading"); /* new */
    PyObject *active = threading ? PyObject_GetAttrString(threading, "_active") : NULL; /* new */
    PyObject *ident = active ? PyObject_GetAttrString(self->thread, "ident") : NULL; /* new */
    if (!ident || PyObject_DelItem(active, ident) < 0)
        PyErr_WriteUnraisable(self->thread);
    Py_XDECREF(ident);
    Py_XDECREF(active);
    Py_XDECREF(threading);
}

/* What threading.settrace and setprofile ask for in threads that start, in one
 * that has started before they were called. */
static int take_hook(PyObject *threading, const char *get, const char *set) {
    PyObject *hook = PyObject_CallMethod(threading, get, NULL); /* new */
    int failed = hook ? 0 : -1;
    if (hook && hook != Py_None) {
        PyObject *function = PySys_GetObject(set); /* borrowed */
        PyObject *done = function ? PyObject_CallOneArg(function, hook) : NULL; /* new */
        failed = done ? 0 : -1;
        Py_XDECREF(done);
    }
    Py_XDECREF(hook);
    return failed;
}

void pool_thread_enrol(pool_thread *self) {
    PyObject *threading = PyImport_ImportModule("threading"); /* new */
    PyObject *active = threading ? PyObject_GetAttrString(threading, "_active") : NULL; /* new */
    PyObject *ident = active ? PyObject_CallMethod(threading, "get_ident", NULL) : NULL; /* new */
    if (!ident || PyObject_SetAttrString(self->thread, "_ident", ident) < 0 ||
        PyObject_SetItem(active, ident, self->thread) < 0 || take_hook(threading, "gettrace", "settrace") < 0 ||
        take_hook(threading, "getprofile", "setprofile") < 0)
        PyErr_WriteUnraisable(self->thread);
    Py_XDECREF(ident);
    Py_XDECREF(active);
    Py_XDECREF(threading);
}
