#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

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
    req->response.file = -1;
    req->response.sending = 1;
    req->response.aside = 2;
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

/* All that a request has of its use before is forgotten here, but for its memory. */
static uint64_t begin(wsgi_request *req, const gowsgi_submission *submission) {
    wsgi_body *body = &req->body;
    wsgi_response *response = &req->response;
    req->is_head = (uint8_t)submission->is_head;
    req->result.outcome = WSGI_OK;
    wsgi_lock(req);
    req->waiting = 0;
    req->interruption = (wsgi_interruption){.possible = 1};
    body->start = 0;
    body->size = submission->body_size;
    body->length = submission->body_length;
    body->taken = 0;
    body->whole = body->ended = !submission->body_streams;
    body->paused = (uint8_t)submission->body_streams;
    body->failed = body->lost = body->in_one_go = 0;
    response->head.status = 0;
    response->head.content_length = -1;
    response->head.size = 0;
    response->head.count = 0;
    response->begun = response->too_long = response->aborted = 0;
    response->sent = 0;
    for (int i = 0; i < WSGI_BATCHES; i++)
        response->batches[i].count = response->batches[i].copied = response->batches[i].size = 0;
    req->application = submission->application < wsgi.application_count ? submission->application : 0;
    req->task.quota = wsgi.quotas[req->application];
    uint64_t generation = ++req->generation;
    req->block_size = submission->block_size;
    wsgi_unlock(req);
    return generation;
}

/* The block is nobody's to read any more: what another thread has said may be on its way
 * to the log, and asks what request that was when its memory is free, or another's. */
static void forget_block(wsgi_request *req) {
    wsgi_lock(req);
    req->block_size = 0;
    wsgi_unlock(req);
}

/* Whatever the application still has of the request is cut off. */
static void end(wsgi_request *req) {
    wsgi_objects_end(req);
    wsgi_body_end(req);
    wsgi_output_flush();
    forget_block(req);
}

/* Does: begins a request and queues it.
 * Memory: the request is C's until its task is done or cancelled.
 * GIL: either.
 * Fails: as gowsgi_pool_submit; the request is then Go's again. */
int gowsgi_request_submit(wsgi_request *req, gowsgi_submission submission) {
    return gowsgi_pool_submit(&req->task, begin(req, &submission), 0);
}

/* Does: copies as much of the environ block as there is room for, and tells the number
 *     of the application, if the request is still the one of that generation, and runs
 *     or waits.
 * Memory: copy is the caller's, of `room` bytes.
 * GIL: either.
 * Fails: returns the block's size; 0 if the request is another one, or over. */
size_t gowsgi_request_copy_block(wsgi_request *req, uint64_t generation, uint8_t *copy, size_t room,
                                 uint32_t *application) {
    pthread_mutex_lock(&req->lock);
    size_t size = req->generation == generation ? req->block_size : 0;
    if (size)
        memcpy(copy, req->block, size < room ? size : room);
    *application = req->application;
    pthread_mutex_unlock(&req->lock);
    return size;
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
        result = wsgi_response_block(req->objects.write, block);
        Py_DECREF(block);
    }
    if (PyErr_Occurred())
        result = WSGI_FAILED;
    Py_DECREF(iterator);
    return result == WSGI_FAILED ? -1 : 0;
}

static int deliver(wsgi_request *req, PyObject *result) {
    if (PyList_CheckExact(result) || PyTuple_CheckExact(result))
        return wsgi_response_list(req->objects.write, result) == WSGI_FAILED ? -1 : 0;
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
        req->result.close_error = wsgi_exception_text(&req->result.close_error_size);
    PyErr_Restore(type, value, traceback);
}

static bool is_aborted(wsgi_request *req) {
    wsgi_lock(req);
    bool aborted = req->response.aborted;
    wsgi_unlock(req);
    return aborted;
}

static int respond(wsgi_request *req) {
    if (wsgi_objects_prepare(req) < 0)
        return -1;
    PyObject *environ = wsgi_environ_new(req); /* new */
    if (!environ)
        return -1;
    PyObject *application = PyTuple_GET_ITEM(wsgi.applications, req->application); /* borrowed: it stays */
    PyObject *args[] = {NULL, environ, req->objects.start_response};
    PyObject *result = PyObject_Vectorcall(application, args + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL); /* new */
    int failed = -1;
    if (result) {
        failed = deliver(req, result);
        close_result(req, result);
        Py_DECREF(result);
    }
    Py_DECREF(environ);
    return failed;
}

/* The exception that is set becomes the request's. */
static void note_failure(wsgi_request *req) {
    req->result.outcome = WSGI_RAISED;
    req->result.error = wsgi_exception_text(&req->result.error_size);
}

/* Does: builds the environ, calls the application, drains what it returned.
 * Memory: the request stays Go's; what it now owns of Python's is in
 *     its batches and goes with gowsgi_request_release.
 * GIL: held.
 * Fails: into req->result.outcome and req->result.error; leaves no exception set. */
void gowsgi_request_run(gowsgi_task *task) {
    wsgi_request *req = (wsgi_request *)task;
    wsgi_running = req;
    wsgi_interrupt_enter(req);
    int failed = respond(req);
    wsgi_interrupt_leave(req);
    if (failed)
        note_failure(req);
    end(req);
    /* Not before: a thread of the application may have had the head in its hands. */
    if (!failed && req->response.head.status == 0 && !is_aborted(req)) {
        PyErr_SetString(PyExc_AssertionError, "the application did not call start_response (PEP 3333)");
        note_failure(req);
    }
    wsgi_running = NULL;
    if (req->wire && !gowsgi_forked)
        req->wire->finish(req->wire);
}
