//go:build linux

/* Connections: where they are, and how they get there. */
#include "lane_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SLOTS = 16 }; /* are made at a time */

void lane_append(lane_list *list, gowsgi_connection *c) {
    c->next = NULL;
    c->previous = list->last;
    if (list->last)
        list->last->next = c;
    else
        list->first = c;
    list->last = c;
}

void lane_remove(lane_list *list, gowsgi_connection *c) {
    if (c->previous)
        c->previous->next = c->next;
    else
        list->first = c->next;
    if (c->next)
        c->next->previous = c->previous;
    else
        list->last = c->previous;
    c->next = c->previous = NULL;
}

void lane_wake(gowsgi_lane *lane) {
    uint64_t one = 1;
    /* Nobody reads it: a write is an edge each time, and a full one has been one. */
    while (write(lane->wake_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void lane_ring(gowsgi_source *source) {
    gowsgi_lane *lane = (gowsgi_lane *)source;
    __atomic_store_n(&lane->wanted_back, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&lane->sleeping, __ATOMIC_SEQ_CST))
        lane_wake(lane);
}

void lane_tell(int event_fd) {
    uint64_t one = 1;
    while (write(event_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

/* Nobody has it any more. Lock: held. */
static void set_free(gowsgi_lane *lane, gowsgi_connection *c) {
    c->word = LANE_FREE;
    c->previous = NULL;
    c->next = lane->free;
    lane->free = c;
    lane->open--;
}

/* Lock: held. */
static void link_handed(gowsgi_lane *lane, gowsgi_connection *c, int why) {
    c->why = (uint8_t)why;
    c->next = NULL;
    if (lane->handed)
        lane->handed_last->next = c;
    else
        lane->handed = c;
    lane->handed_last = c;
}

/* Gives a connection that nobody else has to Go. */
void lane_hand(gowsgi_lane *lane, gowsgi_connection *c, int why) {
    if (c->fd >= 0)
        epoll_ctl(lane->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    pthread_mutex_lock(&lane->lock);
    bool first = !lane->handed;
    link_handed(lane, c, why);
    pthread_mutex_unlock(&lane->lock);
    if (first)
        lane_tell(lane->config.event_fd);
}

/* Ends a connection that nobody else has; with TLS Go does, which has to tell. The end is told to the client by itself:
 * a process that the application forked may have a copy of the socket. */
void lane_close(gowsgi_lane *lane, gowsgi_connection *c) {
    if (c->tls) {
        lane_hand(lane, c, GOWSGI_LANE_ENDS);
        return;
    }
    epoll_ctl(lane->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    shutdown(c->fd, SHUT_WR);
    close(c->fd);
    c->fd = -1;
    if (lane->config.open_count && !__atomic_load_n(&lane->draining, __ATOMIC_RELAXED))
        __atomic_fetch_sub(lane->config.open_count, 1, __ATOMIC_RELAXED);
    if (lane->config.tells_closed) {
        lane_hand(lane, c, GOWSGI_LANE_CLOSED);
        return;
    }
    pthread_mutex_lock(&lane->lock);
    set_free(lane, c);
    pthread_mutex_unlock(&lane->lock);
}

/* Something is ready: whoever leads is to read it, or the lookout. */
static void tell_reader(gowsgi_lane *lane) {
    if (__atomic_load_n(&lane->sleeping, __ATOMIC_SEQ_CST))
        lane_wake(lane);
    else
        lane_stir(lane);
}

/* Has a connection that nobody else has read in the next round. */
void lane_again(gowsgi_lane *lane, gowsgi_connection *c) {
    pthread_mutex_lock(&lane->lock);
    lane_append(&lane->ready, c);
    pthread_mutex_unlock(&lane->lock);
    tell_reader(lane);
}

static const uint32_t EVENTS = EPOLLIN | EPOLLRDHUP | EPOLLET;

/* Has a connection that nobody else has wait for its next request. */
void lane_park(gowsgi_lane *lane, gowsgi_connection *c) {
    int64_t now = gowsgi_now();
    struct epoll_event event = {.events = EVENTS, .data.ptr = c};
    pthread_mutex_lock(&lane->lock);
    bool drains = lane->draining;
    /* No other edge will come for what there is, so the kernel is asked to tell once more:
     * bytes, or the client's end, or both. Under the lock, since whoever takes the
     * connection may close its descriptor. */
    bool again = !drains && (c->word & LANE_EVENT) && epoll_ctl(lane->epoll, EPOLL_CTL_MOD, c->fd, &event) < 0;
    if (again) {
        c->word = LANE_BUSY;
        lane_append(&lane->ready, c);
    } else if (!drains) {
        c->since = now;
        c->word = LANE_WAITS;
        lane->idle++;
        lane_append(c->fresh ? &lane->fresh : &lane->waiting, c);
    }
    pthread_mutex_unlock(&lane->lock);
    if (drains)
        lane_hand(lane, c, GOWSGI_LANE_IDLE);
    else if (again)
        tell_reader(lane);
}

/* Takes one that waits out of its list. Lock: held. */
static void take(gowsgi_lane *lane, gowsgi_connection *c) {
    lane_remove(c->fresh ? &lane->fresh : &lane->waiting, c);
    lane->idle--;
    c->word = LANE_BUSY;
}

bool lane_has_input(int fd) {
    int size = 0;
    return ioctl(fd, FIONREAD, &size) == 0 && size > 0;
}

/* Takes the first of a list, if it has waited since before `since`, to be closed. What
 * has something in the kernel is no idle connection: it is read. NULL: none. */
static gowsgi_connection *take_idle(gowsgi_lane *lane, lane_list *list, int64_t since) {
    pthread_mutex_lock(&lane->lock);
    gowsgi_connection *c;
    while ((c = list->first) && c->since <= since) {
        take(lane, c);
        if (!lane_has_input(c->fd))
            break;
        lane_append(&lane->ready, c);
    }
    if (c && c->since > since)
        c = NULL;
    pthread_mutex_unlock(&lane->lock);
    return c;
}

void lane_expire(gowsgi_lane *lane, int64_t now) {
    gowsgi_connection *c;
    if (lane->config.header_timeout > 0)
        while ((c = take_idle(lane, &lane->fresh, now - lane->config.header_timeout)))
            lane_close(lane, c);
    if (lane->config.keep_alive > 0)
        while ((c = take_idle(lane, &lane->waiting, now - lane->config.keep_alive)))
            lane_close(lane, c);
}

static int64_t sooner(int64_t a, int64_t b) { return a < 0 || (b >= 0 && b < a) ? b : a; }

static int64_t left(const lane_list *list, int64_t timeout, int64_t now) {
    if (timeout <= 0)
        return -1;
    int64_t until = list->first ? list->first->since + timeout - now : timeout;
    return until > 0 ? until : 0;
}

/* Those that come back meanwhile wait for as long as the timeouts say, so an empty
 * list is looked at after that. */
int64_t lane_patience(gowsgi_lane *lane) {
    int64_t now = gowsgi_now();
    pthread_mutex_lock(&lane->lock);
    int64_t patience = -1;
    if (lane->ready.first)
        patience = 0;
    else if (lane->open > 0)
        patience = sooner(left(&lane->fresh, lane->config.header_timeout, now),
                          left(&lane->waiting, lane->config.keep_alive, now));
    pthread_mutex_unlock(&lane->lock);
    return patience;
}

/* Lock: held. NULL: memory is short. */
static gowsgi_connection *take_slot(gowsgi_lane *lane) {
    if (!lane->free) {
        gowsgi_connection *slots = calloc(SLOTS, sizeof *slots);
        for (int i = 0; slots && i < SLOTS; i++) {
            slots[i].next = lane->free;
            lane->free = &slots[i];
        }
    }
    gowsgi_connection *c = lane->free;
    if (c) {
        lane->free = c->next;
        lane->open++;
    }
    return c;
}

/* Does: takes over a connection that waits for a request.
 * Memory: fd is the lane's, which closes it, and so are tls and variables; of `like`
 *     its addresses, requests and other facts are copied.
 * GIL: either.
 * Fails: -1, and the connection stays the caller's: the lane drains, or memory is
 *     short. */
int gowsgi_lane_give(gowsgi_lane *lane, int fd, const gowsgi_connection *like) {
    pthread_mutex_lock(&lane->lock);
    gowsgi_connection *c = lane->draining ? NULL : take_slot(lane);
    bool first = c && lane->open == 1;
    if (c) {
        *c = *like;
        c->fd = fd;
        c->in = NULL;
        c->in_size = 0;
        c->unquiet = 0;
        c->word = LANE_BUSY;
    }
    pthread_mutex_unlock(&lane->lock);
    if (!c)
        return -1;
    struct epoll_event event = {.events = EVENTS, .data.ptr = c};
    if (epoll_ctl(lane->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
        pthread_mutex_lock(&lane->lock);
        set_free(lane, c);
        pthread_mutex_unlock(&lane->lock);
        return -1;
    }
    lane_park(lane, c);
    if (first)
        tell_reader(lane); /* it sleeps without a limit */
    return 0;
}

/* Does: returns what Go is to take over, or NULL; *wanted are requests that the lane
 *     is short of.
 * Memory: fd, tls, in and the request of the connection are Go's from here on; the rest is
 *     its to read until gowsgi_lane_taken.
 * GIL: either.
 * Fails: never. */
gowsgi_connection *gowsgi_lane_handed(gowsgi_lane *lane, int *wanted) {
    pthread_mutex_lock(&lane->lock);
    gowsgi_connection *c = lane->handed;
    if (c)
        lane->handed = c->next;
    *wanted = lane->wanted;
    lane->wanted = 0;
    pthread_mutex_unlock(&lane->lock);
    return c;
}

/* Does: takes the slot of a connection back that was handed over. It counts among the
 *     open ones until then.
 * Memory: the connection is nobody's.
 * GIL: either.
 * Fails: never. */
void gowsgi_lane_taken(gowsgi_lane *lane, gowsgi_connection *c) {
    free(c->in);
    free(c->answer.rest);
    free(c->variables);
    c->in = c->answer.rest = c->variables = NULL;
    c->variables_size = 0;
    c->tls = 0;
    pthread_mutex_lock(&lane->lock);
    set_free(lane, c);
    pthread_mutex_unlock(&lane->lock);
}

/* A connection that has just come is not idle: its request is on its way. */
#define JUST ((int64_t)50 * 1000 * 1000) /* ns */

/* Does: closes up to `most` of the connections that have waited longest, and returns
 *     how many.
 * Memory: theirs is used again.
 * GIL: either.
 * Fails: never. */
int gowsgi_lane_spare(gowsgi_lane *lane, int most) {
    int closed = 0;
    int64_t old = gowsgi_now() - JUST;
    for (; closed < most; closed++) {
        pthread_mutex_lock(&lane->lock);
        const gowsgi_connection *fresh = lane->fresh.first, *waiting = lane->waiting.first;
        bool older = waiting && (!fresh || waiting->since <= fresh->since || fresh->since > old);
        pthread_mutex_unlock(&lane->lock);
        gowsgi_connection *c = older ? take_idle(lane, &lane->waiting, INT64_MAX) : take_idle(lane, &lane->fresh, old);
        if (!c)
            break;
        lane_close(lane, c);
    }
    tell_reader(lane); /* some may have turned out to be ready */
    return closed;
}

/* Does: hands over all connections that wait, for good; the others follow when they
 *     come to wait, with Connection: close in their last response if that has not
 *     begun.
 * Memory: theirs is Go's.
 * GIL: either.
 * Fails: never. */
void gowsgi_lane_drain(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    __atomic_store_n(&lane->draining, true, __ATOMIC_RELAXED); /* some look without the lock */
    pthread_mutex_unlock(&lane->lock);
    for (;;) {
        pthread_mutex_lock(&lane->lock);
        gowsgi_connection *c = lane->fresh.first ? lane->fresh.first : lane->waiting.first;
        if (c)
            take(lane, c);
        pthread_mutex_unlock(&lane->lock);
        if (!c)
            break;
        lane_hand(lane, c, GOWSGI_LANE_IDLE);
    }
    lane_turn_claim(lane, INT64_MAX);
    lane_wake(lane); /* those that are to be read */
}

/* Does: counts connections, those that wait, and requests that were answered here.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
void gowsgi_lane_count(gowsgi_lane *lane, int *open, int *idle, int64_t *served) {
    pthread_mutex_lock(&lane->lock);
    *open = lane->open;
    *idle = lane->idle;
    *served = lane->served;
    pthread_mutex_unlock(&lane->lock);
}
