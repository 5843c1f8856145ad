#include "queue.h"

#include "../internal/crash/crash.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum { STACK_SIZE = 8 << 20 }; /* what the main thread has: deep recursion works alike */

static gowsgi_pool *watched; /* pools are never freed once they are here */

int64_t gowsgi_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Timeouts go by the clock that nobody sets. */
int pool_condition_init(pthread_cond_t *condition) {
    pthread_condattr_t attributes;
    int err = pthread_condattr_init(&attributes);
    if (err)
        return err;
#ifndef __APPLE__
    err = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
    if (err == 0)
        err = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return err;
}

int pool_wait(gowsgi_pool *pool, pthread_cond_t *condition, int64_t timeout) {
    if (timeout < 0)
        return pthread_cond_wait(condition, &pool->lock);
#ifdef __APPLE__
    struct timespec span = {timeout / 1000000000, timeout % 1000000000};
    return pthread_cond_timedwait_relative_np(condition, &pool->lock, &span);
#else
    int64_t at = gowsgi_now() + timeout;
    struct timespec deadline = {at / 1000000000, at % 1000000000};
    return pthread_cond_timedwait(condition, &pool->lock, &deadline);
#endif
}

static int start_probe(gowsgi_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->alive++;
    pthread_mutex_unlock(&pool->lock);
    int err = pthread_create(&pool->probe, NULL, pool_probe_main, pool);
    if (err) {
        pthread_mutex_lock(&pool->lock);
        pool->alive--;
        pthread_mutex_unlock(&pool->lock);
    }
    pool->has_probe = err == 0;
    return err;
}

static int start_inspector(gowsgi_pool *pool) {
    int err = pthread_create(&pool->inspector, NULL, pool_inspector_main, pool);
    pool->has_inspector = err == 0;
    return err;
}

/* Starts them with deep stacks, whatever ulimit says. GIL: held. */
static int start_threads(gowsgi_pool *pool) {
    PyObject *threading = PyImport_ImportModule("threading"); /* new */
    PyObject *before = threading ? PyObject_CallMethod(threading, "stack_size", "i", STACK_SIZE) : NULL; /* new */
    bool failed = !before;
    for (int i = 0; i < pool->thread_count && !failed; i++) {
        pool_thread *thread = &pool->threads[i];
        thread->pool = pool;
        thread->number = (uint32_t)i;
        thread->doorstep = thread->doorbell = -1;
        failed = pthread_cond_init(&thread->wake, NULL) != 0 || pool_thread_start(thread) < 0;
    }
    PyErr_Clear(); /* "can't start new thread": errno says it */
    PyObject *restored = before ? PyObject_CallMethod(threading, "stack_size", "O", before) : NULL; /* new */
    Py_XDECREF(restored);
    Py_XDECREF(before);
    Py_XDECREF(threading);
    PyErr_Clear();
    return failed ? EAGAIN : 0;
}

/* Waits until `all` threads are counted. GIL: released. */
static void wait_for(gowsgi_pool *pool, const int *count, int all) {
    const struct timespec pause = {0, 100000};
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        bool complete = *count == all;
        pthread_mutex_unlock(&pool->lock);
        if (complete)
            return;
        nanosleep(&pause, NULL);
    }
}

/* For the report of a crash: called in a signal handler, so without the lock. */
static bool thread_for_report(int number, gowsgi_crash_thread *thread) {
    const gowsgi_pool *pool = __atomic_load_n(&watched, __ATOMIC_ACQUIRE);
    if (number >= pool->thread_count)
        return false;
    const pool_thread *self = &pool->threads[number];
    *thread = (gowsgi_crash_thread){self->ident, __atomic_load_n(&self->task, __ATOMIC_ACQUIRE)};
    return true;
}

/* GIL: released. */
static void prepare_for_import(gowsgi_pool *pool) {
    PyGILState_STATE ensured = PyGILState_Ensure();
    for (int i = 0; i < pool->thread_count; i++)
        pool_thread_hide(&pool->threads[i]);
    pool_hub_remember(pool);
    PyGILState_Release(ensured);
}

