/* What the C files of the lane share. */
#ifndef GOWSGI_LANE_INTERNAL_H
#define GOWSGI_LANE_INTERNAL_H

#include "lane.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/uio.h>

enum {
    LANE_ROUND = 64, /* connections that are read at a time */
    LANE_SCRATCH = 64 << 10, /* what is read of one at a time */
    LANE_MOST = 128 << 10, /* bytes that an application may leave to be sent at its end; more is Go's */
    LANE_PIECE = 512 << 10, /* the same of a piece before that */
    LANE_KEPT = 96 << 10, /* a turn with more memory than that gives it back: a body, an answer, and the rest */
    LANE_KEPT_IN_ALL = 8 << 20, /* that turns in stock keep, all of them together */
};

/* A request is looked after by Go from this age on, ns. */
#define LANE_AGE ((int64_t)100 * 1000 * 1000)

/* A thread waits for its client for so long, in all of a response, ns: as in package
 * exchange, for that is what it would do there. */
#define LANE_PATIENCE ((int64_t)100 * 1000 * 1000)

/* A block is held back for so long, for the next one to go with it, ns. */
#define LANE_HOLD ((int64_t)1000 * 1000)

/* Who has a connection. FREE, WAITS or BUSY; and whether it had an event since. */
enum { LANE_FREE, LANE_WAITS, LANE_BUSY, LANE_EVENT = 4 };

/* Who answers a request. */
enum { LANE_NOBODY, LANE_OURS, LANE_SENDING, LANE_GOS };

typedef struct {
    gowsgi_connection *first, *last;
} lane_list;

/* What one thread needs to read connections with TLS, and has for as long as it does. */
typedef struct lane_desk lane_desk;

typedef struct lane_turn {
    wsgi_wire wire; /* first: the request's name for the turn */
    gowsgi_lane *lane;
    wsgi_request *request;
    gowsgi_connection *connection;
    uint8_t owner; /* the request's lock */
    int64_t held_since; /* the request's lock: when what waits for more came; 0: nothing does */

    const gowsgi_lane_mount *mount;
    uint64_t generation; /* of the request that it has or had last; the request's lock */
    uint64_t number; /* in its name; 0: a proxy gave it one */
    int64_t began, time; /* when it came: CLOCK_MONOTONIC and Unix time, ns */
    uint8_t method; /* place in tally's methods */
    uint8_t minor, keep_alive; /* of the head */
    uint64_t body_size;
    size_t block_size; /* of the request's block, which is the request's own once it begins */
    uint8_t *head; /* as it came; malloc'ed */
    size_t head_size, head_room;
    const char *id; /* its name, in the request's block */
    size_t id_size;

    gowsgi_lane_answer answer;
    int64_t patience; /* ns that are left of it */
    int64_t idle_since; /* ns: when the last block was dealt with */
    uint8_t *out; /* head of the answer; malloc'ed */
    size_t out_size, out_room;

    size_t kept; /* bytes of memory, in stock */
    struct lane_turn *next, *previous; /* of those that are alive, or of the stock */
} lane_turn;

typedef struct {
    lane_turn *first, *last;
    size_t kept; /* bytes, by all of them */
} lane_stock;

/* A field name that has a number. */
typedef struct {
    char name[40]; /* in lower case */
    uint8_t size;
    uint16_t key;
} lane_name;

typedef struct {
    const uint8_t *data; /* in the head */
    size_t size;
} lane_text;

/* What the fields of a head say of whom it was passed on for. */
typedef struct {
    bool speaks; /* anything at all */
    bool http, https; /* both: they contradict each other */
    bool prefix, elements; /* X-Forwarded-Prefix, Forwarded */
    lane_text addresses, host, port;
} lane_hearsay;

enum { LANE_MOST_HOST = 256 }; /* bytes; a longer one that a proxy names is Go's */

/* And what is believed of it. */
typedef struct {
    gowsgi_address client;
    bool https;
    lane_text host, port; /* size 0: nobody says */
} lane_said;

enum { LANE_NAMES = 256 }; /* places of the table, a power of two */

struct gowsgi_lane {
    gowsgi_source source; /* first: the pool's name for the lane */
    gowsgi_lane_config config;
    size_t prefix_size, id_field_size, added_size, secure_size;
    bool asks_host; /* a mount is for some hosts, or not all are served */
    lane_name names[LANE_NAMES];
    int epoll, wake_fd, bell; /* bell: the lookout's */
    pthread_t lookout;

    pthread_mutex_t reading; /* held from wait to the end of collect: whoever reads has what follows */
    struct epoll_event events[LANE_ROUND];
    int event_count;
    int poll_in, poll_pause;
    uint8_t *scratch;
    gowsgi_field *fields;

    int64_t vacant_since; /* atomic: nobody has read since; 0: somebody does */
    uint32_t wanted_back; /* atomic: the pool wants whoever leads */
    uint32_t sleeping; /* atomic: the reader is, or is about to be, asleep in the kernel */

    pthread_mutex_t lock; /* guards what follows, and words and lists of connections */
    lane_list fresh, waiting, ready; /* before their first request; after; to be read in the next round */
    gowsgi_connection *free, *handed, *handed_last;
    lane_desk *desks; /* that nobody sits at */
    lane_turn *alive, *alive_last; /* the oldest first */
    lane_stock stock, bare; /* turns that keep memory, and those that do not: these are the second choice */
    int stock_count, wanted; /* wanted: requests that Go is to bring */
    int open, idle;
    int64_t served;
    bool draining; /* read without the lock */
    gowsgi_record *records, *records_last;
    int record_count;
    int64_t records_lost;
    bool stirred, lookout_asleep; /* something has happened since the lookout looked; it waits for the bell */
    bool over; /* it is not to be used */
};

