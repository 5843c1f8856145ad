/* The response body on its way from the application to Go. */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

/* Blocks from this size on are borrowed instead of copied. */
enum { BORROW = 32 << 10 };

/* -1 if memory is short. */
static int grow(void **memory, size_t *room, size_t need, size_t element) {
    if (need <= *room)
        return 0;
    size_t larger = *room ? *room : 16;
    while (larger < need)
        larger *= 2;
    void *moved = realloc(*memory, larger * element);
    if (!moved)
        return -1;
    *memory = moved;
    *room = larger;
    return 0;
}

/* Adds bytes to the batch that is being filled. Copies that follow each other
 * form one segment, without a data pointer: the buffer may still move. -1 if memory
 * is short. Lock: held. */
static int add(wsgi_response *response, PyObject *bytes, size_t size) {
    wsgi_batch *batch = &response->batches[response->filling];
    const char *data = PyBytes_AS_STRING(bytes);
    bool borrow = size >= BORROW;
    wsgi_segment *last = batch->count ? &batch->segments[batch->count - 1] : NULL;
    bool extend = !borrow && last && !last->owner;
    if (!extend && grow((void **)&batch->segments, &batch->room, batch->count + 1, sizeof *last) < 0)
        return -1;
    if (borrow) {
        /* Room for every owner, so that gowsgi_request_take cannot fail. */
        size_t owners = response->released_count + 1;
        for (int i = 0; i < WSGI_BATCHES; i++)
            owners += response->batches[i].owners;
        if (grow((void **)&response->released, &response->released_room, owners, sizeof *response->released) < 0)
            return -1;
        batch->segments[batch->count++] = (wsgi_segment){(const uint8_t *)data, size, Py_NewRef(bytes)};
        batch->owners++;
    } else {
        if (grow((void **)&batch->copies, &batch->copies_room, batch->copied + size, 1) < 0)
            return -1;
        memcpy(batch->copies + batch->copied, data, size);
        batch->copied += size;
        if (extend)
            last->size += size;
        else
            batch->segments[batch->count++] = (wsgi_segment){NULL, size, NULL};
    }
    batch->size += size;
    return 0;
}

/* Empties a batch that Go has sent; the owners wait for somebody with the GIL.
 * Lock: held, or the request idle. */
static void release_batch(wsgi_response *response, wsgi_batch *batch) {
    for (size_t i = 0; i < batch->count && batch->owners; i++)
        if (batch->segments[i].owner) {
            response->released[response->released_count++] = batch->segments[i].owner;
            batch->owners--;
        }
    batch->count = batch->copied = batch->size = 0;
}

/* Takes owners of what was sent off the request, a few at a time: freeing them may
 * run code of the application, which lets go of the GIL. Lock: held. */
enum { FEW = 32 };
static size_t take_released(wsgi_response *response, PyObject *owners[FEW] /* new */) {
    size_t count = 0;
    while (count < FEW && response->released_count)
        owners[count++] = response->released[--response->released_count];
    return count;
}

static void free_owners(PyObject *owners[FEW] /* steals */, size_t count) {
    while (count)
        Py_DECREF(owners[--count]);
}

/* An iterator that outruns its client waits when half of response_buffer is in
 * the batch that is being filled; the other half is on its way to the client,
 * and Go comes back for this one: its bell has rung. Lock: held. */
static bool must_wait(const wsgi_request *req) {
    const wsgi_response *response = &req->response;
    return !response->aborted && response->batches[response->filling].size >= wsgi.response_buffer / 2;
}

static bool is_bytes(PyObject *block) {
    if (PyBytes_Check(block))
        return true;
    PyErr_Format(PyExc_TypeError, "the application produced a block of type %.100s; it must be bytes (PEP 3333)",
                 Py_TYPE(block)->tp_name);
    return false;
}

static int not_started(void) {
    PyErr_SetString(PyExc_AssertionError, "the application produced output before it called start_response (PEP 3333)");
    return WSGI_FAILED;
}

/* Adds as much of a block as Content-Length allows. Lock: held. WSGI_FAILED,
 * without an exception: memory is short. */
