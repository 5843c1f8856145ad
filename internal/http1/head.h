/* The one reader of HTTP/1 heads and of chunked bodies: what is valid, and where
 * a request ends, is decided here for every way in. No connection, no clock, no
 * allocation, no Python: bytes in, offsets and numbers out.
 *
 * It is on the strict side of RFC 9112: of what two readers could understand in
 * two ways, it understands nothing, and says why.
 */
#ifndef GOWSGI_HTTP1_HEAD_H
#define GOWSGI_HTTP1_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of the bytes that were read: where it begins, and its length. */
typedef struct {
    uint32_t at, size;
} gowsgi_span;

/* A field line. The value has no blanks around it. */
typedef struct {
    gowsgi_span name, value;
} gowsgi_field;

/* How large what may be, in bytes; line ends count for `head` alone. None is 0. */
typedef struct {
    uint32_t line; /* the request line */
    uint32_t field; /* a field line */
    uint32_t fields; /* how many of them: the room of the table */
    uint32_t head; /* all of it, an empty line before it and the one after it included */
} gowsgi_head_limits;

/* The forms of a target: RFC 9112, 3.2. */
enum { GOWSGI_ORIGIN, GOWSGI_ABSOLUTE, GOWSGI_ASTERISK };

/* Why a head or a body is refused. The texts are in why.c. */
enum {
    GOWSGI_FINE,
    GOWSGI_BAD_METHOD,
    GOWSGI_BAD_TARGET,
    GOWSGI_BAD_FRAGMENT,
    GOWSGI_BAD_AUTHORITY,
    GOWSGI_BAD_VERSION,
    GOWSGI_OTHER_VERSION,
    GOWSGI_NO_CONNECT,
    GOWSGI_LONG_LINE,
    GOWSGI_LONG_FIELD,
    GOWSGI_MANY_FIELDS,
    GOWSGI_LONG_HEAD,
    GOWSGI_FOLDED,
    GOWSGI_BAD_NAME,
    GOWSGI_BAD_VALUE,
    GOWSGI_NO_HOST,
    GOWSGI_TWO_HOSTS,
    GOWSGI_BAD_HOST,
    GOWSGI_BAD_LENGTH,
    GOWSGI_TWO_LENGTHS,
    GOWSGI_BAD_CODING,
    GOWSGI_OTHER_CODING,
    GOWSGI_OLD_CODING,
    GOWSGI_LENGTH_AND_CODING,
    GOWSGI_BARE_LF,
    GOWSGI_OTHER_EXPECTATION,
    GOWSGI_BAD_CHUNK_SIZE,
    GOWSGI_BAD_CHUNK_LINE,
    GOWSGI_BAD_CHUNK_END,
    GOWSGI_CHUNK_OVERHEAD,
    GOWSGI_BAD_TRAILER,
    GOWSGI_WHYS,
};

typedef struct {
    /* ---- how far it has been read; all 0 at first ---- */
    uint32_t at; /* where the line that comes next begins */
    uint32_t scanned; /* up to here there is no further line end */
    bool has_line; /* the request line is done */
    bool empty_line; /* one stood before it */
    bool bare_lf; /* a line ended without CR */
    uint8_t hosts, lengths, codings, expectations; /* fields of that name, 2: several */
    bool expects_other, asks_close, asks_keep_alive, asks_upgrade, has_upgrade;

    /* ---- what it says, once it is whole ---- */
    gowsgi_span method, target;
    gowsgi_span path; /* empty: "/" */
    gowsgi_span query; /* without its question mark */
    gowsgi_span host; /* of the target if that is absolute, else of the field */
    bool has_query;
    bool chunked;
    bool awaits_continue; /* RFC 9110, 10.1.1: in HTTP/1.1, with a body */
    bool keep_alive; /* the client may send another request on this connection */
    bool upgrade; /* RFC 9110, 7.8 */
    uint8_t form, minor; /* HTTP/1.minor: 0 or 1; a higher one is 1 (RFC 9110, 2.5) */
    uint32_t count; /* fields in the table */
    int64_t length; /* of the body; 0: none or not known, see chunked */

    /* ---- why it is refused ---- */
    int32_t status; /* 400, 405, 414, 417, 431, 501 or 505 */
    int32_t why;
    uint32_t error_at;
} gowsgi_head;

int64_t gowsgi_head_read(gowsgi_head *head, gowsgi_field *fields, const uint8_t *data, uint32_t size,
                         const gowsgi_head_limits *limits);

typedef struct {
    /* ---- how far it has been read; all 0 at first ---- */
    uint8_t state;
    uint8_t digits; /* of the chunk's size */
    int64_t left; /* bytes of the chunk that are still to come */
    int64_t overhead; /* bytes that were neither body nor needed for it, in all */
    uint32_t line; /* bytes of the line so far */
    uint32_t fields; /* trailers so far */
    uint8_t name_size; /* of the trailer, as far as it is kept */
    char name[18]; /* longer than any name that is refused in a trailer */
    bool done; /* the last chunk and the trailers are over */

    /* ---- the piece of the body that was found ---- */
    uint32_t body_at, body_size;

    /* ---- why it is refused ---- */
    int32_t status, why;
    uint32_t error_at;
} gowsgi_chunks;

int64_t gowsgi_chunks_read(gowsgi_chunks *chunks, const uint8_t *data, uint32_t size, const gowsgi_head_limits *limits);

const char *gowsgi_http1_why(int why);

#endif
