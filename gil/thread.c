#include <Python.h>

#include "queue.h"

#include "../internal/crash/crash.h"

#include <sched.h>
#include <stdio.h>
#include <unistd.h>

#define POLL (20 * 1000) /* ns that an idle thread looks for work before it sleeps */
#define MOST_PAUSES 63 /* idle times without looking after it was in vain */

/* Starts the next task if the limit allows it. Lock: held. */
static gowsgi_task *take(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    if (pool->active >= pool->limit)
        return NULL;
    gowsgi_task *task = queue_pop(pool);
    if (!task)
        return NULL;
    task->state = GOWSGI_RUNNING;
    task->thread = self->number;
    task->started_at = self->started_at = gowsgi_now();
    self->counted = true;
    __atomic_store_n(&self->task, task, __ATOMIC_RELEASE);
    pool_count(pool, 1, task->started_at);
    pool->inside++;
    return task;
}

/* Lock: held. Returns true if the reader must be told. */
static bool finish(pool_thread *self, gowsgi_task *task) {
    gowsgi_pool *pool = self->pool;
    task->done_at = gowsgi_now();
    /* Go may look without a bell of this task's: it then sees all it did. */
    __atomic_store_n(&task->state, GOWSGI_DONE, __ATOMIC_RELEASE);
    __atomic_store_n(&self->task, NULL, __ATOMIC_RELEASE);
    pool->done++;
    pool->inside--;
    if (self->counted) {
        self->counted = false;
        pool_count(pool, -1, task->done_at);
    }
    return queue_ring(task, GOWSGI_OUTPUT);
}

/* Joins the idle threads, on top. Lock: held. */
static void line_up(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    self->woken = false;
    self->next_idle = pool->idle;
    pool->idle = self;
    pool->idle_count++;
}

/* Looks out for work for a moment before going to sleep: under load it is
 * microseconds away, and whoever brings it need not make a system call. If that
 * was in vain, the next few idle times are slept through at once. */
static void poll(pool_thread *self) {
    if (self->poll_in > 0) {
        self->poll_in--;
        return;
    }
    int64_t end = gowsgi_now() + POLL;
    bool woken;
    do {
        sched_yield();
        woken = __atomic_load_n(&self->woken, __ATOMIC_ACQUIRE);
    } while (!woken && gowsgi_now() < end);
    self->poll_pause = woken ? 0 : self->poll_pause < MOST_PAUSES ? self->poll_pause * 2 + 1 : MOST_PAUSES;
    self->poll_in = self->poll_pause;
}

/* Waits, lined up, until somebody has work or the pool closes. The thread still
 * counts as waking then. */
