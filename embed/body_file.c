/* A request body that is in a file, because it is too large for memory and is to be
 * there before the application is called.
 *
 * It is read by pread(2), without the GIL and without the request's lock, since a
 * disk may be slow. Meanwhile the request may end, so whoever reads has a share in
 * the file: it is closed by who is the last to let go of it, and no other file can
 * have got its number. The file is nobody's else, so what is read of it at a place
 * is what there is; only the place may have been somebody else's meanwhile.
 *
 * In a forked child all this works as in the parent: neither has a position in the
 * file that the other could move.
 */
#include "wsgi.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Lines and small pieces come out of so much of the file, larger ones straight. */
enum { WINDOW = 64 << 10 };

struct wsgi_file {
    int fd;
    int32_t shares; /* atomic: the request's, and one for each read that is under way */
};

static wsgi_file *share(wsgi_file *file) {
    __atomic_add_fetch(&file->shares, 1, __ATOMIC_RELAXED);
    return file;
}

static void drop(wsgi_file *file) {
    if (__atomic_sub_fetch(&file->shares, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    close(file->fd);
    free(file);
}

/* Does: makes the file of that descriptor the request's body.
 * Memory: the descriptor is the request's, until gowsgi_request_drop_file.
 * GIL: either.
 * Fails: -1 if memory is short; the descriptor is still the caller's. */
int gowsgi_request_body_file(wsgi_request *req, int fd) {
    wsgi_file *file = malloc(sizeof *file);
    if (!file)
        return -1;
    *file = (wsgi_file){.fd = fd, .shares = 1};
    req->body.file = file;
    return 0;
}

/* Does: lets go of the file that the body is in, if it is in one.
 * Memory: it is closed as soon as nobody reads it.
 * GIL: either; closing a large file takes its time.
 * Fails: never. */
void gowsgi_request_drop_file(wsgi_request *req) {
    pthread_mutex_lock(&req->lock);
    wsgi_file *file = req->body.file;
    req->body.file = NULL;
    pthread_mutex_unlock(&req->lock);
    if (file)
        drop(file);
}

/* GIL: released while it reads. -1: errno says why. */
static ssize_t read_at(const wsgi_file *file, void *to, size_t size, int64_t at) {
    ssize_t n;
    Py_BEGIN_ALLOW_THREADS
    do
        n = pread(file->fd, to, size, (off_t)at);
    while (n < 0 && errno == EINTR);
    Py_END_ALLOW_THREADS
    return n;
}

static int fail(ssize_t n) {
    if (n < 0)
        PyErr_SetFromErrno(PyExc_OSError);
    else
        PyErr_SetString(PyExc_OSError, "the file that the request body was put into has become shorter");
    return -1;
}

/* Lock: held. */
static void put_into_ring(wsgi_body *body, uint8_t *window /* steals */, size_t room, size_t size) {
    free(body->own);
    body->own = body->data = window;
    body->own_room = body->room = room;
    body->start = 0;
    body->size = size;
}

Py_ssize_t wsgi_body_read_file(PyObject *input, char *to, size_t room, bool line) {
    wsgi_request *req = wsgi_enter(input);
    if (!req)
        return -1;
    int64_t at = req->body.taken, rest = req->body.length - at;
    bool again = !req->body.file || req->body.size > 0 || rest <= 0; /* another thread has read meanwhile */
    wsgi_file *file = again ? NULL : share(req->body.file);
    wsgi_leave(req, 0);
    if (again)
        return 0;
    bool straight = !line && room >= WINDOW;
    size_t size = straight ? room : WINDOW;
    if ((int64_t)size > rest)
        size = (size_t)rest;
    uint8_t *window = straight ? NULL : malloc(size);
    ssize_t n = -1;
    if (!straight && !window)
        PyErr_NoMemory();
    else if ((n = read_at(file, straight ? (void *)to : window, size, at)) <= 0)
        n = fail(n);
    else if (!(req = wsgi_enter(input)))
        n = -1;
    else {
        bool ours = req->body.file == file && req->body.size == 0 && req->body.taken == at;
        if (ours && straight) {
            req->body.taken += n;
        } else if (ours) {
            put_into_ring(&req->body, window, size, (size_t)n);
            window = NULL;
        }
        if (!ours || !straight)
            n = 0;
        wsgi_leave(req, 0);
    }
    drop(file);
    free(window);
    return n;
}
