#include <Python.h>

#include "queue.h"

#include <time.h>

/* Microbenchmarks behind these figures: docs/design.md, 4. */
static const int64_t US = 1000, MS = 1000000;
#define QUICK (300 * US) /* got the GIL within this: the threads inside block elsewhere */
#define SLOW (2 * MS) /* waited longer than this: the GIL is the bottleneck */
#define OFTEN (1 * MS) /* between probes */
#define SELDOM (20 * MS) /* between probes while the GIL is the bottleneck */
#define OVERDUE (100 * MS) /* a task inside for longer no longer counts */

static void sleep_ns(int64_t ns) {
    struct timespec pause = {ns / 1000000000, ns % 1000000000};
    nanosleep(&pause, NULL);
}

/* A task that takes its time must not keep the short ones behind it waiting:
 * past OVERDUE it makes room for another. Lock: held. */
static void release_overdue(gowsgi_pool *pool) {
    int64_t now = gowsgi_now();
    for (int i = 0; i < pool->thread_count; i++) {
        pool_thread *thread = &pool->threads[i];
        if (thread->counted && now - thread->started_at > OVERDUE) {
            thread->counted = false;
            pool->active--;
        }
    }
}

/* Moves the limit by what the last probe waited. Lock: held. Returns the time
 * to the next probe. */
static int64_t adjust(gowsgi_pool *pool, int64_t waited, int64_t pause) {
    pool->probes++;
    pool->probe_wait += waited;
    if (waited < QUICK) {
        if (pool->limit < pool->thread_count)
            pool->limit++;
        return OFTEN;
    }
    if (waited > SLOW) {
        if (pool->limit > 1)
            pool->limit--;
        return SELDOM;
    }
    return pause;
}

/* The probe: only while tasks wait at the limit, it asks for the GIL and times
 * the answer. */
void *pool_probe_main(void *arg) {
    gowsgi_pool *pool = arg;
    PyGILState_STATE ensured = PyGILState_Ensure();
    PyThreadState *state = PyEval_SaveThread();
    int64_t pause = OFTEN;

    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        if (!pool_is_crowded(pool)) {
            pool->probe_asleep = true;
            while (pool->probe_asleep)
                pthread_cond_wait(&pool->crowded, &pool->lock);
        }
        pthread_mutex_unlock(&pool->lock);
        sleep_ns(pause);
        pthread_mutex_lock(&pool->lock);
        if (pool->closing || !pool_is_crowded(pool))
            continue;
        release_overdue(pool);
        pthread_mutex_unlock(&pool->lock);

        int64_t asked = gowsgi_now();
        PyEval_RestoreThread(state);
        int64_t waited = gowsgi_now() - asked;
        state = PyEval_SaveThread();

        pthread_mutex_lock(&pool->lock);
        pause = adjust(pool, waited, pause);
        pool_thread *next = queue_next_thread(pool);
        if (next) {
            pthread_mutex_unlock(&pool->lock);
            pthread_cond_signal(&next->wake);
            pthread_mutex_lock(&pool->lock);
        }
    }
    pthread_mutex_unlock(&pool->lock);

    PyEval_RestoreThread(state);
    PyGILState_Release(ensured);
    pthread_mutex_lock(&pool->lock);
    pool->alive--;
    pthread_cond_broadcast(&pool->left);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}