/* Does: starts `threads` Python threads, the inspector, and the probe if the
 *     limit adapts. The threads wait until gowsgi_pool_open, and threading does
 *     not list them until then.
 *     `queue` tasks may wait. event_fd, non-blocking, gets 8 bytes whenever
 *     gowsgi_pool_reap has to be called again after it returned 0.
 * Memory: the pool and its tasks stay until the process ends, and so does
 *     event_fd.
 * GIL: released, by a thread that Python knows or not.
 * Fails: NULL with errno set, and nothing left running. */
gowsgi_pool *gowsgi_pool_new(int threads, int queue, int adaptive, int event_fd) {
    gowsgi_pool *pool = calloc(1, sizeof *pool);
    if (pool)
        pool->threads = calloc((size_t)threads, sizeof *pool->threads);
    if (!pool || !pool->threads) {
        free(pool);
        errno = ENOMEM;
        return NULL;
    }
    pool->thread_count = threads;
    pool->queue_room = queue;
    pool->event_fd = event_fd;
    pool->adaptive = adaptive && threads > 1;
    pool->limit = pool->adaptive ? 1 : threads;

    int err = gowsgi_watch_forks();
    if (err == 0)
        err = pthread_mutex_init(&pool->lock, NULL);
    if (err == 0)
        err = pool_condition_init(&pool->left);
    if (err == 0)
        err = pthread_cond_init(&pool->company, NULL);
    if (err == 0)
        err = pool_condition_init(&pool->mail);
    if (err == 0)
        err = pool_condition_init(&pool->answered);
    if (err == 0) {
        PyGILState_STATE ensured = PyGILState_Ensure();
        err = start_threads(pool);
        PyGILState_Release(ensured);
        if (err == 0 && pool->adaptive)
            err = start_probe(pool);
        if (err == 0)
            err = start_inspector(pool);
        if (err == 0) {
            wait_for(pool, &pool->arrived, threads);
            prepare_for_import(pool);
            __atomic_store_n(&watched, pool, __ATOMIC_RELEASE);
            gowsgi_crash_watch(thread_for_report);
            return pool;
        }
        gowsgi_pool_close(pool, -1);
    }
    free(pool->threads);
    free(pool);
    errno = err;
    return NULL;
}

/* Does: lets the first `threads` threads begin; the others stay where they are
 *     until the pool closes.
 * Memory: nothing changes hands.
 * GIL: released.
 * Fails: never. */
void gowsgi_pool_open(gowsgi_pool *pool, int threads) {
    PyGILState_STATE ensured = PyGILState_Ensure();
    pool_hub_look(pool);
    PyGILState_Release(ensured);
    for (int i = 0; i < threads; i++) {
        pthread_mutex_lock(&pool->lock);
        pool->open = i + 1;
        if (!pool->adaptive)
            pool->limit = pool->open;
        pthread_cond_signal(&pool->threads[i].wake);
        pthread_mutex_unlock(&pool->lock);
        /* One after the other: making hubs at the same time is more than gevent is
         * made for, and a thread that is still on its way to the idle ones would
         * later come to stand on top of one that has already worked. */
        wait_for(pool, &pool->idle_count, i + 1);
    }
}

/* Does: has threads that have no task wait in `source`, for good. Before there is
 *     anything in it; the pool is open.
 * Memory: source stays until the process ends.
 * GIL: either.
 * Fails: -1 if there is one already, or greenlets take the place of threads: those
 *     wait in their hubs. */
int gowsgi_pool_attach(gowsgi_pool *pool, gowsgi_source *source) {
    if (gowsgi_pool_has_hubs(pool))
        return -1;
    pthread_mutex_lock(&pool->lock);
    bool taken = pool->source;
    if (!taken)
        __atomic_store_n(&pool->source, source, __ATOMIC_RELEASE);
    pool_thread *next = queue_next_thread(pool);
    pthread_mutex_unlock(&pool->lock);
    if (next)
        pool_thread_wake(next);
    return taken ? -1 : 0;
}

/* Does: tells whether several tasks are inside, so that who is about to wait for the
 *     system should let go of the GIL.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never; the answer may be old. */
int gowsgi_pool_has_company(gowsgi_pool *pool) { return __atomic_load_n(&pool->inside, __ATOMIC_RELAXED) > 1; }

/* Does: tells whether tasks wait for the GIL: for a place beside those that run, though
 *     there are threads, or for the only thread.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never; the answer may be old. */
int gowsgi_pool_is_held_up(gowsgi_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    bool held_up = pool_is_crowded(pool) && (pool->limit < pool->open || pool->open == 1);
    pthread_mutex_unlock(&pool->lock);
    return held_up;
}

