/* A request on its way through Python, in C memory. Go fills in the upper half,
 * submits `task`, and reads the lower half back.
 *
 * Requests are pooled by Go and never freed: an object of the application that
 * outlives its request can be recognised, never touch freed memory.
 *
 * Who may touch what:
 *   - while the task is idle or done, the request is Go's alone, without locks;
 *   - while it is queued or runs, `lock` guards the fields marked (lock), and
 *     everything else belongs to the thread that runs the task, GIL held.
 * `lock` is held for a few instructions; nobody waits for the GIL with it.
 */
#ifndef GOWSGI_EMBED_REQUEST_H
#define GOWSGI_EMBED_REQUEST_H

#include <Python.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "../gil/pool.h"

/* A piece of the response body. */
typedef struct {
    const uint8_t *data;
    size_t size;
    PyObject *owner; /* bytes object that holds data; NULL: data is a copy */
} wsgi_segment;

/* Pieces that go to the client together. Small ones are copied into one
 * buffer, large ones are borrowed from their bytes objects. */
typedef struct {
    wsgi_segment *segments;
    size_t count, room;
    uint8_t *copies;
    size_t copied, copies_room;
    size_t size; /* bytes of body in all segments */
    size_t owners; /* segments with an owner */
} wsgi_batch;

/* Status and header fields. */
typedef struct {
    uint8_t *fields; /* uint16 name size, uint32 value size, name, value; malloc'ed */
    size_t size, room;
    int32_t count;
    int32_t status; /* 0 until start_response was called */
    int64_t content_length; /* as declared or known, or -1 */
} wsgi_head;

/* How the application did. */
enum {
    WSGI_OK,
    WSGI_RAISED, /* an exception; `error` is its text */
};

typedef struct wsgi_request {
    gowsgi_task task;

    uint64_t generation; /* (lock) counts submits: tells late callers that they are */

    /* ---- in ---- */
    uint8_t *block; /* environ block, see package environ */
    size_t block_size, block_room;
    uint8_t is_head; /* HEAD: the body goes nowhere */

    /* The request body: a ring of body_room bytes in which `body_size` bytes
     * wait at `body_start`. A body that was read ahead just fills it. */
    uint8_t *body; /* in `spare` or `own`: body.c */
    size_t body_room;
    PyObject *spare; /* bytes object, NULL: none */
    size_t spare_size; /* of a spare that is kept */
    uint8_t *own; /* malloc'ed */
    size_t own_room;
    uint8_t body_taken; /* a large body was read in one go */
    uint8_t body_lost; /* with the memory that was too short to shorten it */
    size_t body_start, body_size; /* (lock) */
    int64_t body_read; /* (lock) bytes that the application took */
    int64_t body_length; /* Content-Length, or -1 if unknown */
    uint8_t body_whole; /* all of it was there from the start: can seek */
    uint8_t body_ended; /* (lock) nothing more will come */
    uint8_t body_failed; /* (lock) something should have come, but will not */
    uint8_t body_paused; /* (lock) Go's reader sleeps until GOWSGI_INPUT rings */

    /* ---- out ---- */
    int32_t outcome;
    wsgi_head head;
    uint8_t headers_sent; /* a block went out: start_response is too late */
    uint8_t too_long; /* the application produced more than it declared */
    uint8_t aborted; /* (lock) nobody reads the response any more */
    int64_t sent; /* bytes of body handed over */
    wsgi_batch batches[2]; /* (lock) one is filled while Go sends the other */
    int32_t filling; /* (lock) */
    PyObject **dropped; /* (lock) owners of what was sent, to be freed under the GIL */
    size_t dropped_count, dropped_room;
    int32_t file; /* descriptor to send after the batches, or -1; Go closes it */
    int64_t file_offset, file_size;
    char *error, *close_error; /* traceback text; malloc'ed, Go frees */
    size_t error_size, close_error_size;

    uint8_t interruptible; /* (lock) it has not left the application yet */
    unsigned long thread; /* (lock) Python's name for the thread that is in the application; 0: none */
    uint8_t interrupted; /* (lock) RequestTimeout was set in that thread, or is to be when it enters */

    pthread_mutex_t lock;
    pthread_cond_t changed; /* body bytes came, a batch was taken, aborted, ended */
    int32_t waiting; /* (lock) threads that wait for the client */

    /* The objects that the application gets, see object.c. */
    PyObject *start_response, *write, *input, *errors;
} wsgi_request;

/* ---- for Go ---- */

wsgi_request *gowsgi_request_new(void);
size_t gowsgi_request_space(wsgi_request *req, uint8_t **data);
void gowsgi_request_feed(wsgi_request *req, size_t size, int ended, int failed);
int64_t gowsgi_request_reading(wsgi_request *req, int *waiting);
wsgi_batch *gowsgi_request_take(wsgi_request *req);
void gowsgi_request_abort(wsgi_request *req, uint64_t generation);
void gowsgi_request_interrupt(wsgi_request *req, uint64_t generation);
int gowsgi_request_submit(wsgi_request *req, size_t block_size, int is_head);
int gowsgi_request_body(wsgi_request *req, size_t size);
int gowsgi_request_reserve(uint8_t **buffer, size_t *room, size_t size);
void gowsgi_request_run(gowsgi_task *task);
void gowsgi_request_clean(gowsgi_task *task);
void gowsgi_request_trim(wsgi_request *req);
void gowsgi_memory_trim(void);

#endif
