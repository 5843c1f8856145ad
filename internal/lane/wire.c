//go:build linux

/* What the application's thread tells the lane of its response: wsgi_wire. */
#include "lane_internal.h"

#include "../http1/after.h"

/* A block that is not the last goes out when so much has come, or LANE_HOLD has passed:
 * most iterators have one block and end at once, and their length is known then. Who
 * produces nothing more meanwhile is Go's (PEP 3333, "Buffering and Streaming": no block
 * is to wait for the next one). Blocks that come without delay go out several at a time,
 * which is fewer packets; and what a loopback device has as one packet is 53 bytes less
 * than 64 KiB. */
enum { ENOUGH = 16 << 10, PLENTY = 192 << 10 };
#define WITHOUT_DELAY ((int64_t)50 * 1000) /* ns from one to the next */

/* Whether there is a block to be sent. If not, whoever adds one comes here again. */
static bool is_done_sending(lane_turn *t) {
    wsgi_request *req = t->request;
    pthread_mutex_lock(&req->lock);
    bool done = req->response.batches[req->response.filling].count == 0;
    if (done) {
        t->owner = LANE_OURS;
        t->idle_since = gowsgi_now();
        pthread_cond_broadcast(&req->changed);
    }
    pthread_mutex_unlock(&req->lock);
    return done;
}

/* All of what was declared is there. */
static bool is_whole(const wsgi_response *response) {
    return response->head.content_length >= 0 && response->sent >= response->head.content_length;
}

/* Whether there is so much that it goes out. Lock of the request: held. */
static bool has_enough(lane_turn *t, int64_t now) {
    const wsgi_response *response = &t->request->response;
    int64_t took = now - t->idle_since;
    t->idle_since = now;
    return response->batches[response->filling].size >= (took < WITHOUT_DELAY ? PLENTY : ENOUGH);
}

/* Whether what there is may wait for more. Lock of the request: held. */
static bool may_hold(lane_turn *t) {
    const wsgi_response *response = &t->request->response;
    int64_t now = 0;
    if (is_whole(response) || has_enough(t, now = gowsgi_now())) {
        t->held_since = 0;
        return false;
    }
    if (t->held_since == 0)
        t->held_since = now;
    else if (now - t->held_since >= LANE_HOLD)
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
        bool can = lane_fits(&response->batches[response->filling], LANE_PIECE) && !response->hints;
        pthread_mutex_unlock(&req->lock);
        if (!can || (!t->answer.begun && !lane_answer_begin(t, response->head.content_length))) {
            lane_turn_make_gos(t);
            return false;
        }
        if (is_whole(response))
            lane_count(t); /* who has the answer finds it counted */
        if (!lane_send_batch(t, gowsgi_request_take(req), false)) {
            lane_turn_make_gos(t);
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
        lane_turn_make_gos(t);
    if (ours || gos)
        gowsgi_pool_ring(&req->task, GOWSGI_OUTPUT);
}

/* ---- the end ---- */

static bool allows_body(int status) { return status != 204 && status != 205 && status != 304; }

/* Whether the response is plain to its end. The rest needs a log, a file that has to be
 * read, or another answer than the application's. */
static bool ended_well(const lane_turn *t) {
    const wsgi_request *req = t->request;
    const wsgi_response *response = &req->response;
    if (req->result.outcome != WSGI_OK || req->result.close_error || response->aborted || response->too_long ||
        response->hints || response->head.status == 0)
        return false;
    if (response->file >= 0 &&
        (t->connection->tls || response->head.content_length < 0 || !allows_body(response->head.status)))
        return false;
    int64_t declared = response->head.content_length;
    if (declared >= 0 && response->sent < declared && !req->is_head && allows_body(response->head.status))
        return false;
    return lane_fits(&response->batches[response->filling], LANE_MOST);
}

/* What a response is long that has not begun: exchange's lengthOf. */
static int64_t length_of(const wsgi_request *req) {
    const wsgi_response *response = &req->response;
    if (response->head.content_length >= 0 || req->is_head)
        return response->head.content_length;
    return (int64_t)response->batches[response->filling].size;
}

/* Takes note of where the connection's requests belong. A response that is sealed keeps
 * Python waiting for a moment: it had better be done by Go, beside it, if requests wait
 * for Python and have it for long. Those that do not would pay more for the way there
 * and back. */
static void weigh(gowsgi_lane *lane, gowsgi_connection *c, const gowsgi_task *task) {
    if (c->tls && gowsgi_now() - task->gil_at > lane->config.long_request && gowsgi_pool_is_held_up(lane->config.pool))
        c->visits++;
    else if (c->visits > 0)
        c->visits--;
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
    bool gos = c->unquiet || c->visits >= lane->config.most_visits;
    switch (gowsgi_http1_after(&s)) {
    case GOWSGI_AFTER_WAIT:
        if (gos)
            lane_hand(lane, c, GOWSGI_LANE_IDLE);
        else
            lane_park(lane, c);
        break;
    case GOWSGI_AFTER_HEAD:
        if (gos)
            lane_hand(lane, c, GOWSGI_LANE_BYTES);
        else
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
        lane_turn_make_gos(t);
        return;
    }
    bool file = req->response.file >= 0;
    lane_count(t);
    /* Taken, so that Go finds nothing more to send but what is left of it. */
    if (!lane_send_batch(t, gowsgi_request_take(req), !file) || (file && !lane_send_file(t))) {
        t->answer.ended = 1;
        lane_turn_make_gos(t);
        return;
    }
    req->task.quiet = 1;
    lane_note(t);
    gowsgi_connection *c = t->connection;
    bool reuse = t->answer.reuse;
    weigh(lane, c, &req->task);
    lane_turn_set_owner(t, LANE_NOBODY);
    pthread_mutex_lock(&lane->lock);
    lane_turn_unlink(lane, t);
    lane->served++;
    pthread_mutex_unlock(&lane->lock);
    go_on(lane, c, reuse);
    /* Last: freeing what was sent may run code of the application's. */
    gowsgi_request_release(&req->task);
}

void lane_wire_init(wsgi_wire *wire) { *wire = (wsgi_wire){wire_send, wire_leave, wire_finish}; }
