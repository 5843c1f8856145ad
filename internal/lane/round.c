//go:build linux

/* The reader: whoever has `reading` fetches a round of events, reads what has come,
 * and submits what is plain. That is the thread which leads, or the lookout. */
#include "lane_internal.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POLL (20 * 1000) /* ns that the leader looks before it sleeps */
#define MOST_PAUSES 63 /* times that it does not after it was in vain */

void lane_read(gowsgi_lane *lane, int timeout_ms) {
    int n = epoll_wait(lane->epoll, lane->events, LANE_ROUND, timeout_ms);
    lane->event_count = n > 0 ? n : 0;
}

/* Under load something is microseconds away: then nobody has to wake this thread. */
static void poll(gowsgi_lane *lane) {
    lane_read(lane, 0);
    if (lane->event_count || lane->poll_in-- > 0)
        return;
    int64_t end = gowsgi_now() + POLL;
    do {
        sched_yield();
        lane_read(lane, 0);
    } while (!lane->event_count && gowsgi_now() < end);
    lane->poll_pause = lane->event_count ? 0 : lane->poll_pause < MOST_PAUSES ? lane->poll_pause * 2 + 1 : MOST_PAUSES;
    lane->poll_in = lane->poll_pause;
}

static int milliseconds(int64_t ns) {
    const int64_t ms = 1000000;
    if (ns < 0)
        return -1;
    return ns > INT32_MAX * ms ? INT32_MAX : (int)((ns + ms - 1) / ms);
}

/* True, once, if the pool wants the leader. The event of the bell alone does not say
 * so: the lookout may have fetched it, which knows nothing to do about it. */
static bool is_wanted(gowsgi_lane *lane) { return __atomic_exchange_n(&lane->wanted_back, 0, __ATOMIC_SEQ_CST) != 0; }

void lane_wait(gowsgi_source *source) {
    gowsgi_lane *lane = (gowsgi_lane *)source;
    pthread_mutex_lock(&lane->reading);
    __atomic_store_n(&lane->vacant_since, 0, __ATOMIC_SEQ_CST);
    if (is_wanted(lane)) {
        lane_read(lane, 0);
        return;
    }
    poll(lane);
    if (lane->event_count)
        return;
    /* Whoever adds something or wants this thread from here on sees that it has to be
     * woken; what was added before makes the patience 0. */
    __atomic_store_n(&lane->sleeping, 1, __ATOMIC_SEQ_CST);
    int64_t patience = is_wanted(lane) ? 0 : lane_patience(lane);
    lane_read(lane, milliseconds(patience));
    __atomic_store_n(&lane->sleeping, 0, __ATOMIC_SEQ_CST);
}

static uint8_t *copy(const uint8_t *data, size_t size) {
    uint8_t *own = malloc(size);
    if (own)
        memcpy(own, data, size);
    return own;
}

/* Gives bytes that are not plain to Go, with their connection. */
static void hand_bytes(gowsgi_lane *lane, gowsgi_connection *c, const uint8_t *data, size_t size) {
    if (data != c->in) {
        c->in = copy(data, size);
        if (!c->in) { /* nobody can be told anything */
            lane_close(lane, c);
            return;
        }
        c->in_size = size;
    }
    lane_hand(lane, c, GOWSGI_LANE_BYTES);
}

/* Keeps what stands behind a request for the next round. -1: memory is short. */
static int keep_rest(gowsgi_connection *c, const uint8_t *data, size_t size) {
    uint8_t *own = size ? copy(data, size) : NULL;
    if (size && !own)
        return -1;
    free(c->in);
    c->in = own;
    c->in_size = size;
    c->pipelined |= size > 0;
    return 0;
}

/* Takes a body that is all there. False: memory is short. */
static bool take_body(wsgi_request *req, const uint8_t *data, size_t size) {
    if (size == 0)
        return true;
    if (gowsgi_request_body(req, size, 0) < 0)
        return false;
    memcpy(req->body.data, data, size);
    return true;
}

static bool has_plain_form(const gowsgi_head *h) {
    return h->form == GOWSGI_ORIGIN && !h->chunked && !h->awaits_continue && !h->upgrade && !h->expectations;
}

