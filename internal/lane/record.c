//go:build linux

/* What is noted of requests: on the scoreboard while they run, in the figures and for
 * the access log when they are over. */
#include "lane_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Records that wait; further ones are lost, and counted by who reads them. */
enum { MOST_RECORDS = 1 << 15 };

/* ---- the scoreboard ---- */

/* A slot, as package scoreboard has it. */
typedef struct {
    uint32_t running;
    uint8_t method, unused;
    uint16_t uri;
    int64_t started;
    uint8_t text[];
} slot;

static slot *slot_of(const lane_turn *t) {
    const gowsgi_lane_config *config = &t->lane->config;
    uint32_t index = t->request->task.index;
    if (!config->board || index >= config->board_slots)
        return NULL;
    return (slot *)(config->board + (size_t)index * config->board_slot_size);
}

void lane_board_begin(lane_turn *t, const uint8_t *method, size_t method_size, const uint8_t *uri, size_t uri_size) {
    slot *s = slot_of(t);
    if (!s)
        return;
    const gowsgi_lane_config *config = &t->lane->config;
    size_t room = config->board_slot_size - sizeof *s;
    size_t m = method_size < config->board_method_room ? method_size : config->board_method_room;
    size_t u = uri_size < room - m ? uri_size : room - m;
    memcpy(s->text, method, m);
    memcpy(s->text + m, uri, u);
    s->method = (uint8_t)m;
    s->uri = (uint16_t)u;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    s->started = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    __atomic_store_n(&s->running, 1, __ATOMIC_RELEASE);
}

void lane_board_end(lane_turn *t) {
    slot *s = slot_of(t);
    if (s)
        __atomic_store_n(&s->running, 0, __ATOMIC_RELEASE);
}

/* ---- the figures ---- */

static void add(uint64_t *counter, uint64_t n) { __atomic_fetch_add(counter, n, __ATOMIC_RELAXED); }

static void observe(const gowsgi_lane_config *config, uint64_t *histogram, int64_t ns) {
    int i = 0;
    ns = ns < 0 ? 0 : ns;
    while (i < config->bound_count && ns > config->bounds[i])
        i++;
    add(&histogram[i], 1);
    add(&histogram[config->bound_count + 1], (uint64_t)ns);
}

enum { CLASSES = 6, FIRST_STATUS = 100, END_OF_STATUSES = 600 }; /* package tally's */

void lane_count(lane_turn *t) {
    if (t->answer.counted)
        return;
    int64_t now = gowsgi_now();
    int64_t written = t->answer.written;
    if (!t->answer.no_body)
        written += (int64_t)t->request->response.batches[t->request->response.filling].size +
                   (t->request->response.file >= 0 ? t->request->response.file_size : 0);
    t->answer.counted = 1;
    const gowsgi_lane_config *config = &t->lane->config;
    const gowsgi_lane_figures *f = &t->mount->figures;
    const gowsgi_task *task = &t->request->task;
    if (!f->requests)
        return;
    int status = t->answer.status, class = status / 100;
    add(&f->requests[t->method * CLASSES + (class < CLASSES ? class : 0)], 1);
    add(&f->statuses[status < END_OF_STATUSES ? status - FIRST_STATUS + 1 : 0], 1);
    if (t->body_size)
        add(f->request_bytes, t->body_size);
    if (written)
        add(f->response_bytes, (uint64_t)written);
    observe(config, f->total, now - t->began);
    observe(config, f->queue, task->started_at - task->queued_at);
    observe(config, f->python, now - task->started_at);
    observe(config, f->gil, task->gil_at - task->started_at);
}

/* ---- records ---- */

static gowsgi_record *make_record(const lane_turn *t, int64_t now) {
    const wsgi_request *req = t->request;
    const gowsgi_connection *c = t->connection;
    size_t fields = req->response.head.size;
    gowsgi_record *r = malloc(sizeof *r + t->head_size + fields);
    if (!r)
        return NULL;
    *r = (gowsgi_record){
        .local = c->local,
        .remote = c->remote,
        .time = t->time,
        .took = now - t->began,
        .queued = req->task.started_at - req->task.queued_at,
        .inside = now - req->task.started_at,
        .gil = req->task.gil_at - req->task.started_at,
        .number = t->number,
        .length = t->answer.declared,
        .bytes_in = (int64_t)t->body_size,
        .bytes_out = t->answer.written,
        .head_in = (int64_t)t->head_size,
        .head_out = t->answer.head_size,
        .before = c->requests - 1,
        .status = t->answer.status,
        .thread = (int32_t)req->task.thread,
        .application = t->mount->application,
        .trusted = c->trusted,
        .secure = c->tls != 0,
        .closes = !t->answer.reuse,
        .head_size = (uint32_t)t->head_size,
        .fields_size = (uint32_t)fields,
    };
    memcpy(r + 1, t->head, t->head_size);
    memcpy((uint8_t *)(r + 1) + t->head_size, req->response.head.fields, fields);
    return r;
}

static void keep_record(gowsgi_lane *lane, gowsgi_record *r) {
    pthread_mutex_lock(&lane->lock);
    bool first = !lane->records, full = lane->record_count >= MOST_RECORDS;
    if (!full) {
        if (first)
            lane->records = r;
        else
            lane->records_last->next = r;
        lane->records_last = r;
        lane->record_count++;
    } else {
        lane->records_lost++;
    }
    pthread_mutex_unlock(&lane->lock);
    if (full)
        free(r);
    uint64_t one = 1;
    if (first)
        (void)!write(lane->config.record_fd, &one, sizeof one);
}

void lane_note(const lane_turn *t) {
    if (!t->lane->config.keeps_records)
        return;
    gowsgi_record *r = make_record(t, gowsgi_now());
    if (r)
        keep_record(t->lane, r);
}

/* Does: returns all records that wait, the oldest first, and adds to *lost how many
 *     there was no room for. After NULL, record_fd is written to for the next one.
 * Memory: each is the caller's to free().
 * GIL: either.
 * Fails: never. */
gowsgi_record *gowsgi_lane_records(gowsgi_lane *lane, int64_t *lost) {
    pthread_mutex_lock(&lane->lock);
    gowsgi_record *r = lane->records;
    lane->records = lane->records_last = NULL;
    lane->record_count = 0;
    *lost += lane->records_lost;
    lane->records_lost = 0;
    pthread_mutex_unlock(&lane->lock);
    return r;
}
