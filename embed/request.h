/* A request on its way through Python, in C memory. Go fills in the upper half,
 * submits `task`, and reads the lower half back.
 *
 * Requests are pooled by Go and never freed: an object of the application that
 * outlives its request can be recognised, never touch freed memory.
 *
 * Who may touch what:
 *   - while the task is idle or done, the request is Go's alone, without locks;
 *   - while it is queued or runs, `lock` guards the parts marked (lock), and
 *     everything else belongs to the thread that runs the task, GIL held. That
 *     thread may read without the lock what nobody else writes.
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
    /* uint16 name size, uint32 value size, name, value; malloc'ed. The first has no
     * name: it is the status's reason. */
    uint8_t *fields;
    size_t size, room;
    int32_t count;
    int32_t status; /* 0 until start_response was called */
    int64_t content_length; /* as declared or known, or -1 */
} wsgi_head;

/* A file that a body is in, see body_file.c. */
typedef struct wsgi_file wsgi_file;

/* The request body: a ring of `room` bytes in which `size` bytes wait at `start`. A
 * body that was read ahead just fills it, unless it is in `file`: then the ring has
 * the piece of it that is being read. body.c has its memory, ring.c how Go fills it,
 * input.c who reads it. (lock) */
typedef struct {
    uint8_t *data; /* in `spare` or `own` */
    size_t room;
    size_t start, size;
    int64_t length; /* Content-Length, or -1 if unknown */
    int64_t taken; /* bytes that the application took */
    wsgi_file *file; /* NULL: it is in memory, or streams */
    uint8_t whole; /* all of it was there from the start: can seek */
    uint8_t ended; /* nothing more will come */
    uint8_t failed; /* something should have come, but will not */
    uint8_t lost; /* with the memory that was too short to shorten it */
    uint8_t paused; /* Go's reader sleeps until GOWSGI_INPUT rings */
    uint8_t in_one_go; /* so a large one was read */

    PyObject *spare; /* bytes object, NULL: none */
    size_t spare_size; /* of a spare that is kept */
    uint8_t *own; /* malloc'ed */
    size_t own_room;
} wsgi_body;

/* What goes to the client. (lock) */
enum { WSGI_BATCHES = 3 };
typedef struct {
    wsgi_head head;
    uint8_t begun; /* a block is there for Go, which may read the head: nobody changes that any more */
    uint8_t too_long; /* the application produced more than it declared */
    uint8_t aborted; /* nobody reads it any more */
    int64_t sent; /* bytes of body handed over; for HEAD: that would have been */
    uint8_t *hints; /* early hints that wait to be sent, see early_hints.c; malloc'ed */
    size_t hints_size;
    wsgi_batch batches[WSGI_BATCHES]; /* one is filled while Go sends another, and puts the third into a file */
    int32_t filling, sending, aside; /* which is which */
    PyObject **released; /* owners of what was sent, to be freed under the GIL */
    size_t released_count, released_room;
    int32_t file; /* descriptor to send after the batches, or -1; Go closes it */
    int64_t file_offset, file_size;
} wsgi_response;

/* RequestTimeout, see interrupt.c. (lock) */
typedef struct {
    unsigned long thread; /* Python's name for the thread that is in the application; 0: none */
    uint8_t possible; /* it has not left the application yet */
    uint8_t pending; /* was set in that thread, or is to be when it enters */
} wsgi_interruption;

/* The objects that the application gets, see object.c. They belong to the thread
 * that runs the task, GIL held. */
typedef struct {
    PyObject *start_response, *write, *early_hints, *input, *errors;
} wsgi_objects;

/* How the application did. Of the thread that runs the task, then Go's. */
enum {
    WSGI_OK,
    WSGI_RAISED, /* an exception; `error` is its text */
};
typedef struct {
    int32_t outcome;
    char *error, *close_error; /* traceback text; malloc'ed, Go frees */
    size_t error_size, close_error_size;
} wsgi_result;

/* A way for a response to go out without Go: what a request that did not come from
 * there has. */
typedef struct wsgi_wire wsgi_wire;
struct wsgi_wire {
    /* The application has produced a block: sends what there is, on this thread. GIL:
     * held; it may be let go of meanwhile. False: the response is Go's, which has to
     * be told. */
    bool (*send)(wsgi_wire *wire, uint64_t generation);
    /* Makes the response Go's; nothing if it is already. GIL: held. */
    void (*leave)(wsgi_wire *wire, uint64_t generation);
    /* Both do nothing, and send is true, if the request is not that generation any more. */

    /* The application is done, and nobody but Go or this one has the request any more.
     * GIL: held; it may be let go of meanwhile. */
    void (*finish)(wsgi_wire *wire);
};

typedef struct wsgi_request {
    gowsgi_task task;
    wsgi_wire *wire; /* NULL: Go reads the response. Written while the task is idle or done */
    wsgi_wire *own_wire; /* what wire is, if it is not NULL: never freed, since a stray thread may be in it */

    uint32_t application; /* which it is for, of gowsgi_serve's; read only once it is queued */
    uint8_t *block; /* environ block, see package environ; read only once it is queued */
    size_t block_size, block_room;
    uint8_t is_head; /* HEAD: the body goes nowhere */

    pthread_mutex_t lock;
    pthread_cond_t changed; /* body bytes came, a batch was taken, aborted, ended */
    uint64_t generation; /* (lock) counts submits: tells late callers that they are */
    int32_t waiting; /* (lock) threads that wait for the client */
    wsgi_body body;
    wsgi_response response;
    wsgi_interruption interruption;

    wsgi_objects objects;
    wsgi_result result;
} wsgi_request;

/* What a request begins with. */
typedef struct {
    uint32_t application;
    size_t block_size;
    int is_head;
    size_t body_size; /* bytes of body that are there */
    int64_t body_length; /* -1: unknown */
    int body_streams; /* the rest is read when somebody asks for it; 0: there is none */
} gowsgi_submission;

/* ---- for Go ---- */

wsgi_request *gowsgi_request_new(void);
size_t gowsgi_request_space(wsgi_request *req, uint8_t **data);
void gowsgi_request_feed(wsgi_request *req, size_t size, int ended, int failed);
int64_t gowsgi_request_progress(wsgi_request *req, int *waiting);
wsgi_batch *gowsgi_request_take(wsgi_request *req);
wsgi_batch *gowsgi_request_set_aside(wsgi_request *req, int last);
void gowsgi_request_shed(wsgi_request *req);
uint8_t *gowsgi_request_hints(wsgi_request *req, size_t *size);
void gowsgi_request_abort(wsgi_request *req, uint64_t generation);
void gowsgi_request_interrupt(wsgi_request *req, uint64_t generation);
int gowsgi_request_submit(wsgi_request *req, gowsgi_submission submission);
int gowsgi_request_body(wsgi_request *req, size_t size, size_t kept);
void gowsgi_request_free_body(wsgi_request *req);
int gowsgi_request_body_file(wsgi_request *req, int fd);
void gowsgi_request_drop_file(wsgi_request *req);
size_t gowsgi_request_copy_block(wsgi_request *req, uint64_t generation, uint8_t *copy, size_t room,
                                 uint32_t *application);
int gowsgi_request_reserve(uint8_t **buffer, size_t *room, size_t size);
void gowsgi_request_run(gowsgi_task *task);
void gowsgi_request_release(gowsgi_task *task);
void gowsgi_request_release_memory(wsgi_request *req);
void gowsgi_memory_trim(void);

#endif
