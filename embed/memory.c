/* What idle requests keep, and how it goes back. */
#include "wsgi.h"

#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

/* glibc takes a block from the system by itself from a size on, and gives back what
 * is free at the end of a heap, but moves both limits up to 32 and 64 MiB once such
 * blocks have been freed: each thread then keeps the largest body that it ever read.
 * Fixed, a block of 2 MiB costs its page faults each time; one of 1 MB does not. */
enum { MAPPED = 2 << 20, TRIMMED = 4 << 20 };

/* Whoever has set them in the environment knows better. */
void wsgi_memory_init(void) {
#ifdef __GLIBC__
    if (getenv("MALLOC_MMAP_THRESHOLD_") || getenv("MALLOC_TRIM_THRESHOLD_") || getenv("GLIBC_TUNABLES"))
        return;
    mallopt(M_MMAP_THRESHOLD, MAPPED);
    mallopt(M_TRIM_THRESHOLD, TRIMMED);
#endif
}

static void give_back(void *memory, size_t *room) {
    free(*(void **)memory);
    *(void **)memory = NULL;
    *room = 0;
}

/* Objects are freed by the inspector: with the GIL, and without anybody who waits. */
typedef struct {
    gowsgi_job job;
    PyObject *object; /* new */
} release;

static void run(gowsgi_job *job) { Py_CLEAR(((release *)job)->object); }

/* Does: gives back all memory that a request keeps for its next use.
 * Memory: the request is idle, and its batches hold nothing.
 * GIL: either.
 * Fails: never; a bytes object stays if memory is short. */
void gowsgi_request_release_memory(wsgi_request *req) {
    give_back(&req->block, &req->block_room);
    give_back(&req->body.own, &req->body.own_room);
    give_back(&req->response.head.fields, &req->response.head.room);
    give_back(&req->response.released, &req->response.released_room);
    for (int i = 0; i < WSGI_BATCHES; i++) {
        give_back(&req->response.batches[i].segments, &req->response.batches[i].room);
        give_back(&req->response.batches[i].copies, &req->response.batches[i].copies_room);
    }
    req->body.data = NULL;
    req->body.room = 0;
    release *self = req->body.spare ? gowsgi_job_new(sizeof *self, run, NULL) : NULL;
    if (!self)
        return;
    self->object = req->body.spare;
    req->body.spare = NULL;
    req->body.spare_size = 0;
    gowsgi_pool_post(req->task.pool, &self->job);
}

/* Does: has the C library give what is free back to the system.
 * Memory: nothing changes hands.
 * GIL: released: it takes milliseconds.
 * Fails: never; other libraries than glibc do it by themselves, or not at all. */
void gowsgi_memory_trim(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
