#include "wsgi.h"

#include <stdlib.h>

wsgi_process wsgi;
_Thread_local wsgi_request *wsgi_running;

static PyObject *name_close; /* "close" */

int wsgi_request_init(void) { return (name_close = PyUnicode_InternFromString("close")) ? 0 : -1; }

/* Does: makes a request, idle.
 * Memory: Go keeps it for good.
 * GIL: either.
 * Fails: NULL if memory is short. */
wsgi_request *gowsgi_request_new(void) {
    wsgi_request *req = calloc(1, sizeof *req);
    if (!req)
        return NULL;
    if (pthread_mutex_init(&req->lock, NULL) != 0) {
        free(req);
        return NULL;
    }
    if (pthread_cond_init(&req->changed, NULL) != 0) {
        pthread_mutex_destroy(&req->lock);
        free(req);
        return NULL;
    }
    req->file = -1;
    return req;
}

/* Does: makes *buffer at least `size` bytes large; what was in it is lost.
 * Memory: *buffer stays the request's.
 * GIL: either.
 * Fails: -1 if memory is short; the buffer is then as it was. */
int gowsgi_request_reserve(uint8_t **buffer, size_t *room, size_t size) {
    if (size <= *room)
        return 0;
    uint8_t *larger = malloc(size);
    if (!larger)
        return -1;
    free(*buffer);
    *buffer = larger;
    *room = size;
    return 0;
}

/* Does: forgets the response before and queues the request, whose block has
 *     block_size bytes.
 * Memory: the request is C's until its task is done or cancelled.
 * GIL: either.
 * Fails: as gowsgi_pool_submit; the request is then Go's again. */
int gowsgi_request_submit(wsgi_request *req, size_t block_size, int is_head) {
    pthread_mutex_lock(&req->lock);
    uint64_t generation = ++req->generation;
    req->aborted = req->interrupted = 0;
    req->waiting = 0;
    req->interruptible = 1;
    pthread_mutex_unlock(&req->lock);
    req->block_size = block_size;
    req->is_head = (uint8_t)is_head;
    req->outcome = WSGI_OK;
    req->head.status = 0;
    req->head.content_length = -1;
    req->head.size = 0;
    req->head.count = 0;
    req->headers_sent = req->too_long = 0;
    req->sent = 0;
    return gowsgi_pool_submit(&req->task, generation, 0);
}

static int iterate(wsgi_request *req, PyObject *iterable) {
    if (!Py_TYPE(iterable)->tp_iter && !PySequence_Check(iterable)) {
        PyErr_Format(PyExc_TypeError,
                     "the application returned %R, which is not an iterable of byte strings (PEP 3333)", iterable);
        return -1;
    }
    PyObject *iterator = PyObject_GetIter(iterable); /* new */
    if (!iterator)
        return -1;
    int result = WSGI_MORE;
    PyObject *block; /* new */
    while (result == WSGI_MORE && (block = PyIter_Next(iterator))) {
        result = wsgi_response_block(req->write, block);
        Py_DECREF(block);
    }
    if (PyErr_Occurred())
        result = WSGI_FAILED;
    Py_DECREF(iterator);
    return result == WSGI_FAILED ? -1 : 0;
}

static int deliver(wsgi_request *req, PyObject *result) {
    if (PyList_CheckExact(result) || PyTuple_CheckExact(result))
        return wsgi_response_list(req->write, result) == WSGI_FAILED ? -1 : 0;
    if (Py_TYPE(result) == wsgi.file_wrapper_type) {
        int sent = wsgi_file_wrapper_send(req, result);
        if (sent)
            return sent < 0 ? -1 : 0;
    }
    return iterate(req, result);
}

/* PEP 3333: "If the iterable returned by the application has a close() method,
 * the server must call that method upon completion of the current request",
 * however it ended. An exception that is already set stays the one reported. */
static void close_result(wsgi_request *req, PyObject *result) {
    if (PyList_CheckExact(result) || PyTuple_CheckExact(result))
        return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *close = PyObject_GetAttr(result, name_close); /* new */
    if (close) {
        PyObject *nothing = PyObject_CallNoArgs(close); /* new */
        Py_DECREF(close);
        Py_XDECREF(nothing);
    } else if (PyErr_ExceptionMatches(PyExc_AttributeError)) {
        PyErr_Clear();
    }
    if (PyErr_Occurred())
        req->close_error = wsgi_exception_text(&req->close_error_size);
    PyErr_Restore(type, value, traceback);
}

static bool is_aborted(wsgi_request *req) {
    wsgi_lock(req);
    bool aborted = req->aborted;
    wsgi_unlock(req);
    return aborted;
}

static int respond(wsgi_request *req) {
    if (wsgi_objects_prepare(req) < 0)
        return -1;
    PyObject *environ = wsgi_environ_new(req); /* new */
    if (!environ)
        return -1;
    PyObject *args[] = {NULL, environ, req->start_response};
    PyObject *result =
        PyObject_Vectorcall(wsgi.application, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL); /* new */
    int failed = -1;
    if (result) {
        failed = deliver(req, result);
        close_result(req, result);
        Py_DECREF(result);
    }
    Py_DECREF(environ);
    if (failed == 0 && req->head.status == 0 && !is_aborted(req)) {
        PyErr_SetString(PyExc_AssertionError, "the application did not call start_response (PEP 3333)");
        failed = -1;
    }
    return failed;
}

/* Does: builds the environ, calls the application, drains what it returned.
 * Memory: the request stays Go's; what it now owns of Python's is in
 *     batches[].owners and goes with gowsgi_request_clean.
 * GIL: held.
 * Fails: into req->outcome and req->error; leaves no exception set. */
void gowsgi_request_run(gowsgi_task *task) {
    wsgi_request *req = (wsgi_request *)task;
    wsgi_running = req;
    wsgi_interrupt_enter(req);
    int failed = respond(req);
    wsgi_interrupt_leave(req);
    if (failed) {
        req->outcome = WSGI_RAISED;
        req->error = wsgi_exception_text(&req->error_size);
    }
    wsgi_objects_end(req);
    wsgi_body_retire(req);
    wsgi_output_flush();
    wsgi_running = NULL;
}
