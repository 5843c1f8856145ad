#include <Python.h>

#include "queue.h"

#include <time.h>

static const int64_t US = 1000, MS = 1000000;
#define AT_ONCE (50 * US) /* got within this, the GIL was free */
#define OFTEN (1 * MS) /* between probes while it is found free */
#define SELDOM (20 * MS) /* between probes otherwise */
#define OVERDUE (100 * MS) /* a task inside for longer no longer counts */
#define WEIGHT (1.0 / 16) /* of one probe in the share of time that the GIL is free */

static void sleep_ns(int64_t ns) {
    struct timespec pause = {ns / 1000000000, ns % 1000000000};
    nanosleep(&pause, NULL);
}

/* A task that takes its time must not keep the short ones behind it waiting:
 * past OVERDUE it makes room for another. Lock: held. */
static void release_overdue(gowsgi_pool *pool, int64_t now) {
    for (int i = 0; i < pool->thread_count; i++) {
        pool_thread *thread = &pool->threads[i];
        if (thread->counted && now - thread->started_at > OVERDUE) {
            thread->counted = false;
            pool_count(pool, -1, now);
        }
    }
}

/* What the probe remembers from one look to the next. */
typedef struct {
    int64_t at, occupied, done; /* of the last look */
    int64_t pause;
    double spare; /* share of time that the GIL is free, as the probes found it */
} look;

/* How many tasks were inside on average since the last look. Lock: held. */
static double average_inside(gowsgi_pool *pool, look *last, int64_t now) {
    pool_count(pool, 0, now);
    double average = (double)(pool->occupied - last->occupied) / (double)(now - last->at + 1);
    last->at = now;
    last->occupied = pool->occupied;
    return average;
}

/* Whether one of those inside has not had the GIL yet. Then it is not free, even if it is
 * got at once: it has just been let go of, and whoever waits has not woken up. Without
 * this, looks that fall into the beginning of the lane's rounds, one after the other,
 * find room for seven threads where requests take microseconds. Lock: held. */
static bool is_wanted(const gowsgi_pool *pool) {
    for (int i = 0; i < pool->thread_count; i++) {
        const pool_thread *thread = &pool->threads[i];
        if (thread->counted && __atomic_load_n(&thread->task->gil_at, __ATOMIC_RELAXED) < thread->started_at)
            return true;
    }
    return false;
}

/* Tasks wait at the limit: moves it. With `limit` tasks inside, the GIL is held
 * for 1 - spare of the time, so one more task would need (1 - spare) / limit of
 * it. If half of that is there, it may come in; if not even a quarter is, there
 * is one too many: two that want the GIL at once hand it to and fro at a context
 * switch each. In between, the limit stays. It rises only if the tasks inside
 * have filled it: a queue that empties by itself needs no more threads. Lock:
 * held. */
static void adjust(gowsgi_pool *pool, look *last, bool free, double inside) {
    last->pause = free ? OFTEN : SELDOM;
    last->spare += WEIGHT * (free - last->spare);
    double need = (1 - last->spare) / pool->limit;
    int change = 0;
    if (last->spare > need / 2 && inside > 0.8 * pool->limit && pool->limit < pool->open)
        change = 1;
    else if (last->spare < need / 4 && pool->limit > 1)
        change = -1;
    if (change) {
        pool->limit += change;
        /* What was found at the old limit does not hold at the new one: begin
         * in the middle of where it stays. */
        last->spare = 0.375 / (pool->limit + 0.375);
    }
}

/* Asks for the GIL. Returns how long that took; *away: whoever had it is about to go
 * on. Lock: held, but not meanwhile. */
static int64_t ask_for_gil(gowsgi_pool *pool, PyThreadState *state, bool *away) {
    pthread_mutex_unlock(&pool->lock);
    int64_t asked = gowsgi_now();
    PyEval_RestoreThread(state);
    int64_t waited = gowsgi_now() - asked;
    *away = __atomic_load_n(&pool->away, __ATOMIC_RELAXED) > 0;
    PyEval_SaveThread();
    pthread_mutex_lock(&pool->lock);
    return waited;
}

/* Sleeps while there is nothing to find out. Lock: held. */
static void rest(gowsgi_pool *pool, look *last) {
    bool busy = pool->done != last->done || pool->queued > 0 || pool->inside > 0;
    last->done = pool->done;
    if (pool_is_crowded(pool) || (busy && pool->limit > 1)) {
        pthread_mutex_unlock(&pool->lock);
        sleep_ns(last->pause);
        pthread_mutex_lock(&pool->lock);
        return;
    }
    pool->probe_asleep = true;
    while (pool->probe_asleep)
        pthread_cond_wait(&pool->company, &pool->lock);
    last->at = gowsgi_now();
    pool_count(pool, 0, last->at);
    last->occupied = pool->occupied;
    last->pause = OFTEN;
}

/* The probe. While tasks wait at the limit, it asks for the GIL, times the
 * answer and moves the limit; a limit that is not needed goes down. */
void *pool_probe_main(void *arg) {
    gowsgi_pool *pool = arg;
    PyGILState_STATE ensured = PyGILState_Ensure();
    PyThreadState *state = PyEval_SaveThread();
    look last = {.pause = OFTEN};

    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        rest(pool, &last);
        if (pool->closing)
            break;
        int64_t now = gowsgi_now();
        double inside = average_inside(pool, &last, now);
        release_overdue(pool, now);
        if (pool_is_crowded(pool)) {
            bool wanted = is_wanted(pool), away;
            int64_t waited = ask_for_gil(pool, state, &away);
            pool->probes++;
            pool->probe_wait += waited;
            /* A GIL that is free because those inside have ended says nothing of what they do. */
            if (pool->active >= pool->limit)
                adjust(pool, &last, !wanted && !away && waited < AT_ONCE, inside);
            else
                last.pause = SELDOM;
        } else {
            if (pool->limit > 1 && inside < pool->limit - 1)
                pool->limit--;
            last.pause = SELDOM;
        }
        pool_thread *next = queue_next_thread(pool);
        if (next) {
            pthread_mutex_unlock(&pool->lock);
            pool_thread_wake(next);
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
