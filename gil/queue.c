#include "queue.h"

#include <errno.h>
#include <unistd.h>

gowsgi_task *queue_pop(gowsgi_pool *pool) {
    gowsgi_task *task = pool->first;
    if (!task)
        return NULL;
    pool->first = task->next;
    if (pool->first)
        pool->first->previous = NULL;
    else
        pool->last = NULL;
    pool->queued--;
    return task;
}

static void queue_push(gowsgi_pool *pool, gowsgi_task *task) {
    task->next = NULL;
    task->previous = pool->last;
    if (pool->last)
        pool->last->next = task;
    else
        pool->first = task;
    pool->last = task;
    pool->queued++;
}

/* Nobody waits in the source, and whoever did so could start a task at once. Where the
 * limit is reached, nobody is needed there: those inside come back to it, and its
 * owner looks after it meanwhile. Lock: held. */
static bool lacks_leader(const gowsgi_pool *pool) { return pool->source && !pool->leader && pool->waking == 0; }

pool_thread *queue_next_thread(gowsgi_pool *pool) {
    if (pool->active + pool->waking >= pool->limit || (pool->queued <= pool->waking && !lacks_leader(pool)))
        return NULL;
    pool_thread *thread = pool->idle;
    if (thread) {
        pool->idle = thread->next_idle;
        pool->idle_count--;
    } else {
        thread = pool->leader;
        if (!thread || !thread->waits || thread->woken || pool->queued <= pool->waking)
            return NULL;
    }
    __atomic_store_n(&thread->woken, true, __ATOMIC_RELEASE); /* it may be polling */
    pool->waking++;
    return thread;
}

bool queue_calls_probe(gowsgi_pool *pool) {
    if (!pool->probe_asleep || (pool->inside < 2 && !pool_is_crowded(pool)))
        return false;
    pool->probe_asleep = false;
    return true;
}

/* Does: puts an idle or done task at the end of the queue and wakes a thread
 *     if one is needed. `generation` tells this submit from others.
 * Memory: the task stays the caller's, and untouched until it is done or
 *     cancelled.
 * GIL: either.
 * Fails: GOWSGI_BUSY if the queue is full (unless force), GOWSGI_CLOSED. */
int gowsgi_pool_submit(gowsgi_task *task, uint64_t generation, int force) {
    gowsgi_pool *pool = task->pool;
    int64_t now = gowsgi_now();
    pthread_mutex_lock(&pool->lock);
    if (pool->closing) {
        pthread_mutex_unlock(&pool->lock);
        return GOWSGI_CLOSED;
    }
    /* Room is for tasks that wait: one that a thread can start at once is not
     * turned away. */
    if (!force && pool->queued >= pool->queue_room + (pool->limit - pool->active)) {
        pthread_mutex_unlock(&pool->lock);
        return GOWSGI_BUSY;
    }
    __atomic_store_n(&task->state, GOWSGI_QUEUED, __ATOMIC_RELAXED);
    task->quiet = 0;
    task->queued_at = now;
    task->generation = generation;
    queue_push(pool, task);
    pool_thread *thread = queue_next_thread(pool);
    bool probe = queue_calls_probe(pool);
    pthread_mutex_unlock(&pool->lock);
    if (thread)
        pool_thread_wake(thread);
    if (probe)
        pthread_cond_signal(&pool->company);
    return GOWSGI_OK;
}

/* Does: takes a task out of the queue again, unless it was submitted anew since
 *     `generation`.
 * Memory: as before submit.
 * GIL: either.
 * Fails: returns 0 if the task was not queued (any more), 1 if it was. */
int gowsgi_pool_cancel(gowsgi_task *task, uint64_t generation) {
    gowsgi_pool *pool = task->pool;
    pthread_mutex_lock(&pool->lock);
    bool queued = task->state == GOWSGI_QUEUED && task->generation == generation;
    if (queued) {
        if (task->previous)
            task->previous->next = task->next;
        else
            pool->first = task->next;
        if (task->next)
            task->next->previous = task->previous;
        else
            pool->last = task->previous;
        pool->queued--;
        __atomic_store_n(&task->state, GOWSGI_IDLE, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&pool->lock);
    return queued;
}

bool queue_ring(gowsgi_task *task, uint32_t bells) {
    gowsgi_pool *pool = task->pool;
    if (!task->bells) {
        task->next_rung = NULL;
        if (pool->rung_last)
            pool->rung_last->next_rung = task;
        else
            pool->rung_first = task;
        pool->rung_last = task;
    }
    task->bells |= bells;
    bool tell = !pool->reader_awake;
    pool->reader_awake = true;
    return tell;
}

void queue_tell_reader(gowsgi_pool *pool) {
    uint64_t one = 1;
    /* A full eventfd or pipe already says what this would. */
    while (write(pool->event_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

/* Does: wakes goroutines of a running task; nobody in a forked child.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
void gowsgi_pool_ring(gowsgi_task *task, uint32_t bells) {
    if (gowsgi_forked)
        return;
    pthread_mutex_lock(&task->pool->lock);
    bool tell = queue_ring(task, bells);
    pthread_mutex_unlock(&task->pool->lock);
    if (tell)
        queue_tell_reader(task->pool);
}

/* Does: fetches up to `room` rung tasks. 0 means that there are none and that
 *     the next one will be told through the event descriptor.
 * Memory: events are the caller's.
 * GIL: either.
 * Fails: never. */
int gowsgi_pool_reap(gowsgi_pool *pool, gowsgi_event *events, int room) {
    int n = 0;
    pthread_mutex_lock(&pool->lock);
    for (; n < room && pool->rung_first; n++) {
        gowsgi_task *task = pool->rung_first;
        pool->rung_first = task->next_rung;
        if (!pool->rung_first)
            pool->rung_last = NULL;
        events[n] = (gowsgi_event){task->index, task->bells};
        task->bells = 0;
    }
    if (n == 0)
        pool->reader_awake = false;
    pthread_mutex_unlock(&pool->lock);
    return n;
}
