/* The ring of a request body, as Go fills it; input.c reads it. */
#include "wsgi.h"

/* Does: the room for body bytes in one piece; 0 pauses the reader until
 *     GOWSGI_INPUT rings. 0 as well, if it rang although nobody asks for more.
 * Memory: *data is the reader's to fill until gowsgi_request_feed.
 * GIL: either.
 * Fails: never. */
size_t gowsgi_request_space(wsgi_request *req, uint8_t **data) {
    pthread_mutex_lock(&req->lock);
    if (req->body.paused) { /* the bell of a request before */
        pthread_mutex_unlock(&req->lock);
        return 0;
    }
    size_t end = req->body.start + req->body.size;
    size_t space = end < req->body.room ? req->body.room - end : req->body.room - req->body.size;
    if (end >= req->body.room)
        end -= req->body.room;
    *data = req->body.data + end;
    if (req->body.size == req->body.room)
        space = 0;
    req->body.paused = space == 0;
    pthread_mutex_unlock(&req->lock);
    return space;
}

/* Does: adds `size` bytes, which stand where gowsgi_request_space said, to the
 *     body; ended: nothing follows; failed: but something should have.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
void gowsgi_request_feed(wsgi_request *req, size_t size, int ended, int failed) {
    pthread_mutex_lock(&req->lock);
    req->body.size += size;
    req->body.ended |= (uint8_t)ended;
    req->body.failed |= (uint8_t)failed;
    pthread_cond_broadcast(&req->changed);
    pthread_mutex_unlock(&req->lock);
}

/* Does: tells how far the application has got, by the bytes of the body that it has
 *     taken and those of the response that it has produced, and whether it waits for
 *     its client to send or take more.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
int64_t gowsgi_request_progress(wsgi_request *req, int *waiting) {
    pthread_mutex_lock(&req->lock);
    int64_t progress = req->body.taken + req->response.sent;
    *waiting = req->waiting > 0;
    pthread_mutex_unlock(&req->lock);
    return progress;
}
