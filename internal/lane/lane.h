/* The lane: connections between their requests, and those requests that are plain,
 * served by the Python threads themselves (doc.go).
 *
 * This is what Go calls; lane_internal.h is for the C files of this package.
 */
#ifndef GOWSGI_LANE_H
#define GOWSGI_LANE_H

#include <Python.h>

#include <stdbool.h>
#include <stdint.h>

#include "../../embed/request.h"
#include "../http1/head.h"

typedef struct gowsgi_lane gowsgi_lane;

/* One end of a connection, as text; empty for a unix socket. */
typedef struct {
    char host[46], port[6]; /* without a 0 behind it */
    uint8_t host_size, port_size;
} gowsgi_address;

/* Numbers of the variables that the lane sets: package environ's. */
typedef struct {
    uint16_t request_method, script_name, path_info, query_string, request_uri, raw_uri, server_protocol, server_name,
        server_port, remote_addr, remote_port, url_scheme, content_type, content_length, request_id;
} gowsgi_lane_keys;

/* Where requests that are over are counted: package tally's. All NULL: nowhere. */
typedef struct {
    uint64_t *requests; /* [methods][classes] */
    uint64_t *request_bytes, *response_bytes;
    uint64_t *total, *queue, *python, *gil; /* histograms: buckets, then their sum in ns */
    uint64_t *statuses; /* first those without an answer, then 100 to 599 */
} gowsgi_lane_figures;

enum { GOWSGI_LANE_TOP = 1024 }; /* words of a set of names */

/* What proxies set: package forwarded's. */
enum {
    GOWSGI_FORWARDED_FOR = 1,
    GOWSGI_FORWARDED_PROTO = 2,
    GOWSGI_FORWARDED_HOST = 4,
    GOWSGI_FORWARDED_PORT = 8,
    GOWSGI_FORWARDED_PREFIX = 16,
    GOWSGI_FORWARDED = 32,
};

typedef struct {
    bool is4;
    uint8_t bits;
    uint8_t address[16]; /* 4 of them are used, or all */
} gowsgi_network;

/* A text that is compared with what a client sends. */
typedef struct {
    const char *text;
    size_t size;
} gowsgi_lane_pattern;

/* A place that an application has: package mounts' Entry. */
typedef struct {
    gowsgi_lane_pattern path, host;
    uint32_t application; /* its number */
    uint64_t body_limit; /* bytes; 0: none */
    gowsgi_lane_figures figures;
    bool elsewhere; /* its requests are Go's */
} gowsgi_lane_mount;

/* What a lane needs to know. What it points to stays. */
typedef struct {
    gowsgi_pool *pool;
    gowsgi_head_limits limits;
    int64_t header_timeout, keep_alive; /* ns */
    int most_visits; /* Go's and back; a connection with so many is Go's */
    int64_t long_request; /* ns: one that takes longer and waits for Python had better be sealed by Go */
    uint64_t body_room; /* of a body that comes with its head; larger ones are Go's */
    const char *const *names; /* of variables, by key; the first is empty */
    int name_count;
    gowsgi_lane_keys keys;
    const gowsgi_lane_mount *mounts; /* the first that fits has a request */
    int mount_count;
    const gowsgi_lane_pattern *allowed; /* hosts that are served; none: all */
    int allowed_count;
    const char *const *elsewhere; /* beginnings of paths whose requests are Go's */
    int elsewhere_count;
    const uint64_t *top; /* [GOWSGI_LANE_TOP]: names at the top of the document root; NULL: there is none */
    bool names_files; /* an application may name a file to be sent, which is Go's */
    const gowsgi_network *networks; /* of proxies that are believed */
    int network_count;
    bool everybody; /* is: then the last address counts */
    uint8_t believed; /* GOWSGI_FORWARDED_…: what they set */
    const char *id_prefix; /* of requests' names */
    uint64_t *last_id; /* atomic, shared with Go */
    const char *id_field; /* of the response that has it; NULL: none */
    const char *const *added, *const *added_lines; /* fields of responses that have none of that name; 64 at most */
    const char *const *removed; /* names of fields that a response loses before */
    const char *secure, *secure_line; /* field of responses over TLS that have none of that name; NULL: none */
    int added_count, removed_count;
    int64_t coded_from; /* bodies of so many bytes, or of unknown length, Go may encode; -1: none */
    uint8_t *board; /* package scoreboard's slots; NULL: none */
    uint32_t board_slots, board_slot_size, board_method_room;
    const int64_t *bounds; /* of histograms, ns */
    int bound_count;
    int64_t *open_count; /* atomic: of the worker's connections, less one for each that the lane closes; NULL: none */
    bool keeps_records; /* somebody reads gowsgi_lane_records */
    bool tells_closed; /* somebody counts connections by client */
    int event_fd; /* non-blocking: is written to when there is something for gowsgi_lane_handed */
    int record_fd; /* the same for gowsgi_lane_records */
} gowsgi_lane_config;

