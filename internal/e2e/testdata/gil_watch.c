/* Preloaded: stands in front of the functions of CPython that Go calls by way of
 * cpy3, and says so if one is called by a thread that does not hold the GIL. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#define WATCHED(function, result, parameters, arguments)                                                               \
    result function parameters {                                                                                       \
        static result(*real) parameters;                                                                               \
        if (!real)                                                                                                     \
            *(void **)&real = dlsym(RTLD_NEXT, #function);                                                             \
        watch(#function);                                                                                              \
        return real arguments;                                                                                         \
    }

static void watch(const char *function) {
    static int (*initialized)(void), (*check)(void);
    if (!check) {
        *(void **)&initialized = dlsym(RTLD_DEFAULT, "Py_IsInitialized");
        *(void **)&check = dlsym(RTLD_DEFAULT, "PyGILState_Check");
    }
    if (initialized() && !check())
        fprintf(stderr, "without the GIL: %s\n", function);
    if (getenv("GIL_WATCH_TELLS"))
        fprintf(stderr, "watched: %s\n", function);
}

WATCHED(Py_IncRef, void, (void *object), (object))
WATCHED(Py_DecRef, void, (void *object), (object))
WATCHED(PyObject_GetAttrString, void *, (void *object, const char *name), (object, name))
WATCHED(PyObject_Call, void *, (void *object, void *args, void *kwargs), (object, args, kwargs))
WATCHED(PyUnicode_FromString, void *, (const char *text), (text))
WATCHED(PyImport_ImportModule, void *, (const char *name), (name))
WATCHED(PyErr_Clear, void, (void), ())
WATCHED(PyTuple_New, void *, (long size), (size))
WATCHED(PyDict_New, void *, (void), ())
