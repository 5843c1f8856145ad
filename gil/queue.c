#include "queue.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static task_list *list_of(gowsgi_task *task) { return task->quota ? &task->quota->waiting : &task->pool->waiting; }

/* Counts anew which of a quota's tasks are held, after it has changed. NULL: none has. */
static void settle(gowsgi_pool *pool, gowsgi_quota *quota) {
    if (!quota)
        return;
    int free = quota->most - quota->running, held = quota->waiting.count > free ? quota->waiting.count - free : 0;
    pool->held += held - quota->held;
    quota->held = held;
}

static void queue_push(gowsgi_pool *pool, gowsgi_task *task) {
    task_list *list = list_of(task);
    task->next = NULL;
    task->previous = list->last;
    if (list->last)
        list->last->next = task;
    else
        list->first = task;
    list->last = task;
    list->count++;
    pool->queued++;
    settle(pool, task->quota);
}

static void queue_remove(gowsgi_pool *pool, gowsgi_task *task) {
    task_list *list = list_of(task);
    if (task->previous)
        task->previous->next = task->next;
    else
        list->first = task->next;
    if (task->next)
        task->next->previous = task->previous;
    else
        list->last = task->previous;
    list->count--;
    pool->queued--;
    settle(pool, task->quota);
}

gowsgi_task *queue_pop(gowsgi_pool *pool) {
    gowsgi_task *task = pool->waiting.first;
    for (gowsgi_quota *quota = pool->quotas; quota; quota = quota->next) {
        gowsgi_task *first = quota->waiting.first;
        if (first && quota->running < quota->most && (!task || first->queued_at < task->queued_at))
            task = first;
    }
    if (!task)
        return NULL;
    if (task->quota)
        task->quota->running++;
    queue_remove(pool, task);
    return task;
}

void queue_leave(gowsgi_pool *pool, gowsgi_quota *quota) {
    if (quota)
        quota->running--;
    settle(pool, quota);
}

/* Does: makes a quota: of the tasks that have it, at most `most` run at once. The others
 *     wait, and hold up nobody else.
 * Memory: the quota is the pool's, and stays until the process ends.
 * GIL: either.
 * Fails: NULL if memory is short. */
gowsgi_quota *gowsgi_pool_quota(gowsgi_pool *pool, int most) {
    gowsgi_quota *quota = calloc(1, sizeof *quota);
    if (!quota)
        return NULL;
    quota->most = most;
    pthread_mutex_lock(&pool->lock);
    quota->next = pool->quotas;
    pool->quotas = quota;
    pthread_mutex_unlock(&pool->lock);
    return quota;
}

/* Whether one more task may wait. Room is for tasks that wait: one that a thread can
 * start at once is not turned away. Those that their quota holds have room of their own:
 * they must not take that of others. Lock: held. */
static bool has_room(const gowsgi_pool *pool, const gowsgi_quota *quota) {
    if (quota && quota->running + quota->waiting.count >= quota->most)
        return quota->held < pool->queue_room;
    return pool_ready(pool) < pool->queue_room + (pool->limit - pool->active);
}

/* Nobody waits in the source, and whoever did so could start a task at once. Where the
 * limit is reached, nobody is needed there: those inside come back to it, and its
 * owner looks after it meanwhile. Lock: held. */
static bool lacks_leader(const gowsgi_pool *pool) { return pool->source && !pool->leader && pool->waking == 0; }

pool_thread *queue_next_thread(gowsgi_pool *pool) {
    if (pool->active + pool->waking >= pool->limit || (pool_ready(pool) <= pool->waking && !lacks_leader(pool)))
        return NULL;
    pool_thread *thread = pool->idle;
    if (thread) {
        pool->idle = thread->next_idle;
        pool->idle_count--;
    } else {
        thread = pool->leader;
        if (!thread || !thread->waits || thread->woken || pool_ready(pool) <= pool->waking)
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
    if (!force && !has_room(pool, task->quota)) {
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
        queue_remove(pool, task);
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
