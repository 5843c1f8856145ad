/* The files that the loaded modules came from, for those who watch them. */
#include "start.h"

#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    char *text; /* each path with a NUL behind it; malloc'ed */
    size_t size;
} paths;

static int add(paths *list, PyObject *path) {
    PyObject *bytes = path && PyUnicode_Check(path) ? PyUnicode_EncodeFSDefault(path) : NULL; /* new */
    if (!bytes) {
        PyErr_Clear(); /* None, or a name that no file can have */
        return 0;
    }
    size_t size = (size_t)PyBytes_GET_SIZE(bytes);
    char *larger = realloc(list->text, list->size + size + 1);
    if (larger) {
        memcpy(larger + list->size, PyBytes_AS_STRING(bytes), size + 1);
        list->text = larger;
        list->size += size + 1;
    }
    Py_DECREF(bytes);
    if (larger)
        return 0;
    PyErr_NoMemory();
    return -1;
}

/* A package without __init__.py has nothing but folders. The file that each of
 * them lacks stands for it, so that what comes into the folder is noticed. */
static int add_folders(paths *list, PyObject *path) {
    PyObject *folders = PySequence_List(path); /* new */
    if (!folders) {
        PyErr_Clear();
        return 0;
    }
    int failed = 0;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(folders); i++) {
        PyObject *folder = PyList_GET_ITEM(folders, i); /* borrowed */
        if (!PyUnicode_Check(folder))
            continue;
        PyObject *file = PyUnicode_FromFormat("%U/__init__.py", folder); /* new */
        failed = add(list, file);
        Py_XDECREF(file);
    }
    Py_DECREF(folders);
    return failed;
}

static int add_module(paths *list, PyObject *dict) {
    PyObject *file = PyDict_GetItemString(dict, "__file__"); /* borrowed */
    if (file && file != Py_None)
        return add(list, file);
    PyObject *path = PyDict_GetItemString(dict, "__path__"); /* borrowed */
    if (!path)
        return 0;
    Py_INCREF(path); /* it is Python that is asked */
    int failed = add_folders(list, path);
    Py_DECREF(path);
    return failed;
}

/* os.__file__ tells where the standard library is, so it comes first. Modules'
 * dicts are read directly: some modules import others when they are asked for an
 * attribute. */
static int collect(paths *list) {
    PyObject *os = PyImport_ImportModule("os"); /* new */
    PyObject *file = os ? PyObject_GetAttrString(os, "__file__") : NULL; /* new */
    PyObject *modules = PyMapping_Values(PyImport_GetModuleDict()); /* new */
    int failed = !file || !modules || add(list, file) < 0 ? -1 : 0;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(modules); i++) {
        PyObject *module = PyList_GET_ITEM(modules, i); /* borrowed */
        if (PyModule_Check(module))
            failed = add_module(list, PyModule_GetDict(module));
    }
    Py_XDECREF(modules);
    Py_XDECREF(file);
    Py_XDECREF(os);
    return failed;
}

/* Does: lists __file__ of all modules, each with a NUL behind it; that of os
 *     comes first. Of a namespace package it is the __init__.py that is not there.
 * Memory: malloc'ed, the caller frees it.
 * GIL: held.
 * Fails: NULL with a Python exception set. */
char *gowsgi_modules(size_t *size) {
    paths list = {NULL, 0};
    if (collect(&list) < 0) {
        free(list.text);
        list = (paths){NULL, 0};
    }
    *size = list.size;
    return list.text;
}

/* ---- on the inspector ---- */

static void run(gowsgi_job *job) {
    gowsgi_modules_job *self = (gowsgi_modules_job *)job;
    self->text = gowsgi_modules(&self->size);
    PyErr_Clear();
}

static void clear(gowsgi_job *job) { free(((gowsgi_modules_job *)job)->text); }

/* Does: makes a job that calls gowsgi_modules.
 * Memory: as gowsgi_job_new.
 * GIL: either.
 * Fails: NULL if memory is short. */
gowsgi_modules_job *gowsgi_modules_new(void) { return gowsgi_job_new(sizeof(gowsgi_modules_job), run, clear); }
