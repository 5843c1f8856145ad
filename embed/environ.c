/* The environ dict, from the block that package environ built. */
#include "wsgi.h"

#include "block.h"

/* Values up to this size are kept from one request to the next: methods, hosts,
 * user agents and the like repeat. */
enum { REMEMBER = 256 };

static struct {
    PyObject **names; /* interned, by key; names[0] is NULL */
    PyObject **last; /* the last value of each key, or NULL */
    unsigned count;
    PyObject *input, *errors, *early_hints, *queue_time, *multithread; /* "wsgi.input", … */
} keys;

static int set_default(const char *name, PyObject *value /* steals */) {
    if (!value)
        return -1;
    int failed = PyDict_SetItemString(wsgi.environ_template, name, value);
    Py_DECREF(value);
    return failed;
}

/* The template holds what no request changes, and places for what every
 * request sets: a dict that is copied while it is dense is copied at once, and
 * does not grow again. */
static int make_template(int multithread, int multiprocess, const char *software) {
    static const char *const always[] = {
        "REQUEST_METHOD",  "SCRIPT_NAME",      "PATH_INFO",         "QUERY_STRING",      "REQUEST_URI", "RAW_URI",
        "SERVER_NAME",     "SERVER_PORT",      "SERVER_PROTOCOL",   "REMOTE_ADDR",       "wsgi.input",  "wsgi.errors",
        "wsgi.url_scheme", "wsgi.early_hints", "gowsgi.request_id", "gowsgi.queue_time",
    };
    wsgi.environ_template = PyDict_New();
    if (!wsgi.environ_template)
        return -1;
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (set_default(always[i], Py_NewRef(Py_None)) < 0)
            return -1;
    if (set_default("wsgi.version", Py_BuildValue("(ii)", 1, 0)) < 0 ||
        set_default("wsgi.multithread", PyBool_FromLong(multithread)) < 0 ||
        set_default("wsgi.multiprocess", PyBool_FromLong(multiprocess)) < 0 ||
        set_default("wsgi.run_once", Py_NewRef(Py_False)) < 0 ||
        set_default("wsgi.input_terminated", Py_NewRef(Py_True)) < 0 ||
        set_default("wsgi.file_wrapper", Py_NewRef((PyObject *)wsgi.file_wrapper_type)) < 0 ||
        set_default("SERVER_SOFTWARE", PyUnicode_FromString(software)) < 0)
        return -1;
    return 0;
}

int wsgi_environ_init(const char *const *names, int count, int multithread, int multiprocess, const char *software) {
    keys.names = PyMem_Calloc((size_t)count, sizeof *keys.names);
    keys.last = PyMem_Calloc((size_t)count, sizeof *keys.last);
    if (!keys.names || !keys.last) {
        PyErr_NoMemory();
        return -1;
    }
    keys.count = (unsigned)count;
    for (int i = 1; i < count; i++)
        if (!(keys.names[i] = PyUnicode_InternFromString(names[i])))
            return -1;
    if (!(keys.input = PyUnicode_InternFromString("wsgi.input")) ||
        !(keys.errors = PyUnicode_InternFromString("wsgi.errors")) ||
        !(keys.early_hints = PyUnicode_InternFromString("wsgi.early_hints")) ||
        !(keys.queue_time = PyUnicode_InternFromString("gowsgi.queue_time")) ||
        !(keys.multithread = PyUnicode_InternFromString("wsgi.multithread")))
        return -1;
    return make_template(multithread, multiprocess, software);
}

/* A str whose code points are the bytes (PEP 3333, "Unicode Issues"). */
static PyObject *value_of(unsigned key, const char *data, size_t size) {
#ifndef Py_GIL_DISABLED
    if (key > 0 && size <= REMEMBER) {
        PyObject *last = keys.last[key];
        if (last && (size_t)PyUnicode_GET_LENGTH(last) == size && memcmp(PyUnicode_1BYTE_DATA(last), data, size) == 0)
            return Py_NewRef(last);
        PyObject *value = PyUnicode_DecodeLatin1(data, (Py_ssize_t)size, NULL); /* new */
        if (value)
            Py_XSETREF(keys.last[key], Py_NewRef(value));
        return value;
    }
#else
    (void)key;
#endif
    return PyUnicode_DecodeLatin1(data, (Py_ssize_t)size, NULL);
}

static int set_variable(PyObject *environ, const wsgi_entry *e) {
    PyObject *name = e->key ? Py_NewRef(keys.names[e->key])
                            : PyUnicode_DecodeLatin1(e->name, (Py_ssize_t)e->name_size, NULL); /* new */
    if (!name)
        return -1;
    int failed = -1;
    PyObject *value = value_of(e->key, e->value, e->value_size); /* new */
    if (value) {
        failed = PyDict_SetItem(environ, name, value);
        Py_DECREF(value);
    }
    Py_DECREF(name);
    return failed;
}

static int fill(PyObject *environ, const uint8_t *block, size_t size) {
    wsgi_entry e;
    int more;
    while ((more = wsgi_block_next(&block, &size, &e)) > 0 && e.key < keys.count)
        if (set_variable(environ, &e) < 0)
            return -1;
    if (more == 0)
        return 0;
    PyErr_SetString(PyExc_SystemError, "gowsgi: malformed environ block");
    return -1;
}

/* gowsgi.queue_time: seconds for which the request waited for this thread. */
static int set_queue_time(PyObject *environ, const gowsgi_task *task) {
    PyObject *seconds = PyFloat_FromDouble((double)(task->started_at - task->queued_at) / 1e9); /* new */
    if (!seconds)
        return -1;
    int failed = PyDict_SetItem(environ, keys.queue_time, seconds);
    Py_DECREF(seconds);
    return failed;
}

/* wsgi.multithread is whether the application may be called by another thread meanwhile
 * (PEP 3333): not one that has a single thread at a time. */
static int set_multithread(PyObject *environ, const wsgi_request *req) {
    if (!wsgi.alone[req->application])
        return 0;
    return PyDict_SetItem(environ, keys.multithread, Py_False);
}

PyObject *wsgi_environ_new(wsgi_request *req) {
    PyObject *environ = PyDict_Copy(wsgi.environ_template); /* new */
    if (!environ)
        return NULL;
    if (fill(environ, req->block, req->block_size) < 0 || PyDict_SetItem(environ, keys.input, req->objects.input) < 0 ||
        PyDict_SetItem(environ, keys.errors, req->objects.errors) < 0 ||
        PyDict_SetItem(environ, keys.early_hints, req->objects.early_hints) < 0 ||
        set_queue_time(environ, &req->task) < 0 || set_multithread(environ, req) < 0)
        Py_CLEAR(environ);
    return environ;
}
