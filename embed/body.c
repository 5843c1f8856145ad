/* The memory of a request body.
 *
 * An application that reads a large body in one go gets the very memory that
 * the client's bytes were read into: a bytes object that a Python thread had
 * made for it at the end of the request before (`spare`). Otherwise they are
 * copied out of memory of our own.
 */
#include "wsgi.h"

#include <stdlib.h>
#include <string.h>

/* Smaller bodies are copied: that costs less than it saves. For larger ones no
 * memory is kept (memory.go). */
enum { LARGE = 64 << 10, LARGEST = 2 << 20 };

/* The first `kept` bytes are to go along. -1 if memory is short. */
static int enlarge(wsgi_body *body, size_t size, size_t kept) {
    if (size <= body->room)
        return 0;
    uint8_t *larger = malloc(size);
    if (!larger)
        return -1;
    memcpy(larger, body->data, kept);
    free(body->own);
    body->own = body->data = larger;
    body->own_room = body->room = size;
    return 0;
}

/* Does: has `body` point to at least `size` bytes, of which the first `kept` are
 *     those that it pointed to before.
 * Memory: `body` stays the request's. It may be inside of `spare`, which nobody
 *     else refers to then.
 * GIL: either.
 * Fails: -1 if memory is short; what it pointed to is as it was. */
int gowsgi_request_body(wsgi_request *req, size_t size, size_t kept) {
    if (kept > 0)
        return enlarge(&req->body, size, kept);
    if (req->body.spare && (size_t)PyBytes_GET_SIZE(req->body.spare) >= size) {
        req->body.data = (uint8_t *)PyBytes_AS_STRING(req->body.spare);
        req->body.room = (size_t)PyBytes_GET_SIZE(req->body.spare);
        return 0;
    }
    if (gowsgi_request_reserve(&req->body.own, &req->body.own_room, size) < 0)
        return -1;
    req->body.data = req->body.own;
    req->body.room = req->body.own_room;
    return 0;
}

/* Does: gives back the memory that a request has for its body; a bytes object stays.
 * Memory: nobody reads the body, or writes it, any more.
 * GIL: either.
 * Fails: never. */
void gowsgi_request_free_body(wsgi_request *req) {
    free(req->body.own);
    req->body.own = req->body.data = NULL;
    req->body.own_room = req->body.room = 0;
}

static void forget_hash(PyObject *bytes) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    ((PyBytesObject *)bytes)->ob_shash = -1; /* as _PyBytes_Resize does */
#pragma GCC diagnostic pop
}

/* All of a body that is there and of which nothing was read yet: *whole is its
 * bytes object (new), or NULL if it has to be copied. */
int wsgi_body_take(wsgi_request *req, PyObject **whole) {
    *whole = NULL;
    if (req->body.length < LARGE)
        return 0;
    req->body.in_one_go = 1;
    if (!req->body.spare || Py_REFCNT(req->body.spare) > 1 ||
        req->body.data != (uint8_t *)PyBytes_AS_STRING(req->body.spare))
        return 0;
    Py_ssize_t size = (Py_ssize_t)req->body.length;
    if (size < PyBytes_GET_SIZE(req->body.spare) && _PyBytes_Resize(&req->body.spare, size) < 0) {
        /* It went with the memory; seek() must not lead back there. */
        req->body.data = NULL;
        req->body.start = req->body.room = req->body.size = 0;
        req->body.lost = 1;
        return -1;
    }
    forget_hash(req->body.spare);
    req->body.data = (uint8_t *)PyBytes_AS_STRING(req->body.spare); /* for seek() */
    req->body.room = (size_t)size;
    *whole = Py_NewRef(req->body.spare);
    return 0;
}

/* A spare that the application kept is its own, and if it took the body whole,
 * there is to be one for the next. */
static void prepare_spare(wsgi_request *req) {
#ifdef Py_GIL_DISABLED
    (void)req; /* who else has it cannot be told */
#else
    if (req->body.spare && Py_REFCNT(req->body.spare) > 1)
        Py_CLEAR(req->body.spare);
    if (!req->body.in_one_go || req->body.length > LARGEST ||
        (req->body.spare && PyBytes_GET_SIZE(req->body.spare) >= req->body.length))
        return;
    Py_XSETREF(req->body.spare, PyBytes_FromStringAndSize(NULL, (Py_ssize_t)req->body.length)); /* new */
    if (!req->body.spare) {
        PyErr_Clear(); /* then the next body is copied */
        return;
    }
    free(req->body.own);
    req->body.own = NULL;
    req->body.own_room = 0;
#endif
}

void wsgi_body_end(wsgi_request *req) {
    prepare_spare(req);
    req->body.spare_size = req->body.spare ? (size_t)PyBytes_GET_SIZE(req->body.spare) : 0;
}