/* connection.c. Lock: not held, unless it says so. */
void lane_append(lane_list *list, gowsgi_connection *c); /* lock: held */
void lane_remove(lane_list *list, gowsgi_connection *c); /* lock: held */
void lane_park(gowsgi_lane *lane, gowsgi_connection *c);
void lane_again(gowsgi_lane *lane, gowsgi_connection *c);
void lane_hand(gowsgi_lane *lane, gowsgi_connection *c, int why);
void lane_close(gowsgi_lane *lane, gowsgi_connection *c);
void lane_expire(gowsgi_lane *lane, int64_t now);
int64_t lane_patience(gowsgi_lane *lane); /* ns until lane_expire has something to do; -1: never */
void lane_wake(gowsgi_lane *lane);
void lane_tell(int event_fd);
bool lane_has_input(int fd); /* the kernel has something that nobody has read */
void lane_ring(gowsgi_source *source); /* has lane_wait return, for the pool */

/* round.c */
void lane_wait(gowsgi_source *source);
void lane_collect(gowsgi_source *source);
void lane_read(gowsgi_lane *lane, int timeout_ms); /* the reader's: fetches events */
void lane_arrive(gowsgi_lane *lane); /* the reader's: takes them, and lets go of `reading` */

/* Reads what a connection has sent into LANE_SCRATCH bytes. 0: nothing, and it is
 * somebody else's. */
size_t lane_receive(gowsgi_lane *lane, gowsgi_connection *c, uint8_t *to);
/* Begins with what a connection has sent; one that nobody else has. fields: memory. */
void lane_begin(gowsgi_lane *lane, gowsgi_connection *c, gowsgi_field *fields, const uint8_t *data, size_t size);

/* sealed.c */
void lane_read_sealed(gowsgi_lane *lane, gowsgi_connection *c); /* connections that nobody else has, linked by next */
/* Makes records of what there is to be sent. NULL: it is Go's. GIL: released. */
uint8_t *lane_seal(const gowsgi_connection *c, struct iovec *pieces, int count, size_t size, size_t *sealed);

/* plain.c. False: it is not plain, and nothing has begun. */
void lane_names_init(gowsgi_lane *lane);
bool lane_plain(gowsgi_lane *lane, const gowsgi_connection *c, const gowsgi_head *head, const gowsgi_field *fields,
                const uint8_t *data, lane_turn *t);

/* forwarded.c. lane_believe is false if Go is to look at it. */
bool lane_hears(lane_hearsay *h, const uint8_t *name, size_t size, const uint8_t *value, size_t value_size);
bool lane_believe(const gowsgi_lane *lane, const gowsgi_connection *c, const lane_hearsay *h, lane_said *said);

/* mount.c. NULL: there is none; Go says so. path: decoded. */
const gowsgi_lane_mount *lane_mount_of(const gowsgi_lane *lane, const uint8_t *authority, size_t authority_size,
                                       const uint8_t *path, size_t size);

/* answer.c. False: it is Go's to make. length: -1 for none. */
bool lane_answer_begin(lane_turn *t, int64_t length);
size_t lane_hex(char *to, uint64_t n);
size_t lane_decimal(char *to, uint64_t n);

/* stock.c */
lane_turn *lane_turn_take(gowsgi_lane *lane); /* NULL: there is none, and Go is asked for some */
void lane_turn_return(gowsgi_lane *lane, lane_turn *t);

/* turn.c */
bool lane_turn_start(lane_turn *t, gowsgi_connection *c); /* false: the pool does not take it */
/* Go's are those that began before. Returns when it is to be called for the next one; -1: never. */
int64_t lane_turn_claim(gowsgi_lane *lane, int64_t before);
void lane_turn_ended(gowsgi_source *source, gowsgi_task *task);
void lane_turn_set_owner(lane_turn *t, uint8_t owner);
void lane_turn_make_gos(lane_turn *t); /* for whoever is the owner */
void lane_turn_unlink(gowsgi_lane *lane, lane_turn *t); /* from those that are alive; lock of the lane: held */

/* parcel.c */
bool lane_fits(const wsgi_batch *batch, size_t most); /* whether it may go out in one; more is Go's */
/* Sends a batch, the head before it if it is not out, and the end of the body behind it
 * if it is the last. False: some of it is left. GIL: held. */
bool lane_send_batch(lane_turn *t, const wsgi_batch *batch, bool last);
/* Sends the response's file behind it. False: some of it is left. GIL: held. */
bool lane_send_file(lane_turn *t);

/* wire.c */
void lane_wire_init(wsgi_wire *wire);

/* record.c. GIL: either. */
void lane_board_begin(lane_turn *t, const uint8_t *method, size_t method_size, const uint8_t *uri, size_t uri_size);
void lane_board_end(lane_turn *t);
void lane_count(lane_turn *t); /* once, before its last block is sent */
void lane_note(const lane_turn *t); /* when it is over */

/* lookout.c */
int lane_lookout_start(gowsgi_lane *lane);
void lane_stir(gowsgi_lane *lane); /* has the lookout look in a millisecond */
void lane_lookout_stop(gowsgi_lane *lane);

#endif
