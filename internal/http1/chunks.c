/* A chunked body: RFC 9112, 7.1. Byte by byte, with nothing kept of a line but
 * what is needed to judge it: a line may come in any pieces. */
#include "reader.h"

enum { SIZE, SIZE_CR, EXTENSION, DATA, DATA_CR, DATA_LF, TRAILER, NAME, VALUE, VALUE_LF, END_LF };

/* A chunk's line may cost this much besides its body, as often as there is body
 * to go with it; more is for all lines together. */
enum { FREE = 16, MOST_OVERHEAD = 16 << 10, MOST_DIGITS = 16 };

static int64_t refuse(gowsgi_chunks *c, int status, int why, size_t at) {
    c->status = status;
    c->why = why;
    c->error_at = (uint32_t)at;
    return -1;
}

static int hex(uint8_t byte) { return byte <= '9' ? byte - '0' : http1_lower(byte) - 'a' + 10; }

/* The line of a chunk has ended. Who sends many extensions for little body wants
 * something else than to send a body. */
static bool costs_too_much(gowsgi_chunks *c) {
    c->overhead += (int64_t)c->line - FREE - (c->left > MOST_OVERHEAD ? 2 * MOST_OVERHEAD : 2 * c->left);
    if (c->overhead < 0)
        c->overhead = 0;
    return c->overhead > MOST_OVERHEAD;
}

static void begin_line(gowsgi_chunks *c, uint8_t state) {
    c->state = state;
    c->line = 0;
    c->digits = c->name_size = 0;
}

/* One byte of a trailer's name. */
static int64_t read_name(gowsgi_chunks *c, uint8_t byte, size_t at) {
    if (byte == ':' && c->name_size > 0) {
        c->state = VALUE;
        return http1_is_framing(c->name, c->name_size) ? refuse(c, 400, GOWSGI_BAD_TRAILER, at) : 0;
    }
    if (!http1_is(byte, HTTP1_TOKEN))
        return refuse(c, 400, GOWSGI_BAD_NAME, at);
    if (c->name_size < sizeof c->name)
        c->name[c->name_size++] = (char)byte;
    return 0;
}

/* One byte that is none of the body. Returns -1 if the body is refused. */
static int64_t step(gowsgi_chunks *c, uint8_t byte, size_t at, const gowsgi_head_limits *limits) {
    switch (c->state) {
    case SIZE:
        if (http1_is(byte, HTTP1_HEX)) {
            if (c->digits++ == MOST_DIGITS || c->left > INT64_MAX >> 4)
                return refuse(c, 400, GOWSGI_BAD_CHUNK_SIZE, at);
            c->left = c->left << 4 | hex(byte);
            return 0;
        }
        if (c->digits == 0 || (byte != '\r' && byte != ';'))
            return refuse(c, 400, GOWSGI_BAD_CHUNK_SIZE, at);
        c->state = byte == '\r' ? SIZE_CR : EXTENSION;
        return 0;
    case EXTENSION:
        if (byte == '\r')
            c->state = SIZE_CR;
        else if (!http1_is(byte, HTTP1_VALUE))
            return refuse(c, 400, GOWSGI_BAD_CHUNK_LINE, at);
        return c->line > MOST_OVERHEAD ? refuse(c, 400, GOWSGI_CHUNK_OVERHEAD, at) : 0;
    case SIZE_CR:
        if (byte != '\n')
            return refuse(c, 400, GOWSGI_BAD_CHUNK_LINE, at);
        if (costs_too_much(c))
            return refuse(c, 400, GOWSGI_CHUNK_OVERHEAD, at);
        begin_line(c, c->left ? DATA : TRAILER);
        if (c->state == TRAILER)
            c->overhead = 0;
        return 0;
    case DATA_CR:
    case DATA_LF:
        if (byte != (c->state == DATA_CR ? '\r' : '\n'))
            return refuse(c, 400, GOWSGI_BAD_CHUNK_END, at);
        if (c->state == DATA_CR)
            c->state = DATA_LF;
        else
            begin_line(c, SIZE);
        return 0;
    case TRAILER:
        if (byte == '\r') {
            c->state = END_LF;
            return 0;
        }
        if (c->fields++ == limits->fields)
            return refuse(c, 431, GOWSGI_MANY_FIELDS, at);
        c->state = NAME;
        /* fallthrough */
    case NAME:
    case VALUE:
        c->overhead++; /* from here on the size of the trailers, which have the limits of a head */
        if (limits->field && c->line > limits->field)
            return refuse(c, 431, GOWSGI_LONG_FIELD, at);
        if (c->overhead > limits->head)
            return refuse(c, 431, GOWSGI_LONG_HEAD, at);
        if (c->state == NAME)
            return read_name(c, byte, at);
        if (byte == '\r')
            c->state = VALUE_LF;
        else if (!http1_is(byte, HTTP1_VALUE))
            return refuse(c, 400, GOWSGI_BAD_VALUE, at);
        return 0;
    case VALUE_LF:
        if (byte != '\n')
            return refuse(c, 400, GOWSGI_BAD_VALUE, at);
        begin_line(c, TRAILER);
        return 0;
    default: /* END_LF */
        if (byte != '\n')
            return refuse(c, 400, GOWSGI_BAD_NAME, at);
        c->done = true;
        return 0;
    }
}

/* Does: reads on in a chunked body, up to the next piece of it or to its end.
 *     chunks->body_at and body_size are the piece, which ends where what was
 *     used ends; chunks->done: the last chunk and the trailers are over.
 * Memory: nothing is kept of data.
 * GIL: either.
 * Fails: returns -1, and chunks->status, why and error_at say it; else how many
 *     bytes were used. */
int64_t gowsgi_chunks_read(gowsgi_chunks *c, const uint8_t *data, uint32_t size, const gowsgi_head_limits *limits) {
    c->body_at = c->body_size = 0;
    uint32_t at = 0;
    while (at < size && !c->done) {
        if (c->state == DATA) {
            uint32_t there = size - at;
            if (there > c->left)
                there = (uint32_t)c->left;
            c->left -= there;
            if (c->left == 0)
                c->state = DATA_CR;
            c->body_at = at;
            c->body_size = there;
            return at + there;
        }
        c->line++;
        if (step(c, data[at], at, limits) < 0)
            return -1;
        at++;
    }
    return at;
}
