//go:build linux

/* A request's way: submitted, sent, and over; or Go's. */
#include "lane_internal.h"

#include "../http1/after.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A block that is not the last goes out when so much has come, or so much time has
 * passed: most iterators have one block and end at once, and their length is known
 * then. Who produces nothing more meanwhile is Go's (PEP 3333, "Buffering and
 * Streaming": no block is to wait for the next one). */
enum { ENOUGH = 16 << 10 };
#define HOLD ((int64_t)1000 * 1000) /* ns */

void lane_turn_ended(gowsgi_source *source, gowsgi_task *task) {
    lane_turn_return((gowsgi_lane *)source, (lane_turn *)((wsgi_request *)task)->wire);
}

/* ---- alive ---- */

static void set_owner(lane_turn *t, uint8_t owner) {
    pthread_mutex_lock(&t->request->lock);
    t->owner = owner;
    pthread_cond_broadcast(&t->request->changed);
    pthread_mutex_unlock(&t->request->lock);
}

/* Lock of the lane: held. */
static void unlink_alive(gowsgi_lane *lane, lane_turn *t) {
    if (t->previous)
        t->previous->next = t->next;
    else
        lane->alive = t->next;
    if (t->next)
        t->next->previous = t->previous;
    else
        lane->alive_last = t->previous;
}

static void remove_alive(lane_turn *t) {
    pthread_mutex_lock(&t->lane->lock);
    unlink_alive(t->lane, t);
    pthread_mutex_unlock(&t->lane->lock);
}

bool lane_turn_start(lane_turn *t, gowsgi_connection *c) {
    gowsgi_lane *lane = t->lane;
    wsgi_request *req = t->request;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    t->time = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    t->began = gowsgi_now();
    t->connection = c;
    t->held_since = 0;
    t->answer = (gowsgi_lane_answer){.declared = -1};
    t->out_size = 0;
    c->requests++;
    uint8_t was_fresh = c->fresh;
    c->fresh = 0;
    /* A thread that the request before has left behind may be about to ask whose it is. */
    pthread_mutex_lock(&req->lock);
    t->owner = LANE_OURS;
    t->generation = req->generation + 1;
    pthread_mutex_unlock(&req->lock);
    gowsgi_submission submission = {
        .application = t->mount->application,
        .block_size = t->block_size,
        .is_head = t->method == 1,
        .body_size = t->body_size,
        .body_length = (int64_t)t->body_size,
    };
    /* Under the lock: nobody makes it Go's before the pool has it, or knows that the
     * pool has done with it before it is among those that are alive. */
    pthread_mutex_lock(&lane->lock);
    t->next = NULL;
    t->previous = lane->alive_last;
    if (lane->alive_last)
        lane->alive_last->next = t;
    else
        lane->alive = t;
    lane->alive_last = t;
    bool started = gowsgi_request_submit(req, submission) == GOWSGI_OK;
    if (!started)
        unlink_alive(lane, t);
    pthread_mutex_unlock(&lane->lock);
    if (started)
        return true;
    c->requests--;
    c->fresh = was_fresh;
    set_owner(t, LANE_NOBODY);
    return false;
}

/* The connection goes to Go, with the request, which is Go's already. */
static void hand_request(lane_turn *t) {
    gowsgi_connection *c = t->connection;
    c->request = t->request;
    c->number = t->number;
    c->began = t->began;
    c->head = t->head;
    c->head_size = t->head_size;
    c->body_size = t->body_size;
    c->answer = t->answer;
    lane_hand(t->lane, c, GOWSGI_LANE_REQUEST);
}

/* For whoever is the owner. */
static void make_gos(lane_turn *t) {
    remove_alive(t);
    set_owner(t, LANE_GOS);
    hand_request(t);
}

/* Takes one of ours, if it began before, or has held something back for too long; one
 * that is being sent is looked at the next time. *soon: that is in a moment. Lock of the
 * lane: held. */