/* Why Go gets a connection, or is told of one. */
enum {
    GOWSGI_LANE_IDLE, /* it waits for a request, and the lane is closing */
    GOWSGI_LANE_BYTES, /* something has come that is not plain */
    GOWSGI_LANE_REQUEST, /* with a request in the middle */
    GOWSGI_LANE_LINGER, /* it is over, and may only be closed once its client has */
    GOWSGI_LANE_ENDS, /* it has TLS, which is to say so, and is to be closed */
    GOWSGI_LANE_CLOSED, /* it is: fd is -1 */
    GOWSGI_LANE_STOCK, /* nothing: the lane wants requests */
};

/* How far the answer to a request has got. */
typedef struct {
    uint8_t begun, chunked, no_body, reuse;
    uint8_t counted; /* in the figures */
    uint8_t ended; /* its end is out, or in `rest` */
    int32_t status;
    int64_t declared; /* Content-Length; -1: none */
    int64_t written; /* bytes of body that are out, or in `rest` */
    int64_t head_size;
    uint8_t *rest; /* what the client has not taken yet, with TLS as records; malloc'ed */
    size_t rest_size;
} gowsgi_lane_answer;

/* A connection. Its memory is never freed, but used again. */
typedef struct gowsgi_connection gowsgi_connection;
struct gowsgi_connection {
    int fd;
    uint8_t why; /* for Go */
    uint8_t fresh; /* it has had no request */
    uint8_t pipelined; /* bytes have come before the answer was out */
    uint8_t trusted; /* the peer is a proxy that is believed */
    uint8_t heard; /* it is not, and nobody wants to know what it says of others */
    uint8_t visits; /* times that Go had it, or would better have had it, less those that were the lane's */
    uint32_t requests; /* that have begun */
    gowsgi_address local, remote;
    uint8_t *in; /* what was read and belongs to no request that has begun; malloc'ed */
    size_t in_size;
    uintptr_t tls; /* Go's name for what opens and seals its records; 0: plain text */
    uint8_t *variables; /* an environ block: what TLS has to say of the connection; malloc'ed */
    size_t variables_size;
    uint8_t unquiet; /* TLS has something that only Go can deal with: it gets what comes next */

    /* GOWSGI_LANE_REQUEST */
    wsgi_request *request;
    uint64_t number; /* of the request, for its name */
    int64_t began; /* CLOCK_MONOTONIC, ns: when its bytes were there */
    uint8_t *head; /* of the request, as it came; the turn's */
    size_t head_size;
    uint64_t body_size; /* bytes; it is in the request */
    gowsgi_lane_answer answer;

    uint32_t word; /* who has it, see connection.c */
    int64_t since; /* waits since */
    gowsgi_connection *next, *previous;
};

/* A request that is over, for the access log. malloc'ed. */
typedef struct gowsgi_record {
    struct gowsgi_record *next;
    gowsgi_address local, remote;
    int64_t time; /* Unix time, ns, when its bytes were there */
    int64_t took, queued, inside, gil; /* ns */
    uint64_t number;
    int64_t length, bytes_in, bytes_out, head_in, head_out;
    uint32_t before;
    int32_t status, thread;
    uint32_t application; /* its number */
    uint8_t trusted, secure, closes; /* secure: over TLS */
    uint32_t head_size, fields_size; /* bytes behind this: the request's head, the response's fields */
} gowsgi_record;

gowsgi_lane *gowsgi_lane_new(const gowsgi_lane_config *config, int *wanted);
int gowsgi_lane_give(gowsgi_lane *lane, int fd, const gowsgi_connection *like);
void gowsgi_lane_stock(gowsgi_lane *lane, wsgi_request *request);
gowsgi_connection *gowsgi_lane_handed(gowsgi_lane *lane, int *wanted);
void gowsgi_lane_taken(gowsgi_lane *lane, gowsgi_connection *connection);
gowsgi_record *gowsgi_lane_records(gowsgi_lane *lane, int64_t *lost);
int gowsgi_lane_spare(gowsgi_lane *lane, int most);
void gowsgi_lane_drain(gowsgi_lane *lane);
void gowsgi_lane_count(gowsgi_lane *lane, int *open, int *idle, int64_t *served);

#endif
