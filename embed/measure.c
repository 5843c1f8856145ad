/* What Python knows of its memory, for those who measure it. */
#include "start.h"

#include "wsgi.h"

static int64_t number_at(PyObject *dict, const char *key) {
    PyObject *value = PyDict_GetItemString(dict, key); /* borrowed */
    return value && PyLong_Check(value) ? PyLong_AsLongLong(value) : 0;
}

/* sys.getallocatedblocks(); 0 if it does not say. */
static int64_t allocated_blocks(void) {
    PyObject *function = PySys_GetObject("getallocatedblocks"); /* borrowed */
    PyObject *count = function ? PyObject_CallNoArgs(function) : NULL; /* new */
    int64_t blocks = count && PyLong_Check(count) ? PyLong_AsLongLong(count) : 0;
    Py_XDECREF(count);
    return blocks;
}

static void add_generations(gowsgi_measure_job *self) {
    PyObject *gc = PyImport_ImportModule("gc"); /* new */
    PyObject *stats = gc ? PyObject_CallMethod(gc, "get_stats", NULL) : NULL; /* new */
    if (stats && PyList_Check(stats)) {
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(stats) && i < GOWSGI_GENERATIONS; i++) {
            PyObject *of = PyList_GET_ITEM(stats, i); /* borrowed */
            if (!PyDict_Check(of))
                continue;
            self->generations[i][0] = number_at(of, "collections");
            self->generations[i][1] = number_at(of, "collected");
            self->generations[i][2] = number_at(of, "uncollectable");
            self->generation_count = (int)i + 1;
        }
    }
    Py_XDECREF(stats);
    Py_XDECREF(gc);
}

static void run(gowsgi_job *job) {
    gowsgi_measure_job *self = (gowsgi_measure_job *)job;
    self->blocks = allocated_blocks();
    add_generations(self);
    PyErr_Clear(); /* what could not be found out is 0 */
}

/* Does: makes a job that asks how many blocks are allocated, and what the garbage
 *     collector has done.
 * Memory: as gowsgi_job_new.
 * GIL: either.
 * Fails: NULL if memory is short. */
gowsgi_measure_job *gowsgi_measure_new(void) { return gowsgi_job_new(sizeof(gowsgi_measure_job), run, NULL); }