static int put(wsgi_request *req, PyObject *block) {
    wsgi_response *response = &req->response;
    size_t size = (size_t)PyBytes_GET_SIZE(block);
    if (response->aborted)
        return WSGI_GONE;
    if (response->head.content_length >= 0 && (int64_t)size > response->head.content_length - response->sent) {
        response->too_long = 1;
        size = (size_t)(response->head.content_length - response->sent);
    }
    if (size > 0 && !req->is_head && add(response, block, size) < 0)
        return WSGI_FAILED;
    response->sent += (int64_t)size;
    return response->too_long ? WSGI_ENOUGH : WSGI_MORE;
}

/* For HEAD: the first block is handed over without its bytes, so that the head goes
 * out; at the next one nobody wants more. An iterator is stopped there; write() gets
 * away with what a client might not have taken yet. Lock: held. */
static int put_for_head(wsgi_response *response, PyObject *block, bool due) {
    if (due)
        return PyBytes_GET_SIZE(block) && add(response, block, 0) < 0 ? WSGI_FAILED : WSGI_MORE;
    return (size_t)response->sent > wsgi.response_buffer ? WSGI_UNASKED : WSGI_ENOUGH;
}

static void ring(PyObject *write) {
    wsgi_request *req = wsgi_enter_quietly(write);
    if (req)
        wsgi_leave(req, GOWSGI_OUTPUT);
}

/* A block of the application's iterator, or of write(): both end here, and both as
 * if any thread had produced it. */
int wsgi_response_block(PyObject *write, PyObject *block) {
    if (!is_bytes(block))
        return WSGI_FAILED;
    bool empty = PyBytes_GET_SIZE(block) == 0;
    wsgi_request *req;
    for (;;) {
        if (gowsgi_forked) /* its parent answers; nobody would ever take a batch */
            return WSGI_GONE;
        if (!(req = wsgi_enter(write)))
            return WSGI_FAILED;
        if (empty || !must_wait(req))
            break;
        wsgi_leave(req, GOWSGI_OUTPUT); /* if its client is slow, somebody may put the batch aside */
        if (wsgi_wait(write, must_wait) < 0)
            return WSGI_FAILED;
    }
    wsgi_response *response = &req->response;
    if (!empty && response->head.status == 0) {
        wsgi_leave(req, 0);
        return not_started();
    }
    PyObject *owners[FEW];
    size_t count = take_released(response, owners), before = response->batches[response->filling].count;
    int result = put(req, block);
    if (req->is_head && result == WSGI_MORE)
        result = put_for_head(response, block, !response->begun);
    bool first = before == 0 && response->batches[response->filling].count > 0;
    response->begun |= response->sent > 0;
    wsgi_wire *wire = response->batches[response->filling].count ? req->wire : NULL;
    uint64_t generation = req->generation;
    wsgi_leave(req, first && !wire ? GOWSGI_OUTPUT : 0);
    if (wire && !wire->send(wire, generation) && first)
        ring(write);
    free_owners(owners, count);
    if (result == WSGI_FAILED)
        PyErr_NoMemory();
    return result;
}

/* A list or tuple is handed over whole: no bell before the end, no waiting for
 * the client. Its length is then known (PEP 3333, "Handling the Content-Length
 * Header"), and is so before Go may see the first block. */
int wsgi_response_list(PyObject *write, PyObject *blocks) {
    if (gowsgi_forked)
        return WSGI_GONE;
    int64_t size = 0;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(blocks); i++) {
        PyObject *block = PySequence_Fast_GET_ITEM(blocks, i); /* borrowed */
        if (!is_bytes(block))
            return WSGI_FAILED;
        size += PyBytes_GET_SIZE(block);
    }
    wsgi_request *req = wsgi_enter(write);
    if (!req)
        return WSGI_FAILED;
    wsgi_response *response = &req->response;
    bool started = response->head.status != 0 || size == 0;
    /* A HEAD request answered with an empty list says nothing about GET. */
    if (!response->begun && response->head.content_length < 0 && (size > 0 || !req->is_head))
        response->head.content_length = size;
    wsgi_leave(req, 0);
    if (!started)
        return not_started();
    int result = WSGI_MORE;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(blocks) && result == WSGI_MORE; i++) {
        if (!(req = wsgi_enter(write)))
            return WSGI_FAILED;
        result = put(req, PySequence_Fast_GET_ITEM(blocks, i) /* borrowed */);
        response->begun |= response->sent > 0;
        wsgi_leave(req, 0);
    }
    if (result == WSGI_FAILED)
        PyErr_NoMemory();
    return result;
}

