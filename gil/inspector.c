#include <Python.h>

#include "queue.h"

#include "../internal/crash/crash.h"

#include <stdlib.h>

/* Between two questions whether the GIL can still be had, ns. */
static const int64_t PING = 1000000000;

/* Does: makes a job of `size` bytes, all 0 behind its gowsgi_job.
 * Memory: the caller's, until it is posted or asked for.
 * GIL: either.
 * Fails: NULL if memory is short. */
void *gowsgi_job_new(size_t size, gowsgi_job_step run, gowsgi_job_step clear) {
    gowsgi_job *job = calloc(1, size);
    if (job)
        *job = (gowsgi_job){.run = run, .clear = clear};
    return job;
}

/* Does: frees a job and what it holds.
 * Memory: see there.
 * GIL: either.
 * Fails: never. */
void gowsgi_job_free(gowsgi_job *job) {
    if (job->clear)
        job->clear(job);
    free(job);
}

static gowsgi_job *take_jobs(gowsgi_pool *pool) {
    gowsgi_job *jobs = pool->jobs;
    pool->jobs = NULL;
    return jobs;
}

/* Hands a job back to who waits for it, or frees it. */
static void settle(gowsgi_pool *pool, gowsgi_job *job, int answer) {
    pthread_mutex_lock(&pool->lock);
    bool awaited = job->awaited;
    job->answer = (uint8_t)(answer + 1);
    if (awaited)
        pthread_cond_broadcast(&pool->answered);
    pthread_mutex_unlock(&pool->lock);
    if (!awaited)
        gowsgi_job_free(job);
}

/* GIL: held. */
static void run_jobs(gowsgi_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    gowsgi_job *job = take_jobs(pool);
    pthread_mutex_unlock(&pool->lock);
    while (job) {
        gowsgi_job *next = job->next;
        job->run(job);
        settle(pool, job, GOWSGI_ANSWERED);
        job = next;
    }
}

/* The inspector. It takes the GIL for those who may not, and once a second
 * while tasks are inside, only to see whether it can be had: how long it has
 * been waiting is there for everybody to read. */
void *pool_inspector_main(void *arg) {
    gowsgi_pool *pool = arg;
    gowsgi_crash_guard();
    __atomic_store_n(&pool->asked_at, gowsgi_now(), __ATOMIC_RELAXED);
    PyGILState_STATE ensured = PyGILState_Ensure();
    for (;;) {
        run_jobs(pool);
        /* Only now: a job that lets go of the GIL and does not get it back is
         * stuck as well. */
        __atomic_store_n(&pool->asked_at, 0, __ATOMIC_RELAXED);
        PyThreadState *state = PyEval_SaveThread();
        pthread_mutex_lock(&pool->lock);
        do {
            if (!pool->jobs && !pool->dismissed)
                pool_wait(pool, &pool->mail, PING);
        } while (!pool->jobs && !pool->dismissed && pool->inside == 0);
        bool leave = pool->dismissed;
        pthread_mutex_unlock(&pool->lock);
        __atomic_store_n(&pool->asked_at, gowsgi_now(), __ATOMIC_RELAXED);
        PyEval_RestoreThread(state);
        if (leave)
            break;
    }
    __atomic_store_n(&pool->asked_at, 0, __ATOMIC_RELAXED);
    PyGILState_Release(ensured);
    gowsgi_crash_unguard();
    return NULL;
}

void pool_inspector_dismiss(gowsgi_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    pool->dismissed = true;
    gowsgi_job *job = take_jobs(pool);
    pthread_cond_signal(&pool->mail);
    pthread_mutex_unlock(&pool->lock);
    while (job) {
        gowsgi_job *next = job->next;
        settle(pool, job, GOWSGI_GONE);
        job = next;
    }
    if (pool->has_inspector)
        pthread_join(pool->inspector, NULL);
}

/* Lock: held. False if there is no inspector (any more). */
static bool put(gowsgi_pool *pool, gowsgi_job *job) {
    if (pool->dismissed)
        return false;
    gowsgi_job **last = &pool->jobs;
    while (*last)
        last = &(*last)->next;
    job->next = NULL;
    job->answer = 0;
    *last = job;
    pthread_cond_signal(&pool->mail);
    return true;
}

/* Lock: held. False if the inspector has it already. */
static bool take_back(gowsgi_pool *pool, gowsgi_job *job) {
    for (gowsgi_job **at = &pool->jobs; *at; at = &(*at)->next)
        if (*at == job) {
            *at = job->next;
            return true;
        }
    return false;
}

/* Does: has the inspector run a job as soon as it has the GIL. Does not wait.
 * Memory: the job is the inspector's, which frees it.
 * GIL: either.
 * Fails: never; once the pool is closed the job is freed without having run. */
void gowsgi_pool_post(gowsgi_pool *pool, gowsgi_job *job) {
    pthread_mutex_lock(&pool->lock);
    job->awaited = 0;
    bool there = put(pool, job);
    pthread_mutex_unlock(&pool->lock);
    if (!there)
        gowsgi_job_free(job);
}

/* Does: has the inspector run a job and waits for it, until it has been asking
 *     for the GIL for about `patience` ns.
 * Memory: the job is the caller's again if it was answered; else it is gone.
 * GIL: released.
 * Fails: GOWSGI_LATE if patience has ended; GOWSGI_GONE if the pool is
 *     closed. */
int gowsgi_pool_ask(gowsgi_pool *pool, gowsgi_job *job, int64_t patience) {
    int64_t deadline = gowsgi_now() + patience - gowsgi_pool_unresponsive(pool);
    pthread_mutex_lock(&pool->lock);
    job->awaited = 1;
    int answer = put(pool, job) ? GOWSGI_LATE : GOWSGI_GONE;
    while (answer == GOWSGI_LATE && !job->answer) {
        int64_t left = deadline - gowsgi_now();
        if (left <= 0)
            break;
        pool_wait(pool, &pool->answered, left);
    }
    if (job->answer)
        answer = job->answer - 1;
    /* One that runs at this moment is freed by the inspector. */
    job->awaited = 0;
    bool mine = answer == GOWSGI_GONE || (answer == GOWSGI_LATE && take_back(pool, job));
    pthread_mutex_unlock(&pool->lock);
    if (mine)
        gowsgi_job_free(job);
    return answer;
}

/* Does: tells for how many ns the inspector has been waiting for the GIL; 0 if
 *     it does not.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
int64_t gowsgi_pool_unresponsive(gowsgi_pool *pool) {
    int64_t asked = __atomic_load_n(&pool->asked_at, __ATOMIC_RELAXED);
    int64_t since = asked ? gowsgi_now() - asked : 0;
    return since > 0 ? since : 0;
}
