/* The response body on its way from the application to Go. */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

/* Blocks from this size on are borrowed instead of copied. */
enum { BORROW = 32 << 10 };

static int grow(void **memory, size_t *room, size_t need, size_t element) {
    if (need <= *room)
        return 0;
    size_t larger = *room ? *room : 16;
    while (larger < need)
        larger *= 2;
    void *moved = realloc(*memory, larger * element);
    if (!moved) {
        PyErr_NoMemory();
        return -1;
    }
    *memory = moved;
    *room = larger;
    return 0;
}

/* Adds bytes to the batch that is being filled. Copies that follow each other
 * form one segment, whose data pointer is set when the batch is taken: the
 * buffer may still move. Lock: held. */
static int add(wsgi_request *req, PyObject *bytes, size_t size) {
    wsgi_batch *batch = &req->batches[req->filling];
    const char *data = PyBytes_AS_STRING(bytes);
    bool borrow = size >= BORROW;
    wsgi_segment *last = batch->count ? &batch->segments[batch->count - 1] : NULL;
    bool extend = !borrow && last && !last->owner;
    if (!extend && grow((void **)&batch->segments, &batch->room, batch->count + 1, sizeof *last) < 0)
        return -1;
    if (borrow) {
        /* Room for every owner, so that gowsgi_request_take cannot fail. */
        size_t owners = req->dropped_count + req->batches[0].owners + req->batches[1].owners + 1;
        if (grow((void **)&req->dropped, &req->dropped_room, owners, sizeof *req->dropped) < 0)
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
static void retire_batch(wsgi_request *req, wsgi_batch *batch) {
    for (size_t i = 0; i < batch->count && batch->owners; i++)
        if (batch->segments[i].owner) {
            req->dropped[req->dropped_count++] = batch->segments[i].owner;
            batch->owners--;
        }
    batch->count = batch->copied = batch->size = 0;
}

/* Frees what sent batches were borrowed from: one at a time, because freeing
 * runs without the lock. */
static void free_dropped(wsgi_request *req) {
    for (;;) {
        pthread_mutex_lock(&req->lock);
        PyObject *owner = req->dropped_count ? req->dropped[--req->dropped_count] : NULL;
        pthread_mutex_unlock(&req->lock);
        if (!owner)
            return;
        Py_DECREF(owner);
    }
}

/* An iterator that outruns its client waits when half of response_buffer is in
 * the batch that is being filled; the other half is on its way to the client,
 * and Go comes back for this one: its bell has rung. Lock: held. */
static bool must_wait(wsgi_request *req) {
    return !req->aborted && !gowsgi_forked && req->batches[req->filling].size >= wsgi.response_buffer / 2;
}

/* Waits, without the GIL, until the client has caught up. Returns 1 if there is
 * no client any more, 0 if there is, -1 with an exception set. */
static int wait_for_client(wsgi_request *req) {
    for (;;) {
        bool waiting, gone;
        Py_BEGIN_ALLOW_THREADS
        pthread_mutex_lock(&req->lock);
        while (must_wait(req) && !wsgi_interrupt_wakes(req))
            pthread_cond_wait(&req->changed, &req->lock);
        waiting = must_wait(req);
        gone = req->aborted;
        pthread_mutex_unlock(&req->lock);
        Py_END_ALLOW_THREADS
        if (wsgi_interrupted(req) < 0)
            return -1;
        if (!waiting)
            return gone;
    }
}

/* Checks a block against the contract. Returns how much of it may go out, -1
 * with an exception set. */
static Py_ssize_t admit(wsgi_request *req, PyObject *block) {
    if (!PyBytes_Check(block)) {
        PyErr_Format(PyExc_TypeError, "the application produced a block of type %.100s; it must be bytes (PEP 3333)",
                     Py_TYPE(block)->tp_name);
        return -1;
    }
    Py_ssize_t size = PyBytes_GET_SIZE(block);
    if (size == 0)
        return 0;
    if (req->status == 0) {
        PyErr_SetString(PyExc_AssertionError,
                        "the application produced output before it called start_response (PEP 3333)");
        return -1;
    }
    if (req->content_length >= 0 && size > req->content_length - req->sent) {
        req->too_long = 1;
        size = (Py_ssize_t)(req->content_length - req->sent);
    }
    return size;
}

int wsgi_response_block(wsgi_request *req, PyObject *block) {
    Py_ssize_t size = admit(req, block);
    if (size < 0)
        return -1;
    bool over = req->is_head && req->headers_sent; /* the head has gone out: nobody wants more */
    if (size == 0)
        return over || req->too_long || wsgi_is_aborted(req);
    req->headers_sent = 1;
    req->sent += size;
    if (over)
        return 1;
    if (req->is_head)
        size = 0; /* a block without bytes: the head is due */

    free_dropped(req);
    pthread_mutex_lock(&req->lock);
    bool wait = must_wait(req);
    pthread_mutex_unlock(&req->lock);
    int stop = wait ? wait_for_client(req) : 0;
    if (stop)
        return stop;
    pthread_mutex_lock(&req->lock);
    if (req->aborted) {
        pthread_mutex_unlock(&req->lock);
        return 1;
    }
    bool first = req->batches[req->filling].count == 0;
    int failed = add(req, block, (size_t)size);
    pthread_mutex_unlock(&req->lock);
    if (failed)
        return -1;
    if (first && !gowsgi_forked)
        gowsgi_pool_ring(&req->task, GOWSGI_OUTPUT);
    return req->too_long;
}

/* A list or tuple is handed over whole: no bell before the end, no waiting for
 * the client. Its length is then known (PEP 3333, "Handling the Content-Length
 * Header"). */
int wsgi_response_list(wsgi_request *req, PyObject *blocks) {
    bool fresh = !req->headers_sent;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(blocks); i++) {
        PyObject *block = PySequence_Fast_GET_ITEM(blocks, i); /* borrowed */
        Py_ssize_t size = admit(req, block);
        if (size < 0)
            return -1;
        req->sent += size;
        if (size > 0 && !req->is_head) {
            pthread_mutex_lock(&req->lock);
            int failed = add(req, block, (size_t)size);
            pthread_mutex_unlock(&req->lock);
            if (failed)
                return -1;
        }
        if (req->too_long)
            break;
    }
    /* A HEAD request answered with an empty list says nothing about GET. */
    if (fresh && req->content_length < 0 && (req->sent > 0 || !req->is_head))
        req->content_length = req->sent;
    return 0;
}

/* Does: hands what was produced so far to Go and turns to the other batch.
 * Memory: the batch returned, and the batch before, stay the request's; the
 *     one returned is Go's to read until it takes again.
 * GIL: either.
 * Fails: never; the batch may be empty. */
wsgi_batch *gowsgi_request_take(wsgi_request *req) {
    pthread_mutex_lock(&req->lock);
    retire_batch(req, &req->batches[1 - req->filling]);
    wsgi_batch *batch = &req->batches[req->filling];
    req->filling = 1 - req->filling;
    uint8_t *copies = batch->copies;
    for (size_t i = 0; i < batch->count; i++)
        if (!batch->segments[i].owner) {
            batch->segments[i].data = copies;
            copies += batch->segments[i].size;
        }
    pthread_cond_broadcast(&req->changed);
    pthread_mutex_unlock(&req->lock);
    return batch;
}

/* Does: lets go of the bytes objects that the response was borrowed from.
 * Memory: no batch may be read any more.
 * GIL: held.
 * Fails: never. */
void gowsgi_request_clean(gowsgi_task *task) {
    wsgi_request *req = (wsgi_request *)task;
    retire_batch(req, &req->batches[0]);
    retire_batch(req, &req->batches[1]);
    free_dropped(req);
    wsgi_body_drop(req);
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
    req->aborted = 1;
    req->body_ended = req->body_failed = 1;
    pthread_cond_broadcast(&req->changed);
    pthread_mutex_unlock(&req->lock);
}