static bool take(lane_turn *t, int64_t before, int64_t now, bool *soon) {
    if (pthread_mutex_trylock(&t->request->lock) != 0) {
        *soon = true;
        return false;
    }
    bool late = t->began < before || (t->held_since && now - t->held_since >= HOLD);
    bool taken = t->owner == LANE_OURS && late;
    *soon |= !taken && (late || t->held_since);
    if (taken) {
        t->owner = LANE_GOS;
        unlink_alive(t->lane, t);
    }
    pthread_mutex_unlock(&t->request->lock);
    return taken;
}

/* Requests begin in the order in which they came, so those that may hold something
 * back stand before those that wait. */
static lane_turn *find(gowsgi_lane *lane, int64_t before, int64_t now, bool *soon) {
    lane_turn *t = lane->alive;
    while (t && !take(t, before, now, soon)) {
        bool waits = __atomic_load_n(&t->request->task.state, __ATOMIC_RELAXED) == GOWSGI_QUEUED;
        if (t->began >= before && waits)
            return NULL;
        t = t->next;
    }
    return t;
}

int64_t lane_turn_claim(gowsgi_lane *lane, int64_t before) {
    int64_t now = gowsgi_now();
    for (;;) {
        bool soon = false;
        pthread_mutex_lock(&lane->lock);
        lane_turn *t = find(lane, before, now, &soon);
        int64_t oldest = lane->alive ? lane->alive->began : -1;
        pthread_mutex_unlock(&lane->lock);
        if (t)
            hand_request(t);
        else
            return soon ? now + HOLD : oldest < 0 ? -1 : oldest + LANE_AGE + 1;
    }
}

/* ---- the answer goes out ---- */

enum { PIECES = 64, FRAME = 4 /* pieces that are none of the batch's */ };

/* What is to be sent in one go. */
typedef struct {
    struct iovec few[PIECES], *pieces; /* malloc'ed if few are too few */
    int count;
    size_t size;
} parcel;

static void pack(parcel *p, const void *data, size_t size) {
    if (size == 0)
        return;
    p->pieces[p->count++] = (struct iovec){(void *)data, size};
    p->size += size;
}

static bool fits(const wsgi_batch *batch) { return batch->size <= LANE_MOST && batch->count <= PIECES - FRAME; }

static void pack_batch(parcel *p, const wsgi_batch *batch) {
    const uint8_t *copies = batch->copies;
    for (size_t i = 0; i < batch->count; i++) {
        const wsgi_segment *s = &batch->segments[i];
        pack(p, s->owner ? s->data : copies, s->size);
        if (!s->owner)
            copies += s->size;
    }
}

/* Memory is short: nothing that follows is to pass for what is missing. */
static void give_up(lane_turn *t) { shutdown(t->connection->fd, SHUT_RDWR); }

/* Sends as much as the socket takes. What is left, if the client is slow or gone, is
 * kept for Go, which finds out. False: so it is. GIL: held, or let go of. */