/* What has been filled becomes `other`, which is emptied to be filled. Lock: held. */
static wsgi_batch *swap(wsgi_response *response, int32_t *other) {
    release_batch(response, &response->batches[*other]);
    int32_t filled = response->filling;
    response->filling = *other;
    *other = filled;
    return &response->batches[filled];
}

/* Does: hands what was produced so far to Go and turns to the other batch.
 * Memory: the batch returned, and the batch before, stay the request's; the
 *     one returned is Go's to read until it takes again.
 * GIL: either.
 * Fails: never; the batch may be empty. */
wsgi_batch *gowsgi_request_take(wsgi_request *req) {
    wsgi_response *response = &req->response;
    pthread_mutex_lock(&req->lock);
    wsgi_batch *batch = swap(response, &response->sending);
    pthread_cond_broadcast(&req->changed);
    pthread_mutex_unlock(&req->lock);
    return batch;
}

/* Does: as gowsgi_request_take, if the application waits for its client or `last` says
 *     that the batch is its last one; but the batch that was taken before stays.
 * Memory: the batch returned stays the request's; it is Go's to read until it sets
 *     another one aside.
 * GIL: either.
 * Fails: never; NULL if the application need not be helped. */
wsgi_batch *gowsgi_request_set_aside(wsgi_request *req, int last) {
    wsgi_batch *batch = NULL;
    pthread_mutex_lock(&req->lock);
    if (last || must_wait(req)) {
        batch = swap(&req->response, &req->response.aside);
        pthread_cond_broadcast(&req->changed);
    }
    pthread_mutex_unlock(&req->lock);
    return batch;
}

/* Does: lets go of the bytes objects that the response was borrowed from.
 * Memory: no batch may be read any more.
 * GIL: held.
 * Fails: never. */
void gowsgi_request_release(gowsgi_task *task) {
    wsgi_response *response = &((wsgi_request *)task)->response;
    for (int i = 0; i < WSGI_BATCHES; i++)
        release_batch(response, &response->batches[i]);
    PyObject *owners[FEW];
    for (size_t count; (count = take_released(response, owners));)
        free_owners(owners, count);
}

/* Owners that are freed by the inspector: with the GIL, and without anybody who
 * waits. */
typedef struct {
    gowsgi_job job;
    PyObject **owners; /* malloc'ed, new */
    size_t count;
} shed;

static void free_shed(gowsgi_job *job) {
    shed *self = (shed *)job;
    free_owners(self->owners, self->count);
    free(self->owners);
}

/* Does: gives back what the response was made of, which is in a file by now.
 * Memory: the request is done, and no batch may be read any more.
 * GIL: either.
 * Fails: never; if memory is short, all stays until the request is released. */
void gowsgi_request_shed(wsgi_request *req) {
    wsgi_response *response = &req->response;
    shed *self = gowsgi_job_new(sizeof *self, free_shed, NULL);
    if (!self)
        return;
    for (int i = 0; i < WSGI_BATCHES; i++) {
        wsgi_batch *batch = &response->batches[i];
        release_batch(response, batch);
        free(batch->segments);
        free(batch->copies);
        *batch = (wsgi_batch){0};
    }
    self->owners = response->released;
    self->count = response->released_count;
    response->released = NULL;
    response->released_count = response->released_room = 0;
    gowsgi_pool_post(req->task.pool, &self->job);
}

/* Does: tells the application's thread that nobody reads or writes any more,
 *     unless the request was submitted anew since `generation`.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
void gowsgi_request_abort(wsgi_request *req, uint64_t generation) {
    pthread_mutex_lock(&req->lock);
    if (req->generation != generation) {
        pthread_mutex_unlock(&req->lock);
        return;
    }
    req->response.aborted = 1;
    req->body.ended = req->body.failed = 1;
    pthread_cond_broadcast(&req->changed);
    pthread_mutex_unlock(&req->lock);
}
