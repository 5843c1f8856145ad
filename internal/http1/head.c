/* A head, line by line: each line is looked at once when it is whole, however
 * small the pieces are in which it comes. target.c reads the request line,
 * framing.c what the fields say of the body and the connection. */
#include "head.h"
#include "reader.h"

#include <string.h>

int http1_refuse(gowsgi_head *head, int status, int why, size_t at) {
    head->status = status;
    head->why = why;
    head->error_at = (uint32_t)at;
    return -1;
}

static int refuse_long(gowsgi_head *head, int why) {
    return http1_refuse(head, head->has_line ? 431 : 414, why, head->at);
}

/* RFC 9112, 5.1: no blank before the colon; 5.2: no folded lines. */
static int read_field(gowsgi_head *head, gowsgi_field *fields, const uint8_t *data, size_t at, size_t size,
                      const gowsgi_head_limits *limits) {
    if (data[at] == ' ' || data[at] == '\t')
        return http1_refuse(head, 400, GOWSGI_FOLDED, at);
    if (limits->field && size > limits->field)
        return http1_refuse(head, 431, GOWSGI_LONG_FIELD, at);
    if (head->count >= limits->fields)
        return http1_refuse(head, 431, GOWSGI_MANY_FIELDS, at);
    const uint8_t *start = data + at, *end = start + size;
    size_t name = http1_run(start, end, HTTP1_TOKEN);
    if (name == 0 || name == size || start[name] != ':')
        return http1_refuse(head, 400, GOWSGI_BAD_NAME, at + name);
    const uint8_t *value = start + name + 1;
    size_t good = http1_run(value, end, HTTP1_VALUE);
    if (value + good < end)
        return http1_refuse(head, 400, GOWSGI_BAD_VALUE, at + name + 1 + good);
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    gowsgi_field *field = &fields[head->count++];
    field->name = (gowsgi_span){(uint32_t)at, (uint32_t)name};
    field->value = (gowsgi_span){(uint32_t)(value - data), (uint32_t)(end - value)};
    return http1_note_field(head, data, field);
}

/* A line that is not whole yet is held against the limits all the same, and its
 * first byte has to be one that a request can begin with: who speaks TLS to a
 * plain port need not wait. */
static int check_unfinished(gowsgi_head *head, const uint8_t *data, uint32_t size, const gowsgi_head_limits *limits) {
    size_t line = size - head->at;
    if (line > 0 && data[size - 1] == '\r')
        line--;
    if (line > 0 && !head->has_line && !http1_is(data[head->at], HTTP1_TOKEN))
        return http1_refuse(head, 400, GOWSGI_BAD_METHOD, head->at);
    uint32_t most = head->has_line ? limits->field : limits->line;
    if (most && line > most)
        return refuse_long(head, head->has_line ? GOWSGI_LONG_FIELD : GOWSGI_LONG_LINE);
    if (head->has_line && line > 0 && head->count >= limits->fields)
        return http1_refuse(head, 431, GOWSGI_MANY_FIELDS, head->at);
    if (size >= limits->head)
        return refuse_long(head, GOWSGI_LONG_HEAD);
    return 0;
}

/* Does: reads a head at the start of data, going on where the call before with
 *     less of the same data has stopped.
 * Memory: nothing is kept but offsets; fields has room for limits->fields.
 * GIL: either.
 * Fails: returns -1, and head->status, why and error_at say it. 0: more is
 *     needed; else the size of the head. */
int64_t gowsgi_head_read(gowsgi_head *head, gowsgi_field *fields, const uint8_t *data, uint32_t size,
                         const gowsgi_head_limits *limits) {
    for (;;) {
        const uint8_t *newline = NULL;
        if (head->scanned < size)
            newline = memchr(data + head->scanned, '\n', size - head->scanned);
        if (!newline) {
            head->scanned = size;
            return check_unfinished(head, data, size, limits);
        }
        size_t at = head->at, end = (size_t)(newline - data), next = end + 1;
        if (next > limits->head)
            return refuse_long(head, GOWSGI_LONG_HEAD);
        if (end > at && data[end - 1] == '\r')
            end--;
        else
            head->bare_lf = true;
        head->at = head->scanned = (uint32_t)next;
        if (end == at) {
            if (head->has_line)
                return http1_finish_head(head) < 0 ? -1 : (int64_t)next;
            if (head->empty_line) /* RFC 9112, 2.2: one may stand before a request */
                return http1_refuse(head, 400, GOWSGI_BAD_METHOD, at);
            head->empty_line = true;
            continue;
        }
        int read = head->has_line ? read_field(head, fields, data, at, end - at, limits)
                                  : http1_read_line(head, data, at, end - at, limits);
        if (read < 0)
            return -1;
        head->has_line = true;
    }
}
