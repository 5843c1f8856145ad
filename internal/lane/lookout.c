//go:build linux

/* Who looks while nobody leads: a thread that Python does not know. While all threads
 * are busy, or the limit is reached, nobody waits in the epoll set, and requests would
 * stand in the kernel where no queue_timeout, no limit and no 503 sees them. So when
 * the lead has been vacant for a millisecond, this one reads and submits, and runs
 * nothing. It also makes those requests Go's that have become old.
 *
 * While somebody leads and nothing happens it sleeps; who leaves the lead wakes it. */
#include "lane_internal.h"

#include <time.h>

#define VACANT ((int64_t)1000 * 1000) /* ns */
enum { LOOKS = 4 }; /* in vain, each after twice the time, before it sleeps */

static void pause_for(int64_t ns) {
    struct timespec pause = {ns / 1000000000, ns % 1000000000};
    nanosleep(&pause, NULL);
}

/* Reads if nobody has for a while. */
static void look(gowsgi_lane *lane) {
    int64_t since = __atomic_load_n(&lane->vacant_since, __ATOMIC_RELAXED);
    if (since == 0 || gowsgi_now() - since < VACANT || pthread_mutex_trylock(&lane->reading) != 0)
        return;
    lane_read(lane, 0);
    lane_collect(&lane->source); /* lets go of `reading` */
}

static bool is_quiet(gowsgi_lane *lane, int64_t *served) {
    pthread_mutex_lock(&lane->lock);
    bool quiet = !lane->alive && lane->served == *served;
    *served = lane->served;
    pthread_mutex_unlock(&lane->lock);
    return quiet;
}

static bool somebody_leads(gowsgi_lane *lane) { return __atomic_load_n(&lane->vacant_since, __ATOMIC_SEQ_CST) == 0; }

static bool is_over(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    bool over = lane->over;
    pthread_mutex_unlock(&lane->lock);
    return over;
}

/* Sleeps until something happens. Only while somebody leads: who leaves the lead wakes
 * this thread, or has left it before. False: the lane is not to be used. */
static bool sleep_until_woken(gowsgi_lane *lane, int64_t served) {
    pthread_mutex_lock(&lane->lock);
    lane->lookout_asleep = !lane->alive && lane->served == served && somebody_leads(lane);
    while (lane->lookout_asleep && !lane->over)
        pthread_cond_wait(&lane->lookout_wake, &lane->lock);
    bool over = lane->over;
    pthread_mutex_unlock(&lane->lock);
    return !over;
}

static void *watch(void *arg) {
    gowsgi_lane *lane = arg;
    int64_t served = 0;
    while (sleep_until_woken(lane, served)) {
        int64_t pause = VACANT;
        for (int in_vain = 0; in_vain < LOOKS && !is_over(lane); in_vain++) {
            pause_for(pause);
            look(lane);
            lane_turn_claim(lane, gowsgi_now() - LANE_AGE);
            pause *= 2;
            if (!is_quiet(lane, &served) || !somebody_leads(lane)) {
                in_vain = -1;
                pause = VACANT;
            }
        }
    }
    return NULL;
}

void lane_lookout_wake(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    bool asleep = lane->lookout_asleep;
    lane->lookout_asleep = false;
    pthread_mutex_unlock(&lane->lock);
    if (asleep)
        pthread_cond_signal(&lane->lookout_wake);
}

int lane_lookout_start(gowsgi_lane *lane) { return pthread_create(&lane->lookout, NULL, watch, lane); }

void lane_lookout_stop(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    lane->over = true;
    pthread_mutex_unlock(&lane->lock);
    pthread_cond_signal(&lane->lookout_wake);
    pthread_join(lane->lookout, NULL);
}
