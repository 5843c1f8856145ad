/* What pool.c, queue.c, thread.c and probe.c share: the pool and the rules of
 * its lock.
 *
 * `lock` guards every field below it, and of a task everything but what
 * belongs to its run function. It is held for a few instructions, never across
 * a system call that may sleep or a call into Python: a thread may take it
 * with the GIL held, nobody may ask for the GIL while holding it.
 *
 * What is marked "read without the lock" is written atomically as well, under it.
 */
#ifndef GOWSGI_GIL_QUEUE_H
#define GOWSGI_GIL_QUEUE_H

#include <Python.h>

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>

#include "pool.h"

/* Tasks that wait, first in, first out. */
typedef struct {
    gowsgi_task *first, *last;
    int count;
} task_list;

struct gowsgi_quota {
    int most; /* tasks that may run at once */
    int running;
    task_list waiting;
    int held; /* of those that wait, for others of the quota to end */
    gowsgi_quota *next;
};

typedef struct pool_thread {
    gowsgi_pool *pool;
    PyObject *thread; /* its threading.Thread */
    uint32_t number;
    unsigned long ident; /* Python's name for the thread; 0 until it runs */
    gowsgi_task *task; /* that it runs; the crash handler reads it without the lock */
    pthread_cond_t wake; /* with pool_thread_wake */
    int doorstep, doorbell; /* ends of a pipe, if the thread waits in a hub; else -1 */
    bool woken; /* taken off the idle list by somebody who has work for it; read without the lock */
    bool counted; /* runs a task that counts towards the limit */
    int64_t started_at; /* of that task */
    int poll_in, poll_pause; /* idle times to let pass before it polls again */
    bool waits; /* leads, and waits in the source; read without the lock */
    struct pool_thread *next_idle;
} pool_thread;

struct gowsgi_pool {
    int thread_count, queue_room, event_fd;
    bool adaptive;
    pool_thread *threads;
    pthread_t probe;
    bool has_probe;
    pthread_t inspector;
    bool has_inspector;
    PyObject *select; /* in which idle threads wait, if the application has replaced it */
    int64_t asked_at; /* atomic: since when the inspector wants the GIL; 0: it does not */

    pthread_mutex_t lock;
    task_list waiting; /* but for those that have a quota */
    gowsgi_quota *quotas;
    int queued; /* tasks that wait, all of them */
    int held; /* of these, those that may not start whatever threads there are */
    int arrived; /* threads that have begun */
    int alive; /* threads, and the probe, that have not left */
    int inside; /* tasks inside Python; read without the lock */
    int away; /* of these, those of gowsgi_pool_step_out; atomic */
    int active; /* those of them that count towards the limit */
    int waking; /* threads on their way to a task */
    int limit;
    int64_t occupied, occupied_at; /* active × time up to then, ns */
    pool_thread *idle; /* the one that ran last comes first */
    int idle_count;
    gowsgi_source *source; /* NULL: none; read without the lock */
    pool_thread *leader; /* who waits in it, or submits what it found; on no list */
    gowsgi_task *rung_first, *rung_last; /* tasks with bells to reap */
    bool reader_awake; /* Go's reader reaps again without being told */
    int open; /* how many threads may begin, the first so many */
    bool closing, joined;
    pthread_cond_t left; /* a thread or the probe has left */
    pthread_cond_t company; /* more than one task: work for the probe */
    bool probe_asleep;
    int64_t done, probes, probe_wait;
    gowsgi_job *jobs; /* for the inspector, in order */
    bool dismissed; /* the inspector is to leave, or has left */
    pthread_cond_t mail; /* jobs, or dismissed */
    pthread_cond_t answered; /* a job that somebody waits for has run */
};

/* GIL: held. start: -1 with a Python exception set; the others report what goes
 * wrong. enrol is called on the thread itself. */
int pool_thread_start(pool_thread *thread);
void pool_thread_hide(pool_thread *thread);
void pool_thread_enrol(pool_thread *thread);
void pool_thread_join(pool_thread *thread);
/* GIL: held, before and after; returns when the pool closes. */
void pool_thread_main(pool_thread *thread);
/* hub.c. Before the application is imported, and after. GIL: held. */
void pool_hub_remember(gowsgi_pool *pool);
void pool_hub_look(gowsgi_pool *pool);
/* Makes the thread's hub, if it is to have one. On the thread, GIL: held. */
void pool_hub_enter(pool_thread *thread);
/* Waits until the thread is woken; false if that cannot be done here. GIL: held. */
bool pool_hub_wait(pool_thread *thread);
void *pool_probe_main(void *pool);
void *pool_inspector_main(void *pool);
/* The threads have left: so does the inspector. GIL: released. */
void pool_inspector_dismiss(gowsgi_pool *pool);

/* A condition that pool_wait can wait for. */
int pool_condition_init(pthread_cond_t *condition);
/* Waits for at most `timeout` ns, -1 for ever. Returns ETIMEDOUT or 0. Lock: held. */
int pool_wait(gowsgi_pool *pool, pthread_cond_t *condition, int64_t timeout);

static inline gowsgi_source *pool_source(const gowsgi_pool *pool) {
    return __atomic_load_n(&pool->source, __ATOMIC_ACQUIRE);
}

/* Wakes a thread that queue_next_thread or gowsgi_pool_close gave. Lock: not held. */
static inline void pool_thread_wake(pool_thread *thread) {
    gowsgi_source *source = pool_source(thread->pool);
    if (source && __atomic_load_n(&thread->waits, __ATOMIC_ACQUIRE)) {
        source->wake(source);
        return;
    }
    pthread_cond_signal(&thread->wake);
    if (thread->doorbell >= 0)
        (void)!write(thread->doorbell, "", 1); /* a full pipe has rung already */
}

/* The rest is called with the lock held. */

/* Tasks that wait for a thread alone. */
static inline int pool_ready(const gowsgi_pool *pool) { return pool->queued - pool->held; }
/* True while a task waits that may not start because those inside fill the limit. One
 * that a thread is on its way to, or with it a round that the leader is still
 * submitting, does not wait for the limit. */
static inline bool pool_is_crowded(const gowsgi_pool *pool) {
    return pool_ready(pool) > pool->waking && pool->active >= pool->limit;
}
/* Changes `active`. */
static inline void pool_count(gowsgi_pool *pool, int change, int64_t now) {
    pool->occupied += pool->active * (now - pool->occupied_at);
    pool->occupied_at = now;
    pool->active += change;
}
/* Changes `inside`. */
static inline void pool_count_inside(gowsgi_pool *pool, int change) {
    __atomic_store_n(&pool->inside, pool->inside + change, __ATOMIC_RELAXED);
}
/* Takes the task that has waited longest of those that may start; NULL if there is
 * none. */
gowsgi_task *queue_pop(gowsgi_pool *pool);
/* A task that queue_pop gave is done. */
void queue_leave(gowsgi_pool *pool, gowsgi_quota *quota);
/* Finds a thread if a task may start, or one has to lead: the idle one that ran last,
 * taken off the list, or the leader. The caller wakes it (pool_thread_wake) once it
 * has let go of the lock. NULL if none. */
pool_thread *queue_next_thread(gowsgi_pool *pool);
/* Returns true if the probe sleeps and has work: the caller signals `company`
 * once it has let go of the lock. */
bool queue_calls_probe(gowsgi_pool *pool);
/* Returns true if the caller must call queue_tell_reader after the lock. */
bool queue_ring(gowsgi_task *task, uint32_t bells);
void queue_tell_reader(gowsgi_pool *pool);

#endif
