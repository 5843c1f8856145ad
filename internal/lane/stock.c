//go:build linux

/* Turns that nobody uses, each with the memory of the request before. What they keep is
 * limited, all of them together: a burst needs many, and what comes after it few. */
#include "lane_internal.h"

#include <stdlib.h>
#include <unistd.h>

/* Bytes that the turn and its request keep for their next use: what give_back frees. */
static size_t room_of(const lane_turn *t) {
    const wsgi_request *req = t->request;
    const wsgi_response *response = &req->response;
    size_t room = t->head_room + t->out_room + req->block_room + req->body.own_room + req->body.spare_size +
                  response->head.room + response->released_room * sizeof *response->released;
    for (int i = 0; i < WSGI_BATCHES; i++)
        room += response->batches[i].copies_room + response->batches[i].room * sizeof *response->batches[i].segments;
    return room;
}

/* Nobody else has the turn. */
static void give_back(lane_turn *t) {
    gowsgi_request_release_memory(t->request);
    free(t->head);
    free(t->out);
    t->head = t->out = NULL;
    t->head_room = t->out_room = 0;
    t->kept = 0;
}

/* The one that was used last comes first. Lock of the lane: held. */
static void put(gowsgi_lane *lane, lane_turn *t) {
    lane_stock *stock = t->kept ? &lane->stock : &lane->bare;
    t->previous = NULL;
    t->next = stock->first;
    if (stock->first)
        stock->first->previous = t;
    else
        stock->last = t;
    stock->first = t;
    stock->kept += t->kept;
}

/* t may be NULL, and is returned. Lock of the lane: held. */
static lane_turn *take(lane_stock *stock, lane_turn *t) {
    if (!t)
        return NULL;
    if (t->previous)
        t->previous->next = t->next;
    else
        stock->first = t->next;
    if (t->next)
        t->next->previous = t->previous;
    else
        stock->last = t->previous;
    stock->kept -= t->kept;
    return t;
}

/* Does: gives the lane a request to use.
 * Memory: the request is the lane's until it is handed over with a connection.
 * GIL: either. Nobody else has the request.
 * Fails: never; without memory the request stays unused. */
void gowsgi_lane_stock(gowsgi_lane *lane, wsgi_request *req) {
    /* As Go has read before: what its thread did with it comes before what is done here. */
    (void)__atomic_load_n(&req->task.state, __ATOMIC_ACQUIRE);
    if (!req->own_wire) {
        lane_turn *made = calloc(1, sizeof *made);
        if (!made)
            return;
        lane_wire_init(&made->wire);
        made->lane = lane;
        made->request = req;
        req->own_wire = &made->wire;
    }
    req->wire = req->own_wire;
    lane_turn_return(lane, (lane_turn *)req->wire);
}

lane_turn *lane_turn_take(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    lane_turn *t = take(&lane->stock, lane->stock.first);
    if (!t)
        t = take(&lane->bare, lane->bare.first);
    bool ask = !t && !lane->wanted;
    if (ask) { /* twice as many */
        lane->wanted = lane->stock_count;
        lane->stock_count *= 2;
    }
    pthread_mutex_unlock(&lane->lock);
    if (ask) {
        uint64_t one = 1;
        (void)!write(lane->config.event_fd, &one, sizeof one);
    }
    return t;
}

/* If all together keep too much, those give theirs back that have not been used for
 * longest. */
void lane_turn_return(gowsgi_lane *lane, lane_turn *t) {
    lane_board_end(t);
    t->kept = room_of(t);
    if (t->kept > LANE_KEPT)
        give_back(t);
    while (t) {
        pthread_mutex_lock(&lane->lock);
        put(lane, t);
        t = lane->stock.kept > LANE_KEPT_IN_ALL ? take(&lane->stock, lane->stock.last) : NULL;
        pthread_mutex_unlock(&lane->lock);
        if (t)
            give_back(t);
    }
}
