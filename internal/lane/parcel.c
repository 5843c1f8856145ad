//go:build linux

/* What goes out in one system call. */
#include "lane_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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

bool lane_fits(const wsgi_batch *batch) { return batch->size <= LANE_MOST && batch->count <= PIECES - FRAME; }

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

bool lane_send_batch(lane_turn *t, const wsgi_batch *batch, bool last) {
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
