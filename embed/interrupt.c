/* RequestTimeout: an exception that Go raises in the thread that runs a
 * request.
 *
 * Python delivers it between two bytecodes of that thread. It does not wake a
 * thread that waits inside C, so our own waits look for it (wsgi_wait);
 * other C code, a database driver's for example, must return first.
 *
 * It must not hit another request. The inspector sets it with the GIL and the
 * request's lock, if the request still runs; a request that ends takes back what
 * has not been delivered. Where greenlets share a thread, nobody could say which of
 * them it would hit: there it is not raised at all.
 */
#include "wsgi.h"

void wsgi_interrupt_enter(wsgi_request *req) {
    wsgi_lock(req);
    req->interruption.thread = PyThread_get_thread_ident();
    if (req->interruption.pending)
        PyThreadState_SetAsyncExc(req->interruption.thread, wsgi.request_timeout);
    wsgi_unlock(req);
}

static PyObject *nothing; /* lambda: None */

int wsgi_interrupt_init(void) {
    PyObject *globals = Py_BuildValue("{sO}", "__builtins__", PyEval_GetBuiltins()); /* new */
    nothing = globals ? PyRun_String("lambda: None", Py_eval_input, globals, globals) : NULL; /* new, kept */
    Py_XDECREF(globals);
    return nothing ? 0 : -1;
}

/* Takes back a RequestTimeout that this thread has not been hit by: it is hit in a
 * function of ours. PyThreadState_SetAsyncExc(…, NULL) would leave a note that there
 * is an exception to deliver, for good: all threads of CPython 3.11 then look for it
 * at each turn, and those that are traced do nothing else any more. False if there
 * was none. */
static bool withdraw(void) {
    if (PyThreadState_Get()->async_exc != wsgi.request_timeout)
        return false;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    Py_XDECREF(PyObject_CallNoArgs(nothing));
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    if (PyThreadState_Get()->async_exc == wsgi.request_timeout)
        PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), NULL);
    return true;
}

void wsgi_interrupt_leave(wsgi_request *req) {
    wsgi_lock(req);
    req->interruption.thread = 0;
    req->interruption.possible = 0;
    bool interrupted = req->interruption.pending;
    req->interruption.pending = 0;
    wsgi_unlock(req);
    if (interrupted)
        withdraw();
}

bool wsgi_interrupt_take(wsgi_request *req) {
    bool mine = req->interruption.pending && req->interruption.thread == PyThread_get_thread_ident();
    if (mine)
        req->interruption.pending = 0;
    return mine;
}

int wsgi_interrupt_raise(void) {
    /* Without one to take back, the application has had it already. */
    if (!withdraw())
        return 0;
    PyErr_SetNone(wsgi.request_timeout);
    return -1;
}

/* ---- on the inspector ---- */

typedef struct {
    gowsgi_job job;
    wsgi_request *req;
    uint64_t generation;
} interruption;

static void run(gowsgi_job *job) {
    wsgi_request *req = ((interruption *)job)->req;
    pthread_mutex_lock(&req->lock);
    if (req->generation == ((interruption *)job)->generation && req->interruption.possible &&
        !gowsgi_pool_has_hubs(req->task.pool)) {
        req->interruption.pending = 1;
        if (req->interruption.thread)
            PyThreadState_SetAsyncExc(req->interruption.thread, wsgi.request_timeout);
        pthread_cond_broadcast(&req->changed);
    }
    pthread_mutex_unlock(&req->lock);
}

/* Does: has RequestTimeout raised in the thread that runs the request, or will,
 *     unless it was submitted anew since `generation` or has ended. Does not
 *     wait.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never; nothing happens if memory is short. */
void gowsgi_request_interrupt(wsgi_request *req, uint64_t generation) {
    interruption *self = gowsgi_job_new(sizeof *self, run, NULL);
    if (!self)
        return;
    self->req = req;
    self->generation = generation;
    gowsgi_pool_post(req->task.pool, &self->job);
}
