/* A job on a thread of its own, for when there is no inspector: while the
 * application is loaded, and when its pool has closed. */
#include "start.h"

#include "wsgi.h"

#include "../internal/crash/crash.h"

#include <stdlib.h>
#include <time.h>

typedef struct {
    gowsgi_job *job;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    bool done, abandoned;
} errand;

/* One that did not get the GIL goes on waiting, and no second one joins it. */
static bool under_way;

static void free_errand(errand *e) {
    pthread_cond_destroy(&e->answered);
    pthread_mutex_destroy(&e->lock);
    free(e);
}

static void *run(void *arg) {
    errand *e = arg;
    gowsgi_crash_guard();
    PyGILState_STATE state = PyGILState_Ensure(); /* does not come back while Python is finalised */
    e->job->run(e->job);
    PyGILState_Release(state);
    gowsgi_crash_unguard();
    __atomic_store_n(&under_way, false, __ATOMIC_RELEASE);
    pthread_mutex_lock(&e->lock);
    bool abandoned = e->abandoned;
    e->done = true;
    pthread_cond_signal(&e->answered);
    pthread_mutex_unlock(&e->lock);
    if (abandoned) {
        gowsgi_job_free(e->job);
        free_errand(e);
    }
    return NULL;
}

static errand *start(gowsgi_job *job) {
    pthread_t thread;
    errand *e = calloc(1, sizeof *e);
    if (!e)
        return NULL;
    e->job = job;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->answered, NULL);
    if (pthread_create(&thread, NULL, run, e) != 0) {
        free_errand(e);
        return NULL;
    }
    pthread_detach(thread);
    return e;
}

/* One that is under way may just have got the GIL: only if it does not come back, the
 * GIL cannot be had. */
static bool wait_for_turn(int64_t patience) {
    const struct timespec pause = {0, 1000000};
    for (int64_t end = gowsgi_now() + patience; __atomic_exchange_n(&under_way, true, __ATOMIC_ACQ_REL);) {
        if (gowsgi_now() >= end)
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

/* Does: runs a job under the GIL, and waits for it for `patience` ns.
 * Memory: the job is the caller's again if it ran; else it is gone.
 * GIL: released.
 * Fails: false: the GIL could not be had in time. */
bool gowsgi_errand(gowsgi_job *job, int64_t patience) {
    if (!Py_IsInitialized() || !wait_for_turn(patience)) {
        gowsgi_job_free(job);
        return false;
    }
    errand *e = start(job);
    if (!e) {
        __atomic_store_n(&under_way, false, __ATOMIC_RELEASE);
        gowsgi_job_free(job);
        return false;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(patience / 1000000000);
    until.tv_nsec += (long)(patience % 1000000000);
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&e->lock);
    while (!e->done && pthread_cond_timedwait(&e->answered, &e->lock, &until) == 0)
        ;
    bool done = e->done;
    e->abandoned = true;
    pthread_mutex_unlock(&e->lock);
    if (!done)
        return false;
    free_errand(e);
    return true;
}

/* Does: tells whether a thread of this file is still there.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
bool gowsgi_errand_under_way(void) { return __atomic_load_n(&under_way, __ATOMIC_ACQUIRE); }
