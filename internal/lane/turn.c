//go:build linux

/* Requests that are alive: whose each is, and how it becomes Go's. */
#include "lane_internal.h"

#include <time.h>

void lane_turn_ended(gowsgi_source *source, gowsgi_task *task) {
    lane_turn_return((gowsgi_lane *)source, (lane_turn *)((wsgi_request *)task)->wire);
}

void lane_turn_set_owner(lane_turn *t, uint8_t owner) {
    pthread_mutex_lock(&t->request->lock);
    t->owner = owner;
    pthread_cond_broadcast(&t->request->changed);
    pthread_mutex_unlock(&t->request->lock);
}

void lane_turn_unlink(gowsgi_lane *lane, lane_turn *t) {
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
    lane_turn_unlink(t->lane, t);
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
    t->patience = LANE_PATIENCE;
    t->idle_since = 0;
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
        lane_turn_unlink(lane, t);
    pthread_mutex_unlock(&lane->lock);
    if (started)
        return true;
    c->requests--;
    c->fresh = was_fresh;
    lane_turn_set_owner(t, LANE_NOBODY);
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

void lane_turn_make_gos(lane_turn *t) {
    remove_alive(t);
    lane_turn_set_owner(t, LANE_GOS);
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
    bool late = t->began < before || (t->held_since && now - t->held_since >= LANE_HOLD);
    bool taken = t->owner == LANE_OURS && late;
    *soon |= !taken && (late || t->held_since);
    if (taken) {
        t->owner = LANE_GOS;
        lane_turn_unlink(t->lane, t);
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
            return soon ? now + LANE_HOLD : oldest < 0 ? -1 : oldest + LANE_AGE + 1;
    }
}