/* Submits what is a plain request, and hands over what is none. */
void lane_begin(gowsgi_lane *lane, gowsgi_connection *c, gowsgi_field *fields, const uint8_t *data, size_t size) {
    gowsgi_head head = {0};
    int64_t head_size = gowsgi_head_read(&head, fields, data, (uint32_t)size, &lane->config.limits);
    lane_turn *t = NULL;
    if (head_size > 0 && has_plain_form(&head) && (uint64_t)head.length <= lane->config.body_room &&
        size - (size_t)head_size >= (uint64_t)head.length)
        t = lane_turn_take(lane);
    if (!t) {
        hand_bytes(lane, c, data, size);
        return;
    }
    size_t body = (size_t)head.length, whole = (size_t)head_size + body;
    if (!lane_plain(lane, c, &head, fields, data, t) || !take_body(t->request, data + head_size, body)) {
        lane_turn_return(lane, t);
        hand_bytes(lane, c, data, size);
        return;
    }
    t->body_size = body;
    if (keep_rest(c, data + whole, size - whole) < 0) {
        lane_turn_return(lane, t);
        hand_bytes(lane, c, data, size);
        return;
    }
    if (lane_turn_start(t, c))
        return;
    /* Go is to say so, and needs all of it: what is behind the request was kept. */
    uint8_t *all = malloc(t->head_size + body + c->in_size);
    if (!all) {
        lane_turn_return(lane, t);
        lane_close(lane, c);
        return;
    }
    memcpy(all, t->head, t->head_size);
    if (body)
        memcpy(all + t->head_size, t->request->body.data, body);
    if (c->in_size)
        memcpy(all + t->head_size + body, c->in, c->in_size);
    free(c->in);
    c->in = all;
    c->in_size += t->head_size + body;
    lane_turn_return(lane, t);
    lane_hand(lane, c, GOWSGI_LANE_BYTES);
}

size_t lane_receive(gowsgi_lane *lane, gowsgi_connection *c, uint8_t *to) {
    ssize_t n;
    while ((n = read(c->fd, to, LANE_SCRATCH)) < 0 && errno == EINTR) {
    }
    if (n < 0 && errno == EAGAIN) {
        lane_park(lane, c);
        return 0;
    }
    if (n <= 0) { /* it has left, and asked for nothing */
        lane_close(lane, c);
        return 0;
    }
    if (n == LANE_SCRATCH) { /* there may be more, of which no event will tell */
        pthread_mutex_lock(&lane->lock);
        c->word |= LANE_EVENT;
        pthread_mutex_unlock(&lane->lock);
    }
    return (size_t)n;
}

/* Reads a connection that this thread has taken. */
static void read_one(gowsgi_lane *lane, gowsgi_connection *c) {
    if (c->in_size) {
        lane_begin(lane, c, lane->fields, c->in, c->in_size); /* freed by whoever takes it */
        return;
    }
    size_t n = lane_receive(lane, c, lane->scratch);
    if (n > 0)
        lane_begin(lane, c, lane->fields, lane->scratch, n);
}

/* Takes the connections of the events, and those that are ready. */
static lane_list take_round(gowsgi_lane *lane) {
    lane_list round = {0};
    pthread_mutex_lock(&lane->lock);
    round = lane->ready;
    lane->ready = (lane_list){0};
    for (int i = 0; i < lane->event_count; i++) {
        gowsgi_connection *c = lane->events[i].data.ptr;
        if (!c || c->word == LANE_FREE) /* the bell; or closed since */
            continue;
        if (c->word != LANE_WAITS) {
            c->word |= LANE_EVENT;
            continue;
        }
        lane_remove(c->fresh ? &lane->fresh : &lane->waiting, c);
        lane->idle--;
        /* An end of the client's comes with no further event. */
        bool ends = lane->events[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
        c->word = LANE_BUSY | (ends ? LANE_EVENT : 0);
        lane_append(&round, c);
    }
    lane->event_count = 0;
    pthread_mutex_unlock(&lane->lock);
    return round;
}

void lane_arrive(gowsgi_lane *lane) {
    lane_list round = take_round(lane), sealed = {0};
    for (gowsgi_connection *c = round.first, *next; c; c = next) {
        next = c->next;
        c->next = c->previous = NULL;
        if (c->tls)
            lane_append(&sealed, c);
        else
            read_one(lane, c);
    }
    int64_t now = gowsgi_now();
    lane_expire(lane, now);
    __atomic_store_n(&lane->vacant_since, now, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&lane->reading);
    if (sealed.first)
        lane_read_sealed(lane, sealed.first); /* in Go: without the lock */
}

void lane_collect(gowsgi_source *source) {
    lane_arrive((gowsgi_lane *)source);
    lane_stir((gowsgi_lane *)source); /* nobody leads */
}