/* Does: notes that a thread that runs a task is about to let go of the GIL for a moment,
 *     for the server's sake: that is no room for another task. gowsgi_pool_step_in, once
 *     it has it again, undoes that.
 * Memory: nothing changes hands.
 * GIL: held.
 * Fails: never. */
void gowsgi_pool_step_out(gowsgi_pool *pool) { __atomic_fetch_add(&pool->away, 1, __ATOMIC_RELAXED); }

/* See gowsgi_pool_step_out. GIL: held, or about to be let go of for longer. */
void gowsgi_pool_step_in(gowsgi_pool *pool) { __atomic_fetch_sub(&pool->away, 1, __ATOMIC_RELAXED); }

/* Waits until everybody has left. Lock: held. timeout in ns, -1 for ever. */
static void wait_until_empty(gowsgi_pool *pool, int64_t timeout) {
    int64_t deadline = gowsgi_now() + timeout;
    int err = 0;
    while (pool->alive > 0 && err != ETIMEDOUT)
        err = pool_wait(pool, &pool->left, timeout < 0 ? -1 : deadline - gowsgi_now());
}

/* Does: takes no more tasks, lets the threads finish those that are there and
 *     leave. Waits at most `timeout` ns for that (-1: for ever); can be called
 *     again.
 * Memory: nothing is freed: tasks may still be read.
 * GIL: released: the threads need it to leave.
 * Fails: returns how many threads have not left. */
int gowsgi_pool_close(gowsgi_pool *pool, int64_t timeout) {
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    while (pool->idle) {
        pool_thread *thread = pool->idle;
        pool->idle = thread->next_idle;
        __atomic_store_n(&thread->woken, true, __ATOMIC_RELEASE);
        pool->idle_count--;
        pool->waking++;
        pool_thread_wake(thread);
    }
    for (int i = pool->open; i < pool->thread_count; i++)
        pthread_cond_signal(&pool->threads[i].wake);
    if (pool->leader && pool->leader->waits && !pool->leader->woken) {
        __atomic_store_n(&pool->leader->woken, true, __ATOMIC_RELEASE);
        pool->waking++;
        pool->source->wake(pool->source);
    }
    pool->probe_asleep = false;
    pthread_cond_signal(&pool->company);
    wait_until_empty(pool, timeout);
    int alive = pool->alive;
    bool join = alive == 0 && !pool->joined;
    pool->joined |= join;
    pthread_mutex_unlock(&pool->lock);
    if (join) {
        PyGILState_STATE ensured = PyGILState_Ensure();
        for (int i = 0; i < pool->thread_count; i++)
            pool_thread_join(&pool->threads[i]);
        PyGILState_Release(ensured);
        if (pool->has_probe)
            pthread_join(pool->probe, NULL);
        pool_inspector_dismiss(pool);
    }
    return alive;
}

/* Does: fills in how the pool does now.
 * Memory: stats is the caller's.
 * GIL: either.
 * Fails: never. */
void gowsgi_pool_read_stats(gowsgi_pool *pool, gowsgi_pool_stats *stats) {
    pthread_mutex_lock(&pool->lock);
    stats->threads = pool->alive - (pool->has_probe && !pool->closing);
    stats->idle = pool->idle_count + (pool->leader && pool->leader->waits);
    stats->limit = pool->limit;
    stats->inside = pool->inside;
    stats->queued = pool->queued;
    stats->held = pool->held;
    stats->done = pool->done;
    stats->probes = pool->probes;
    stats->probe_wait = pool->probe_wait;
    pthread_mutex_unlock(&pool->lock);
}

/* Does: fills in what the thread with a number from 0 does now.
 * Memory: thread is the caller's; tasks are never freed.
 * GIL: either. Held, no thread leaves its task meanwhile.
 * Fails: returns 0 if there is no such thread. */
int gowsgi_pool_read_thread(gowsgi_pool *pool, int number, gowsgi_pool_activity *thread) {
    if (number >= pool->thread_count)
        return 0;
    pthread_mutex_lock(&pool->lock);
    gowsgi_task *task = pool->threads[number].task;
    *thread = (gowsgi_pool_activity){pool->threads[number].ident, task, task ? task->generation : 0};
    pthread_mutex_unlock(&pool->lock);
    return 1;
}
