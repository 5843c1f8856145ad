//go:build linux

/* Who looks while nobody leads: a thread that Python does not know. While all threads
 * are busy, or the limit is reached, nobody waits in the epoll set, and requests would
 * stand in the kernel where no queue_timeout, no limit and no 503 sees them. So when
 * the lead has been vacant for a millisecond, this one reads and submits, and runs
 * nothing. It also makes those requests Go's that have become old.
 *
 * While something happens it looks every millisecond, which nobody has to tell it.
 * Otherwise it sleeps: until a connection has something and nobody leads, until a
 * request becomes old, or until it is stirred. */
#include "lane_internal.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define VACANT ((int64_t)1000 * 1000) /* ns */
enum { LOOKS = 4 }; /* in vain before it sleeps; if somebody leads, each after twice the time */

static struct timespec duration(int64_t ns) { return (struct timespec){ns / 1000000000, ns % 1000000000}; }

static void pause_for(int64_t ns) {
    struct timespec pause = duration(ns);
    nanosleep(&pause, NULL);
}

/* Reads if nobody has for a while. True: there was something. */
static bool look(gowsgi_lane *lane) {
    int64_t since = __atomic_load_n(&lane->vacant_since, __ATOMIC_RELAXED);
    if (since == 0 || gowsgi_now() - since < VACANT || pthread_mutex_trylock(&lane->reading) != 0)
        return false;
    lane_read(lane, 0);
    bool found = lane->event_count > 0;
    lane_arrive(lane);
    return found;
}

static bool somebody_leads(gowsgi_lane *lane) { return __atomic_load_n(&lane->vacant_since, __ATOMIC_SEQ_CST) == 0; }

static bool is_over(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    bool over = lane->over;
    pthread_mutex_unlock(&lane->lock);
    return over;
}

/* Whether it was stirred since this was asked before. */
static bool was_stirred(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    bool stirred = lane->stirred;
    lane->stirred = false;
    pthread_mutex_unlock(&lane->lock);
    return stirred;
}

/* Falls asleep, unless it was stirred. From then on whoever stirs it wakes it. */
static bool falls_asleep(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    lane->lookout_asleep = !lane->stirred && !lane->over;
    lane->stirred = false;
    bool asleep = lane->lookout_asleep;
    pthread_mutex_unlock(&lane->lock);
    return asleep;
}

static void wake_up(gowsgi_lane *lane) {
    uint64_t rings;
    pthread_mutex_lock(&lane->lock);
    lane->lookout_asleep = false;
    pthread_mutex_unlock(&lane->lock);
    (void)!read(lane->bell, &rings, sizeof rings); /* if there is one */
}

/* Sleeps until it is stirred, or that time; and until something is to be read, if
 * nobody leads: who comes to lead reads it, and stirs this thread when it leaves. */
static void sleep_until(gowsgi_lane *lane, int64_t due) {
    if (!falls_asleep(lane))
        return;
    bool leads = somebody_leads(lane);
    int64_t left = due < 0 ? -1 : due - gowsgi_now(), patience = leads ? -1 : lane_patience(lane);
    if (due >= 0 && left < 0)
        left = 0;
    if (left < 0 || (patience >= 0 && patience < left))
        left = patience;
    struct timespec limit = duration(left < 0 ? 0 : left);
    struct pollfd wait[] = {{.fd = lane->bell, .events = POLLIN}, {.fd = lane->epoll, .events = POLLIN}};
    ppoll(wait, leads ? 1 : 2, left < 0 ? NULL : &limit, NULL);
    wake_up(lane);
}

static void *watch(void *arg) {
    gowsgi_lane *lane = arg;
    pthread_setname_np(pthread_self(), "gowsgi lookout");
    while (!is_over(lane)) {
        int64_t pause = VACANT, due = -1;
        for (int in_vain = 0; in_vain < LOOKS && !is_over(lane); in_vain++) {
            bool found = look(lane);
            due = lane_turn_claim(lane, gowsgi_now() - LANE_AGE);
            if (was_stirred(lane) || found) {
                in_vain = -1;
                pause = VACANT;
            }
            pause_for(pause);
            if (somebody_leads(lane))
                pause *= 2;
        }
        sleep_until(lane, due);
    }
    return NULL;
}

void lane_stir(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    bool asleep = lane->lookout_asleep;
    lane->lookout_asleep = false;
    lane->stirred = true;
    pthread_mutex_unlock(&lane->lock);
    if (asleep)
        lane_tell(lane->bell);
}

int lane_lookout_start(gowsgi_lane *lane) { return pthread_create(&lane->lookout, NULL, watch, lane); }

void lane_lookout_stop(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    lane->over = true;
    pthread_mutex_unlock(&lane->lock);
    lane_stir(lane);
    pthread_join(lane->lookout, NULL);
}
