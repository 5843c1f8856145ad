//go:build linux

/* Connections with TLS. This reads and writes their sockets; what is read is opened, and
 * what is written is sealed, in Go (tls.go). Calls into Go are made without a lock and
 * without the GIL. */
#include "lane_internal.h"

#include "../crash/crash.h"

#include <stdlib.h>

#include "_cgo_export.h"

enum {
    OPENED = LANE_SCRATCH + (20 << 10), /* http1.OpenRoom more than what is read */
    SEALED = 1 << 10, /* bytes of records that are none of the response's */
};

struct lane_desk {
    lane_desk *next;
    gowsgi_field *fields;
    uint8_t raw[LANE_SCRATCH], plain[OPENED];
};

/* NULL: memory is short. */
static lane_desk *sit_down(gowsgi_lane *lane) {
    pthread_mutex_lock(&lane->lock);
    lane_desk *desk = lane->desks;
    if (desk)
        lane->desks = desk->next;
    pthread_mutex_unlock(&lane->lock);
    if (desk)
        return desk;
    desk = malloc(sizeof *desk);
    if (!desk)
        return NULL;
    desk->fields = calloc(lane->config.limits.fields, sizeof *desk->fields);
    if (desk->fields)
        return desk;
    free(desk);
    return NULL;
}

/* There are never more desks than threads that read at a time. */
static void get_up(gowsgi_lane *lane, lane_desk *desk) {
    pthread_mutex_lock(&lane->lock);
    desk->next = lane->desks;
    lane->desks = desk;
    pthread_mutex_unlock(&lane->lock);
}

static void read_sealed(gowsgi_lane *lane, lane_desk *desk, gowsgi_connection *c) {
    if (c->in_size) {
        lane_begin(lane, c, desk->fields, c->in, c->in_size);
        return;
    }
    size_t n = lane_receive(lane, c, desk->raw);
    if (n == 0)
        return;
    gowsgi_crash_know_thread();
    int quiet = 0;
    size_t size = go_lane_open(c->tls, desk->raw, n, desk->plain, OPENED, &quiet);
    c->unquiet = !quiet;
    if (size > 0)
        lane_begin(lane, c, desk->fields, desk->plain, size);
    else {
        /* Records that say nothing must not have it wait from the beginning, each of them:
         * a goroutine waits once, and keeps it. */
        if (quiet)
            c->visits = (uint8_t)lane->config.most_visits;
        lane_hand(lane, c, GOWSGI_LANE_IDLE);
    }
}

void lane_read_sealed(gowsgi_lane *lane, gowsgi_connection *c) {
    lane_desk *desk = sit_down(lane);
    for (gowsgi_connection *next; c; c = next) {
        next = c->next;
        c->next = c->previous = NULL;
        if (desk)
            read_sealed(lane, desk, c);
        else
            lane_hand(lane, c, c->in_size ? GOWSGI_LANE_BYTES : GOWSGI_LANE_IDLE);
    }
    if (desk)
        get_up(lane, desk);
}

uint8_t *lane_seal(const gowsgi_connection *c, struct iovec *pieces, int count, size_t size, size_t *sealed) {
    /* The smallest records have 1,100 bytes in them, and 60 around them. */
    size_t room = size + size / 12 + SEALED;
    uint8_t *records = malloc(room);
    gowsgi_crash_know_thread();
    /* Without memory of ours, Go has all of it: nothing may be left out. */
    *sealed = go_lane_seal(c->tls, pieces, count, records, records ? room : 0);
    if (*sealed > 0)
        return records;
    free(records);
    return NULL;
}
