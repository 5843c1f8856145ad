#include <Python.h>

#include "queue.h"

#include "../internal/crash/crash.h"

#include <sched.h>
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
    __atomic_store_n(&task->state, GOWSGI_RUNNING, __ATOMIC_RELAXED);
    task->thread = self->number;
    task->started_at = self->started_at = gowsgi_now();
    self->counted = true;
    __atomic_store_n(&self->task, task, __ATOMIC_RELEASE);
    pool_count(pool, 1, task->started_at);
    pool_count_inside(pool, 1);
    return task;
}

/* Lock: held. Returns true if the reader must be told. */
static bool finish(pool_thread *self, gowsgi_task *task) {
    gowsgi_pool *pool = self->pool;
    task->done_at = gowsgi_now();
    queue_leave(pool, task->quota);
    /* Go may look without a bell of this task's: it then sees all it did. */
    __atomic_store_n(&task->state, GOWSGI_DONE, __ATOMIC_RELEASE);
    __atomic_store_n(&self->task, NULL, __ATOMIC_RELEASE);
    pool->done++;
    pool_count_inside(pool, -1);
    if (self->counted) {
        self->counted = false;
        pool_count(pool, -1, task->done_at);
    }
    return !task->quiet && queue_ring(task, GOWSGI_OUTPUT);
}

/* Leads, if there is somewhere to lead and nobody does; else joins the idle threads,
 * on top. Lock: held. */
static void line_up(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    __atomic_store_n(&self->woken, false, __ATOMIC_RELAXED);
    if (pool->source && !pool->leader) {
        pool->leader = self;
        __atomic_store_n(&self->waits, true, __ATOMIC_RELEASE);
        return;
    }
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
 * counts as waking then. GIL: released. */
static void wait_for_work(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    poll(self);
    pthread_mutex_lock(&pool->lock);
    while (!self->woken)
        pthread_cond_wait(&self->wake, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

/* Leads: waits in the source and submits what it finds there. Afterwards the thread
 * counts as waking, and does so before it submits, so that nobody else is woken for
 * what it will run itself. It leads until it takes a task. GIL: released. */
static void lead(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    gowsgi_source *source = pool_source(pool);
    source->wait(source);
    pthread_mutex_lock(&pool->lock);
    if (!self->woken)
        pool->waking++;
    __atomic_store_n(&self->woken, false, __ATOMIC_RELAXED);
    __atomic_store_n(&self->waits, false, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&pool->lock);
    source->collect(source);
}

/* The thread is there; it waits until the pool opens. False if it may not begin.
 * GIL: released. */
static bool wait_for_opening(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    pthread_mutex_lock(&pool->lock);
    self->ident = PyThread_get_thread_ident();
    pool->arrived++;
    while ((int)self->number >= pool->open && !pool->closing)
        pthread_cond_wait(&self->wake, &pool->lock);
    bool begins = (int)self->number < pool->open;
    pthread_mutex_unlock(&pool->lock);
    return begins;
}

/* The application called os.fork() and the child came back here. There is no
 * server in it to answer anybody. */
static void end_child(void) {
    static const char note[] = "gowsgi: a forked child returned from the application: it ends here\n";
    if (!gowsgi_forked)
        return;
    (void)!write(2, note, sizeof note - 1);
    _exit(1);
}

/* Runs tasks until the pool closes. GIL: held before. Afterwards released, with the
 * thread's state returned, or held and NULL. */
static PyThreadState *work(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    PyThreadState *state = PyEval_SaveThread(); /* NULL while it holds the GIL */
    bool waking = false;
    gowsgi_task *task = NULL;

    for (;;) {
        pthread_mutex_lock(&pool->lock);
        gowsgi_task *done = task;
        bool tell = done && finish(self, done), quiet = done && done->quiet;
        pool->waking -= waking;
        waking = false;
        if (pool->leader == self)
            pool->leader = NULL;
        task = take(self);
        bool leave = !task && pool->closing;
        /* Before anybody can know that the last task is done: this thread is
         * the one to take the next. */
        if (!task && !leave)
            line_up(self);
        bool leads = pool->leader == self;
        pool_thread *next = queue_next_thread(pool);
        bool probe = queue_calls_probe(pool);
        bool company = pool->inside > 1;
        pthread_mutex_unlock(&pool->lock);

        if (tell)
            queue_tell_reader(pool);
        else if (quiet)
            pool_source(pool)->ended(pool_source(pool), done);
        if (next)
            pool_thread_wake(next);
        if (probe)
            pthread_cond_signal(&pool->company);
        if (leave)
            return state;
        if (!task && self->doorbell >= 0) {
            if (state)
                PyEval_RestoreThread(state);
            state = NULL;
            waking = pool_hub_wait(self);
            end_child();
            if (waking)
                continue;
        }
        if (!state && (!task || company)) {
            /* Alone, a thread keeps the GIL from task to task. In company it
             * lets go, so that those who come back from I/O finish first. */
            state = PyEval_SaveThread();
        }
        if (!task) {
            if (leads)
                lead(self);
            else
                wait_for_work(self);
            waking = true;
            continue;
        }
        if (state) {
            PyEval_RestoreThread(state);
            state = NULL;
            __atomic_store_n(&task->gil_at, gowsgi_now(), __ATOMIC_RELAXED);
        } else {
            __atomic_store_n(&task->gil_at, task->started_at, __ATOMIC_RELAXED);
        }
        task->run(task);
        end_child();
    }
}

/* The life of a Python thread. It has one thread state for its whole life:
 * threading.local, contextvars and database connections of the application live
 * as long as the thread, and extensions that call PyGILState_Ensure find it. */
void pool_thread_main(pool_thread *self) {
    gowsgi_pool *pool = self->pool;
    gowsgi_crash_guard();
    PyThreadState *state = PyEval_SaveThread();
    bool begins = wait_for_opening(self);
    PyEval_RestoreThread(state);
    pool_thread_enrol(self);
    if (begins)
        pool_hub_enter(self);
    state = begins ? work(self) : PyEval_SaveThread();
    gowsgi_crash_unguard();
    /* From here on the pool may be closed behind this thread. */
    pthread_mutex_lock(&pool->lock);
    pool->alive--;
    pthread_cond_broadcast(&pool->left);
    pthread_mutex_unlock(&pool->lock);
    if (state)
        PyEval_RestoreThread(state);
}
