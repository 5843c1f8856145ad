/* The pool of Python threads. See doc.go for the why; pool.go is the Go half.
 *
 * Nothing here knows HTTP or WSGI: a task is memory that belongs to whoever
 * made it, with a gowsgi_task as its first member and a function to run.
 */
#ifndef GOWSGI_GIL_POOL_H
#define GOWSGI_GIL_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "fork.h"

typedef struct gowsgi_pool gowsgi_pool;
typedef struct gowsgi_task gowsgi_task;
typedef struct gowsgi_quota gowsgi_quota;

/* What a thread does with a task. GIL: held, before and after. Never leaves an
 * exception set. */
typedef void (*gowsgi_run)(gowsgi_task *task);

/* Bells: what a task can wake its goroutines with. A task that is done rings
 * GOWSGI_OUTPUT once more. */
enum { GOWSGI_OUTPUT = 1, GOWSGI_INPUT = 2 };

enum { GOWSGI_IDLE, GOWSGI_QUEUED, GOWSGI_RUNNING, GOWSGI_DONE };

/* Results of gowsgi_pool_submit. */
enum { GOWSGI_OK, GOWSGI_BUSY, GOWSGI_CLOSED };

struct gowsgi_task {
    gowsgi_pool *pool;
    gowsgi_run run;
    uint32_t index; /* Go's name for the task */
    uint64_t generation; /* of the last submit, chosen by the caller */
    uint32_t state; /* atomic, written under the pool's lock */
    uint32_t thread; /* number of the thread that runs or ran it, from 0 */
    uint32_t bells; /* rung, and not yet reaped */
    gowsgi_quota *quota; /* that it falls under; NULL: none. Its owner's, until it is submitted */
    uint8_t quiet; /* set by run: it rings no bell when it is done, the source hears of it */
    int64_t queued_at, started_at, gil_at, done_at; /* CLOCK_MONOTONIC, ns; gil_at: atomic */
    gowsgi_task *next, *previous; /* in the queue */
    gowsgi_task *next_rung; /* in the list of rung tasks */
};

typedef struct {
    uint32_t index, bells;
} gowsgi_event;

typedef struct {
    int32_t threads; /* alive */
    int32_t idle; /* those of them that wait for work */
    int32_t limit; /* tasks that may be inside Python at once, now */
    int32_t inside; /* tasks inside Python */
    int32_t queued;
    int32_t held; /* of these, those that wait for others of their quota */
    int64_t done; /* tasks run since the start */
    int64_t probes; /* times the probe asked for the GIL */
    int64_t probe_wait; /* ns it waited for it, all probes together */
} gowsgi_pool_stats;

/* A quota is for tasks that may not take all threads. */
gowsgi_quota *gowsgi_pool_quota(gowsgi_pool *pool, int most);
gowsgi_pool *gowsgi_pool_new(int threads, int queue, int adaptive, int event_fd);
void gowsgi_pool_open(gowsgi_pool *pool, int threads);
int gowsgi_pool_submit(gowsgi_task *task, uint64_t generation, int force);
int gowsgi_pool_cancel(gowsgi_task *task, uint64_t generation);
void gowsgi_pool_ring(gowsgi_task *task, uint32_t bells);
int gowsgi_pool_reap(gowsgi_pool *pool, gowsgi_event *events, int room);
void gowsgi_pool_read_stats(gowsgi_pool *pool, gowsgi_pool_stats *stats);
int gowsgi_pool_close(gowsgi_pool *pool, int64_t timeout);

/* A second source of tasks: where a thread waits that has none. One thread at a time
 * leads: it waits there, and submits what it finds. None of these is called with
 * the pool's lock held. */
typedef struct gowsgi_source gowsgi_source;
struct gowsgi_source {
    /* Waits until there may be something to collect, or wake is called. GIL:
     * released. collect is called afterwards, by the same thread. */
    void (*wait)(gowsgi_source *source);
    /* Submits what there is. GIL: released. */
    void (*collect)(gowsgi_source *source);
    /* Has a wait end that is under way or begins next. GIL: either. */
    void (*wake)(gowsgi_source *source);
    /* The pool has done with a quiet task. GIL: held or not. */
    void (*ended)(gowsgi_source *source, gowsgi_task *task);
};

int gowsgi_pool_attach(gowsgi_pool *pool, gowsgi_source *source);
int gowsgi_pool_has_company(gowsgi_pool *pool);
int gowsgi_pool_is_held_up(gowsgi_pool *pool);
void gowsgi_pool_step_out(gowsgi_pool *pool);
void gowsgi_pool_step_in(gowsgi_pool *pool);

/* Work for the inspector, the one thread that takes the GIL on behalf of
 * others: memory that begins with a gowsgi_job. It is the inspector's from post
 * or ask on. */
typedef struct gowsgi_job gowsgi_job;
typedef void (*gowsgi_job_step)(gowsgi_job *job);
struct gowsgi_job {
    gowsgi_job_step run; /* GIL: held. Never leaves an exception set. */
    gowsgi_job_step clear; /* frees what the job holds; NULL: nothing. GIL: either */
    gowsgi_job *next;
    uint8_t awaited; /* somebody waits for the answer, and frees the job */
    uint8_t answer; /* one of the results of gowsgi_pool_ask, plus one */
};

/* Results of gowsgi_pool_ask. */
enum { GOWSGI_ANSWERED, GOWSGI_LATE, GOWSGI_GONE };

void *gowsgi_job_new(size_t size, gowsgi_job_step run, gowsgi_job_step clear);
void gowsgi_job_free(gowsgi_job *job);
void gowsgi_pool_post(gowsgi_pool *pool, gowsgi_job *job);
int gowsgi_pool_ask(gowsgi_pool *pool, gowsgi_job *job, int64_t patience);
int64_t gowsgi_pool_unresponsive(gowsgi_pool *pool);
/* 1 if greenlets take the place of threads: several share each thread of the pool.
 * Once the pool is open. GIL: either. */
int gowsgi_pool_has_hubs(const gowsgi_pool *pool);

/* What a thread of the pool does. */
typedef struct {
    unsigned long ident; /* Python's name for the thread; 0: it has not begun */
    gowsgi_task *task; /* NULL if it runs none */
    uint64_t generation; /* of that task */
} gowsgi_pool_activity;

int gowsgi_pool_read_thread(gowsgi_pool *pool, int number, gowsgi_pool_activity *thread);

int64_t gowsgi_now(void);

#endif