static bool dispatch(lane_turn *t, parcel *p) {
    struct msghdr message = {.msg_iov = p->pieces, .msg_iovlen = (size_t)p->count};
    ssize_t n;
    while ((n = sendmsg(t->connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR) {
    }
    size_t sent = n > 0 ? (size_t)n : 0;
    if (sent == p->size)
        return true;
    gowsgi_lane_answer *a = &t->answer;
    a->rest = malloc(p->size - sent);
    if (!a->rest) {
        give_up(t);
        return false;
    }
    for (int i = 0; i < p->count; i++) {
        size_t size = p->pieces[i].iov_len, skip = sent < size ? sent : size;
        sent -= skip;
        memcpy(a->rest + a->rest_size, (uint8_t *)p->pieces[i].iov_base + skip, size - skip);
        a->rest_size += size - skip;
    }
    return false;
}

static bool send_parcel(lane_turn *t, parcel *p) {
    if (p->size == 0)
        return true;
    if (!gowsgi_pool_has_company(t->lane->config.pool))
        return dispatch(t, p);
    bool whole;
    Py_BEGIN_ALLOW_THREADS
    whole = dispatch(t, p);
    Py_END_ALLOW_THREADS
    return whole;
}

/* Sends a batch, the head before it if it is not out, and the end of the body behind
 * it if it is the last. False: some of it is left. */
static bool send_batch(lane_turn *t, const wsgi_batch *batch, bool last) {
    gowsgi_lane_answer *a = &t->answer;
    parcel p;
    char size[20];
    p.count = 0;
    p.size = 0;
    p.pieces = p.few;
    /* Another thread may have added to it since it was found to fit. */
    if (batch->count > PIECES - FRAME && !(p.pieces = malloc((batch->count + FRAME) * sizeof *p.pieces))) {
        give_up(t);
        return false;
    }
    pack(&p, t->out, t->out_size); /* 0, once it is out */
    t->out_size = 0;
    if (!a->no_body && batch->size > 0) {
        if (a->chunked) {
            size_t n = lane_hex(size, batch->size);
            memcpy(size + n, "\r\n", 2);
            pack(&p, size, n + 2);
        }
        pack_batch(&p, batch);
        if (a->chunked)
            pack(&p, "\r\n", 2);
        a->written += (int64_t)batch->size;
    }
    if (last && a->chunked)
        pack(&p, "0\r\n\r\n", 5);
    bool whole = send_parcel(t, &p);
    if (p.pieces != p.few)
        free(p.pieces);
    return whole;
}

/* Whether there is a block to be sent. If not, whoever adds one comes here again. */
static bool is_done_sending(lane_turn *t) {
    wsgi_request *req = t->request;
    pthread_mutex_lock(&req->lock);
    bool done = req->response.batches[req->response.filling].count == 0;
    if (done) {
        t->owner = LANE_OURS;
        pthread_cond_broadcast(&req->changed);
    }
    pthread_mutex_unlock(&req->lock);
    return done;
}

/* All of what was declared is there. */
static bool is_whole(const wsgi_response *response) {
    return response->head.content_length >= 0 && response->sent >= response->head.content_length;
}

/* Whether what there is may wait for more. Lock of the request: held. */
static bool may_hold(lane_turn *t) {
    const wsgi_response *response = &t->request->response;
    if (is_whole(response) || response->batches[response->filling].size >= ENOUGH) {
        t->held_since = 0;
        return false;
    }
    int64_t now = gowsgi_now();
    if (t->held_since == 0)
        t->held_since = now;
    else if (now - t->held_since >= HOLD)
        t->held_since = 0;
    return t->held_since != 0;
}

/* wsgi_wire.send: may be called by any thread of the application. */
static bool wire_send(wsgi_wire *wire, uint64_t generation) {
    lane_turn *t = (lane_turn *)wire;
    wsgi_request *req = t->request;
    const wsgi_response *response = &req->response;
    pthread_mutex_lock(&req->lock);
    bool late = t->generation != generation, ours = !late && t->owner == LANE_OURS, holds = ours && may_hold(t);
    uint8_t owner = t->owner;
    if (ours && !holds)
        t->owner = LANE_SENDING;
    pthread_mutex_unlock(&req->lock);
    if (holds) {
        lane_stir(t->lane); /* which sees to it that it does not wait for long */
        return true;
    }
    if (!ours) /* who sends looks again before it stops */
        return late || owner != LANE_GOS;
    do {
        pthread_mutex_lock(&req->lock);
        bool can = fits(&response->batches[response->filling]) && !response->hints;
        pthread_mutex_unlock(&req->lock);
        if (!can || (!t->answer.begun && !lane_answer_begin(t, response->head.content_length))) {
            make_gos(t);
            return false;
        }
        if (is_whole(response))
            lane_count(t); /* who has the answer finds it counted */
        if (!send_batch(t, gowsgi_request_take(req), false)) {
            make_gos(t);
            return false;
        }
    } while (!is_done_sending(t));
    return true;
}

/* Waits until nobody sends; returns whose the request is then. A thread that the
 * application has left behind may be in wire_send: that does not wait for anybody but
 * for the GIL. GIL: held. */
static uint8_t wait_for_sender(lane_turn *t) {
    wsgi_request *req = t->request;
    pthread_mutex_lock(&req->lock);
    while (t->owner == LANE_SENDING) {
        pthread_mutex_unlock(&req->lock);
        Py_BEGIN_ALLOW_THREADS
        pthread_mutex_lock(&req->lock);
        if (t->owner == LANE_SENDING)
            pthread_cond_wait(&req->changed, &req->lock);
        pthread_mutex_unlock(&req->lock);
        Py_END_ALLOW_THREADS
        pthread_mutex_lock(&req->lock);
    }
    uint8_t owner = t->owner;
    if (owner == LANE_OURS)
        t->owner = LANE_SENDING; /* nobody makes it Go's meanwhile */
    pthread_mutex_unlock(&req->lock);
    return owner;
}

/* wsgi_wire.leave */
static void wire_leave(wsgi_wire *wire, uint64_t generation) {
    lane_turn *t = (lane_turn *)wire;
    wsgi_request *req = t->request;
    pthread_mutex_lock(&req->lock);
    bool late = t->generation != generation, ours = !late && t->owner == LANE_OURS, gos = !late && t->owner == LANE_GOS;
    if (ours)
        t->owner = LANE_SENDING;
    pthread_mutex_unlock(&req->lock);
    if (ours)
        make_gos(t);
    if (ours || gos)
        gowsgi_pool_ring(&req->task, GOWSGI_OUTPUT);
}

/* ---- and is over ---- */

static bool allows_body(int status) { return status != 204 && status != 205 && status != 304; }

/* Whether the response is plain to its end. The rest needs a log, a file, or another
 * answer than the application's. */
static bool ended_well(const lane_turn *t) {
    const wsgi_request *req = t->request;
    const wsgi_response *response = &req->response;
    if (req->result.outcome != WSGI_OK || req->result.close_error || response->aborted || response->too_long ||
        response->file >= 0 || response->hints || response->head.status == 0)
        return false;
    int64_t declared = response->head.content_length;
    if (declared >= 0 && response->sent < declared && !req->is_head && allows_body(response->head.status))
        return false;
    return fits(&response->batches[response->filling]);
}

/* What a response is long that has not begun: exchange's lengthOf. */
static int64_t length_of(const wsgi_request *req) {
    const wsgi_response *response = &req->response;
    if (response->head.content_length >= 0 || req->is_head)
        return response->head.content_length;
    return (int64_t)response->batches[response->filling].size;
}

/* How the connection goes on. */
static void go_on(gowsgi_lane *lane, gowsgi_connection *c, bool reuse) {
    gowsgi_situation s = {.in = GOWSGI_IN_DONE,
                          .out = GOWSGI_OUT_DONE,
                          .reuse = reuse,
                          .ahead = c->in_size > 0,
                          .pipelined = c->pipelined};
    if (!s.reuse && !s.ahead)
        s.ahead = lane_has_input(c->fd);
    switch (gowsgi_http1_after(&s)) {
    case GOWSGI_AFTER_WAIT:
        lane_park(lane, c);
        break;
    case GOWSGI_AFTER_HEAD:
        lane_again(lane, c);
        break;
    case GOWSGI_AFTER_CLOSE:
        lane_close(lane, c);
        break;
    default:
        lane_hand(lane, c, GOWSGI_LANE_LINGER);
    }
}

/* wsgi_wire.finish */
static void wire_finish(wsgi_wire *wire) {
    lane_turn *t = (lane_turn *)wire;
    gowsgi_lane *lane = t->lane;
    wsgi_request *req = t->request;
    if (wait_for_sender(t) != LANE_OURS)
        return; /* its bell will ring */
    if (!ended_well(t) || (!t->answer.begun && !lane_answer_begin(t, length_of(req)))) {
        make_gos(t);
        return;
    }
    lane_count(t);
    /* Taken, so that Go finds nothing more to send but what is left of it. */
    if (!send_batch(t, gowsgi_request_take(req), true)) {
        t->answer.ended = 1;
        make_gos(t);
        return;
    }
    req->task.quiet = 1;
    lane_note(t);
    gowsgi_connection *c = t->connection;
    bool reuse = t->answer.reuse;
    set_owner(t, LANE_NOBODY);
    pthread_mutex_lock(&lane->lock);
    unlink_alive(lane, t);
    lane->served++;
    pthread_mutex_unlock(&lane->lock);
    go_on(lane, c, reuse);
    /* Last: freeing what was sent may run code of the application's. */
    gowsgi_request_release(&req->task);
}

void lane_wire_init(wsgi_wire *wire) { *wire = (wsgi_wire){wire_send, wire_leave, wire_finish}; }
