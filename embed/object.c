/* What the application gets: start_response, write, wsgi.input, wsgi.errors and
 * wsgi.early_hints.
 * They belong to a request and serve the next one too, unless the application
 * kept a reference: then they are cut off, and it has them to itself.
 *
 * Any thread of the application may use them at any time. Whenever it lets go of
 * the GIL, and be it to free an object with a __del__, its request may end and the
 * memory may serve another. So the only way from an object to its request is
 * wsgi_enter, which finds out whether it is still there and keeps it so, by its
 * lock, until wsgi_leave; in between nobody lets go of the GIL.
 */
#include "wsgi.h"

#include <stdlib.h>

/* The request may end while this waits for the lock, but requests are never
 * freed. */
wsgi_request *wsgi_enter_quietly(PyObject *object) {
    wsgi_object *self = (wsgi_object *)object;
    wsgi_request *req = __atomic_load_n(&self->req, __ATOMIC_ACQUIRE);
    if (!req)
        return NULL;
    wsgi_lock(req);
    if (self->req)
        return req;
    wsgi_unlock(req);
    return NULL;
}

static const char *name_of(PyObject *object) {
    if (Py_TYPE(object) == wsgi.input_type)
        return "wsgi.input";
    if (Py_TYPE(object) == wsgi.errors_type)
        return "wsgi.errors";
    if (Py_TYPE(object) == wsgi.early_hints_type)
        return "wsgi.early_hints";
    return Py_TYPE(object) == wsgi.write_type ? "write" : "start_response";
}

wsgi_request *wsgi_enter(PyObject *object) {
    wsgi_request *req = wsgi_enter_quietly(object);
    if (!req)
        PyErr_Format(PyExc_RuntimeError, "%s belongs to a request that has ended", name_of(object));
    return req;
}

void wsgi_leave(wsgi_request *req, uint32_t bells) {
    wsgi_unlock(req);
    if (bells)
        gowsgi_pool_ring(&req->task, bells);
}

int wsgi_wait(PyObject *object, bool (*blocked)(const wsgi_request *req)) {
    wsgi_object *self = (wsgi_object *)object;
    bool interrupted = false;
    Py_BEGIN_ALLOW_THREADS
    wsgi_request *req = wsgi_enter_quietly(object);
    if (req) {
        req->waiting++;
        while (self->req && blocked(req) && !(interrupted = wsgi_interrupt_take(req)))
            pthread_cond_wait(&req->changed, &req->lock);
        if (self->req)
            req->waiting--;
        wsgi_unlock(req);
    }
    Py_END_ALLOW_THREADS
    if (interrupted && wsgi_interrupt_raise() < 0)
        return -1;
    return PyErr_CheckSignals();
}

/* ---- with the request ---- */

int wsgi_objects_prepare(wsgi_request *req) {
    if (!req->objects.start_response && !(req->objects.start_response = wsgi_start_response_new(req)))
        return -1;
    if (!req->objects.write && !(req->objects.write = wsgi_write_new(req)))
        return -1;
    if (!req->objects.early_hints && !(req->objects.early_hints = wsgi_early_hints_new(req)))
        return -1;
    if (!req->objects.input && !(req->objects.input = wsgi_input_new(req)))
        return -1;
    if (!req->objects.errors && !(req->objects.errors = wsgi_errors_new(req)))
        return -1;
    return 0;
}

/* Somebody else refers to it. A call that is under way does. */
static bool is_kept(PyObject *object) {
#ifdef Py_GIL_DISABLED
    (void)object;
    return true; /* who else has it cannot be told */
#else
    return Py_REFCNT(object) > 1;
#endif
}

/* All at once, without letting go of the GIL in between: what a thread of the
 * application does before belongs to this request, and afterwards it is late. Who
 * waits in one of the objects wakes up. */
void wsgi_objects_end(wsgi_request *req) {
    PyObject **objects[] = {&req->objects.start_response, &req->objects.write, &req->objects.early_hints,
                            &req->objects.input, &req->objects.errors};
    enum { OBJECTS = sizeof objects / sizeof *objects };
    PyObject *cut[OBJECTS]; /* new */
    size_t count = 0;
    wsgi_record last = {.kind = WSGI_LOG_ERRORS, .req = req};
    wsgi_lock(req);
    char *text = req->objects.errors ? wsgi_errors_take(req->objects.errors, &last.size) : NULL;
    for (size_t i = 0; i < OBJECTS; i++)
        if (*objects[i] && is_kept(*objects[i])) {
            __atomic_store_n(&((wsgi_object *)*objects[i])->req, NULL, __ATOMIC_RELEASE);
            cut[count++] = *objects[i];
            *objects[i] = NULL;
        }
    if (count)
        pthread_cond_broadcast(&req->changed);
    wsgi_unlock(req);
    last.text = text;
    if (last.size > 0)
        wsgi_log(&last);
    free(text);
    while (count)
        Py_DECREF(cut[--count]);
}
