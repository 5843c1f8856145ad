/* Where the application has put greenlets in the place of threads (gevent,
 * eventlet), each thread of the pool has a hub, an event loop that greenlets which
 * wait come back through. It runs only while its thread waits in a function that
 * the library has replaced. So an idle thread of the pool waits in one, select(),
 * for its own doorbell: greenlets that a request has left behind go on, and what
 * it has released for greenlets of other threads gets there.
 */
#include <Python.h>

#include "queue.h"

#include <fcntl.h>

static PyObject *get_select(void) {
    PyObject *module = PyImport_ImportModule("select"); /* new */
    PyObject *function = module ? PyObject_GetAttrString(module, "select") : NULL; /* new */
    Py_XDECREF(module);
    if (!function)
        PyErr_Clear();
    return function;
}

/* A thread without one waits as ever. */
static void make_doorbell(pool_thread *thread) {
    int ends[2];
    if (pipe(ends) != 0)
        return;
    for (int i = 0; i < 2; i++) {
        fcntl(ends[i], F_SETFD, FD_CLOEXEC);
        fcntl(ends[i], F_SETFL, O_NONBLOCK);
    }
    thread->doorstep = ends[0];
    thread->doorbell = ends[1];
}

void pool_hub_remember(gowsgi_pool *pool) { pool->select = get_select(); /* kept */ }

void pool_hub_look(gowsgi_pool *pool) {
    PyObject *now = get_select(); /* new */
    bool replaced = now && now != pool->select;
    Py_XSETREF(pool->select, replaced ? Py_NewRef(now) : NULL);
    Py_XDECREF(now);
    for (int i = 0; replaced && i < pool->thread_count; i++)
        make_doorbell(&pool->threads[i]);
}

int gowsgi_pool_has_hubs(const gowsgi_pool *pool) { return pool->select != NULL; }

void pool_hub_enter(pool_thread *self) {
    if (self->doorbell < 0)
        return;
    PyObject *ready = PyObject_CallFunction(self->pool->select, "[i][][]i", self->doorstep, 0); /* new */
    if (!ready)
        PyErr_WriteUnraisable(self->thread);
    Py_XDECREF(ready);
}

static bool is_woken(pool_thread *self) {
    pthread_mutex_lock(&self->pool->lock);
    bool woken = self->woken;
    pthread_mutex_unlock(&self->pool->lock);
    return woken;
}

bool pool_hub_wait(pool_thread *self) {
    char rings[64];
    while (!is_woken(self)) {
        PyObject *ready = PyObject_CallFunction(self->pool->select, "[i][][]", self->doorstep); /* new */
        if (!ready) {
            PyErr_WriteUnraisable(self->thread); /* a timeout of gevent's that a request has left behind, say */
            return false;
        }
        Py_DECREF(ready);
        while (read(self->doorstep, rings, sizeof rings) > 0) {
        }
    }
    return true;
}
