//go:build linux

/* What goes out in one system call. */
#include "lane_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECES = 64, FRAME = 4 /* pieces that are none of the batch's */ };
enum { AT_A_TIME = 1 << 20 /* bytes of a file */ };

/* A client that takes a file as fast as it can has room again in microseconds. One that
 * has none for so long is slow: the thread has other requests to begin, ns. */
#define SLOW ((int64_t)2 * 1000 * 1000)

/* What is to be sent in one go. */
typedef struct {
    struct iovec few[PIECES], *pieces; /* few, or more if those are too few; what was sent is taken off */
    int count;
    size_t size;
} parcel;

static void pack(parcel *p, const void *data, size_t size) {
    if (size == 0)
        return;
    p->pieces[p->count++] = (struct iovec){(void *)data, size};
    p->size += size;
}

bool lane_fits(const wsgi_batch *batch, size_t most) { return batch->size <= most && batch->count <= PIECES - FRAME; }

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

/* Takes what has been sent off the parcel. */
static void take_off(parcel *p, size_t sent) {
    p->size -= sent;
    for (; p->count > 0 && sent >= p->pieces->iov_len; p->count--)
        sent -= p->pieces++->iov_len;
    if (sent > 0) {
        p->pieces->iov_base = (uint8_t *)p->pieces->iov_base + sent;
        p->pieces->iov_len -= sent;
    }
}

/* Sends as much as the socket takes. False: the client is gone. GIL: either. */
static bool dispatch(const lane_turn *t, parcel *p) {
    struct msghdr message = {.msg_iov = p->pieces, .msg_iovlen = (size_t)p->count};
    ssize_t n;
    while ((n = sendmsg(t->connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR) {
    }
    if (n > 0)
        take_off(p, (size_t)n);
    return n >= 0 || errno == EAGAIN;
}

/* Waits until the socket takes more. A client that reads as fast as it can is still
 * behind a thread that writes; to have Go wait for it costs two changes of threads for
 * each batch. False: it is slow, so it is Go's. GIL: released. */
static bool has_room(lane_turn *t) {
    struct pollfd room = {.fd = t->connection->fd, .events = POLLOUT};
    int64_t before = gowsgi_now();
    int n = poll(&room, 1, (int)(t->patience / 1000000));
    t->patience -= gowsgi_now() - before;
    return n > 0 && t->patience > 0;
}

/* Sends, and while there is more to say waits for room, in a moment for which the thread
 * has stepped out: when it waits, others have the time for themselves. GIL: released. */
static void push(lane_turn *t, parcel *p, bool last) {
    gowsgi_pool *pool = t->lane->config.pool;
    while (dispatch(t, p) && p->size > 0 && !last) {
        gowsgi_pool_step_in(pool);
        bool room = has_room(t);
        gowsgi_pool_step_out(pool);
        if (!room)
            break;
    }
}

/* What is left is kept for Go, which finds out whether the client is slow or gone. */
static void keep(lane_turn *t, const parcel *p) {
    gowsgi_lane_answer *a = &t->answer;
    a->rest = malloc(p->size);
    if (!a->rest) {
        give_up(t);
        return;
    }
    for (int i = 0; i < p->count; i++) {
        memcpy(a->rest + a->rest_size, p->pieces[i].iov_base, p->pieces[i].iov_len);
        a->rest_size += p->pieces[i].iov_len;
    }
}

/* send_parcel with TLS: as records. What cannot be made into any is Go's, which has it. */
static bool send_sealed(lane_turn *t, parcel *p, bool last) {
    gowsgi_pool *pool = t->lane->config.pool;
    uint8_t *records;
    gowsgi_pool_step_out(pool);
    Py_BEGIN_ALLOW_THREADS
    size_t size = 0;
    records = lane_seal(t->connection, p->pieces, p->count, p->size, &size);
    if (records) {
        p->pieces = p->few;
        p->few[0] = (struct iovec){records, size};
        p->count = 1;
        p->size = size;
        push(t, p, last);
    }
    Py_END_ALLOW_THREADS
    gowsgi_pool_step_in(pool);
    if (!records)
        return false;
    if (p->size > 0)
        keep(t, p);
    free(records);
    return p->size == 0;
}

/* False: not all of it is out. Only who has more to say waits for the client: a thread
 * that is through with its request has others to begin. GIL: held. */
static bool send_parcel(lane_turn *t, parcel *p, bool last) {
    if (p->size > 0 && t->connection->tls)
        return send_sealed(t, p, last);
    gowsgi_pool *pool = t->lane->config.pool;
    bool alone = !gowsgi_pool_has_company(pool);
    if (alone && p->size > 0)
        dispatch(t, p);
    if (p->size > 0 && !(alone && last)) {
        gowsgi_pool_step_out(pool);
        Py_BEGIN_ALLOW_THREADS
        push(t, p, last);
        Py_END_ALLOW_THREADS
        gowsgi_pool_step_in(pool);
    }
    if (p->size > 0)
        keep(t, p);
    return p->size == 0;
}

bool lane_send_batch(lane_turn *t, const wsgi_batch *batch, bool last) {
    gowsgi_lane_answer *a = &t->answer;
    parcel p;
    char size[20];
    p.count = 0;
    p.size = 0;
    p.pieces = p.few;
    struct iovec *many = NULL;
    /* Another thread may have added to it since it was found to fit. */
    if (batch->count > PIECES - FRAME) {
        many = p.pieces = malloc((batch->count + FRAME) * sizeof *many);
        if (!many) {
            give_up(t);
            return false;
        }
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
    bool whole = send_parcel(t, &p, last);
    free(many);
    return whole;
}

bool lane_send_file(lane_turn *t) {
    wsgi_response *response = &t->request->response;
    off_t at = response->file_offset;
    int64_t left = response->file_size, until = gowsgi_now() + t->patience;
    Py_BEGIN_ALLOW_THREADS
    while (left > 0 && gowsgi_now() < until) { /* a disk may be slow, too */
        ssize_t n = sendfile(t->connection->fd, response->file, &at, left < AT_A_TIME ? (size_t)left : AT_A_TIME);
        if (n > 0) {
            left -= n;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        t->patience = SLOW;
        if (n == 0 || errno != EAGAIN || !has_room(t))
            break;
    }
    Py_END_ALLOW_THREADS
    t->answer.written += response->file_size - left;
    response->file_offset = at;
    response->file_size = left;
    if (left > 0)
        return false;
    close(response->file);
    response->file = -1;
    return true;
}