static void wait_for_work(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    poll(self);
    pthread_mutex_lock(&pool->lock);
    while (!self->woken)
        pthread_cond_wait(&self->wake, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

/* The life of a Python thread. It is a threading.Thread, so that it has a name
 * in logs and os.fork() works on it, and it has one thread state for its whole
 * life: threading.local, contextvars and database connections of the
 * application live as long as the thread, and extensions that call
 * PyGILState_Ensure find it. */
static PyObject *thread_main(PyObject *capsule, PyObject *Py_UNUSED(nothing)) {
    pool_thread *self = PyCapsule_GetPointer(capsule, NULL);
    if (!self)
        return NULL;
    gowsgi_pool *pool = self->pool;
    gowsgi_crash_guard();
    PyThreadState *state = PyEval_SaveThread();
    pthread_mutex_lock(&pool->lock);
    self->ident = PyThread_get_thread_ident();
    pthread_mutex_unlock(&pool->lock);
    bool attached = false, waking = false;
    gowsgi_task *task = NULL;

    for (;;) {
        pthread_mutex_lock(&pool->lock);
        bool tell = task && finish(self, task);
        pool->waking -= waking;
        waking = false;
        task = take(self);
        bool leave = !task && pool->closing;
        /* Before anybody can know that the last task is done: this thread is
         * the one to take the next. */
        if (!task && !leave)
            line_up(self);
        pool_thread *next = queue_next_thread(pool);
        bool probe = queue_calls_probe(pool);
        bool company = pool->inside > 1;
        pthread_mutex_unlock(&pool->lock);

        if (tell)
            queue_tell_reader(pool);
        if (next)
            pthread_cond_signal(&next->wake);
        if (probe)
            pthread_cond_signal(&pool->company);
        if (leave)
            break;
        if (attached && (!task || company)) {
            /* Alone, a thread keeps the GIL from task to task. In company it
             * lets go, so that those who come back from I/O finish first. */
            state = PyEval_SaveThread();
            attached = false;
        }
        if (!task) {
            wait_for_work(self);
            waking = true;
            continue;
        }
        if (attached) {
            task->gil_at = task->started_at;
        } else {
            PyEval_RestoreThread(state);
            attached = true;
            task->gil_at = gowsgi_now();
        }
        task->run(task);
        if (gowsgi_forked) {
            /* The application called os.fork() and the child came back here.
             * There is no server in it to answer anybody. */
            static const char note[] = "gowsgi: a forked child returned from the application: it ends here\n";
            (void)!write(2, note, sizeof note - 1);
            _exit(1);
        }
    }
    gowsgi_crash_unguard();
    /* From here on the pool may be closed behind this thread. */
    pthread_mutex_lock(&pool->lock);
    pool->alive--;
    pthread_cond_broadcast(&pool->left);
    pthread_mutex_unlock(&pool->lock);
    if (!attached)
        PyEval_RestoreThread(state);
    Py_RETURN_NONE;
}

/* No daemon: threads that the application starts inherit that, and are waited
 * for at the end as they would be elsewhere. This one has left by then. */
static PyObject *make_thread(pool_thread *self) {
    static PyMethodDef method = {"run", thread_main, METH_NOARGS, NULL};
    PyObject *thread = NULL, *kwargs = NULL, *none = NULL;
    PyObject *threading = PyImport_ImportModule("threading"); /* new */
    PyObject *type = threading ? PyObject_GetAttrString(threading, "Thread") : NULL; /* new */
    PyObject *capsule = PyCapsule_New(self, NULL, NULL); /* new */
    PyObject *function = capsule ? PyCFunction_New(&method, capsule) : NULL; /* new */
    if (type && function) {
        kwargs = Py_BuildValue("{sOsNsO}", "target", function, "name",
                               PyUnicode_FromFormat("gowsgi-%u", self->number + 1), "daemon", Py_False); /* new */
        none = PyTuple_New(0); /* new */
    }
    if (kwargs && none)
        thread = PyObject_Call(type, none, kwargs); /* new */
    Py_XDECREF(none);
    Py_XDECREF(kwargs);
    Py_XDECREF(function);
    Py_XDECREF(capsule);
    Py_XDECREF(type);
    Py_XDECREF(threading);
    return thread;
}

int pool_thread_start(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    self->thread = make_thread(self); /* new, kept */
    if (!self->thread)
        return -1;
    pthread_mutex_lock(&pool->lock);
    pool->alive++;
    pthread_mutex_unlock(&pool->lock);
    PyObject *started = PyObject_CallMethod(self->thread, "start", NULL); /* new */
    if (!started) {
        pthread_mutex_lock(&pool->lock);
        pool->alive--;
        pthread_mutex_unlock(&pool->lock);
        Py_CLEAR(self->thread);
        return -1;
    }
    Py_DECREF(started);
    return 0;
}

void pool_thread_join(pool_thread *self) {
    if (!self->thread)
        return;
    PyObject *joined = PyObject_CallMethod(self->thread, "join", NULL); /* new */
    if (!joined)
        PyErr_WriteUnraisable(self->thread);
    Py_XDECREF(joined);
    Py_CLEAR(self->thread);
}
