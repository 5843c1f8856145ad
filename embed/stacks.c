/* The stacks of all Python threads, with the GIL: source lines and names
 * included. internal/crash/dump.c does it without. */
#include "start.h"

#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

static PyObject *current_frames, *active_threads, *extract_stack;
static PyObject *threading_file; /* str */

int wsgi_stacks_init(void) {
    PyObject *threading = PyImport_ImportModule("threading"); /* new */
    PyObject *traceback = PyImport_ImportModule("traceback"); /* new */
    PyObject *frames = PySys_GetObject("_current_frames"); /* borrowed */
    if (threading && traceback && frames) {
        current_frames = Py_NewRef(frames);
        /* By ident; read without threading's lock, which a stuck thread may
         * hold. */
        active_threads = PyObject_GetAttrString(threading, "_active"); /* new, kept */
        threading_file = PyObject_GetAttrString(threading, "__file__"); /* new, kept */
        extract_stack = PyObject_GetAttrString(traceback, "extract_stack"); /* new, kept */
    }
    Py_XDECREF(traceback);
    Py_XDECREF(threading);
    return active_threads && threading_file && extract_stack ? 0 : -1;
}

static char *name_of(PyObject *ident, size_t *size) {
    PyObject *thread = PyObject_GetItem(active_threads, ident); /* new */
    PyObject *name = thread ? PyObject_GetAttrString(thread, "name") : NULL; /* new */
    PyErr_Clear(); /* threads that Python did not start have none */
    char *text = wsgi_text_copy(name, size);
    Py_XDECREF(name);
    Py_XDECREF(thread);
    return text;
}

/* How every thread begins that threading has started says nothing. */
static int drop_threading(PyObject *summary) {
    Py_ssize_t n = 0, count = PySequence_Size(summary);
    int same = 1;
    for (; n < count && same > 0; n += same > 0) {
        PyObject *frame = PySequence_GetItem(summary, n); /* new */
        PyObject *file = frame ? PyObject_GetAttrString(frame, "filename") : NULL; /* new */
        same = file ? PyObject_RichCompareBool(file, threading_file, Py_EQ) : -1;
        Py_XDECREF(file);
        Py_XDECREF(frame);
    }
    return same < 0 || PySequence_DelSlice(summary, 0, n) < 0 ? -1 : 0;
}

/* As traceback.format_stack, joined. */
static char *text_of(PyObject *frame, size_t *size) {
    PyObject *joined = NULL;
    PyObject *summary = PyObject_CallOneArg(extract_stack, frame); /* new */
    if (summary && drop_threading(summary) == 0)
        joined = wsgi_text_join(PyObject_CallMethod(summary, "format", NULL)); /* new */
    char *text = joined ? wsgi_text_copy(joined, size) : wsgi_exception_text(size);
    Py_XDECREF(joined);
    Py_XDECREF(summary);
    return text;
}

/* ---- the pool's threads ---- */

/* Does: tells what the first `count` threads of the pool do.
 * Memory: threads is the caller's.
 * GIL: either. Held, no thread leaves its request meanwhile.
 * Fails: never. */
void gowsgi_read_activity(gowsgi_pool *pool, gowsgi_activity *threads, int count) {
    gowsgi_pool_activity now;
    for (int i = 0; i < count && gowsgi_pool_read_thread(pool, i, &now); i++) {
        bool serves = now.task && now.task->run == gowsgi_request_run;
        threads[i] = (gowsgi_activity){now.ident, serves ? (int64_t)now.task->index : -1, now.generation};
    }
}

/* ---- on the inspector ---- */

static void run(gowsgi_job *job) {
    gowsgi_stacks_job *self = (gowsgi_stacks_job *)job;
    PyObject *frames = PyObject_CallNoArgs(current_frames); /* new */
    /* What the threads do is asked now, too: the GIL has not been let go. */
    gowsgi_read_activity(self->pool, self->threads, self->thread_count);
    if (frames)
        self->stacks = calloc((size_t)PyDict_GET_SIZE(frames) + 1, sizeof *self->stacks);
    PyObject *ident, *frame; /* borrowed */
    for (Py_ssize_t at = 0; self->stacks && PyDict_Next(frames, &at, &ident, &frame);) {
        gowsgi_stack *stack = &self->stacks[self->count++];
        stack->ident = PyLong_AsUnsignedLong(ident);
        stack->name = name_of(ident, &stack->name_size);
        stack->text = text_of(frame, &stack->text_size);
    }
    Py_XDECREF(frames);
    PyErr_Clear();
}

static void clear(gowsgi_job *job) {
    gowsgi_stacks_job *self = (gowsgi_stacks_job *)job;
    for (size_t i = 0; i < self->count; i++) {
        free(self->stacks[i].name);
        free(self->stacks[i].text);
    }
    free(self->stacks);
    free(self->threads);
}

/* Does: makes a job that takes the stacks of all threads that are inside
 *     Python, and what the pool's threads do at that moment (there may be none).
 * Memory: as gowsgi_job_new.
 * GIL: either.
 * Fails: NULL if memory is short. */
gowsgi_stacks_job *gowsgi_stacks_new(gowsgi_pool *pool, int thread_count) {
    gowsgi_stacks_job *self = gowsgi_job_new(sizeof *self, run, clear);
    if (!self)
        return NULL;
    self->pool = pool;
    self->threads = calloc((size_t)thread_count + 1, sizeof *self->threads);
    self->thread_count = thread_count;
    if (!self->threads) {
        gowsgi_job_free(&self->job);
        return NULL;
    }
    return self;
}

/* Does: frees a job that was not given to the pool, and what it holds.
 * Memory: the job's.
 * GIL: either.
 * Fails: never. */
void gowsgi_stacks_free(gowsgi_stacks_job *self) { gowsgi_job_free(&self->job); }
