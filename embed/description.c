/* What a task is, for the report of a crash: the method and URI of its request.
 *
 * All but the last function runs in a signal handler.
 */
#include "wsgi.h"

#include "block.h"

#include "../internal/crash/crash.h"

enum { LONGEST = 1000 };

static unsigned method, uri; /* keys of REQUEST_METHOD and REQUEST_URI */

/* Appends what a client sent, so that it cannot forge a line. */
static size_t put(char *text, size_t room, const char *data, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < size && n + 4 <= room; i++) {
        unsigned char c = (unsigned char)data[i];
        if (c > ' ' && c < 0x7f && c != '\\') {
            text[n++] = (char)c;
        } else {
            const char *hex = "0123456789ABCDEF";
            text[n++] = '\\';
            text[n++] = 'x';
            text[n++] = hex[c >> 4];
            text[n++] = hex[c & 15];
        }
    }
    return n;
}

/* Appends a target without the user and password that it may have, as all logs have
 * it (internal/accesslog/target.go): http://user:password@host/. */
static size_t put_target(char *text, size_t room, const char *data, size_t size) {
    size_t start = 0, end, at;
    if (size == 0 || data[0] == '/')
        return put(text, room, data, size);
    for (size_t i = 0; i + 3 <= size && !start; i++)
        if (memcmp(data + i, "://", 3) == 0)
            start = i + 3;
    for (end = at = start; end < size && data[end] != '/' && data[end] != '?' && data[end] != '#'; end++)
        if (data[end] == '@')
            at = end;
    if (at == start)
        return put(text, room, data, size);
    size_t n = put(text, room, data, start);
    n += put(text + n, room - n, "***", 3);
    return n + put(text + n, room - n, data + at, size - at);
}

/* Appends a variable of a request's block. */
static size_t put_variable(char *text, size_t room, const wsgi_request *req, unsigned key) {
    const uint8_t *block = req->block;
    size_t size = block ? req->block_size : 0;
    wsgi_entry e;
    while (wsgi_block_next(&block, &size, &e) > 0)
        if (e.key == key)
            return (key == uri ? put_target : put)(text, room, e.value, e.value_size);
    return 0;
}

/* Read from the request's block, by any thread. A request of another thread may
 * end meanwhile; what is read is then the next one's, or nonsense within
 * bounds. */
static size_t describe(const void *task, char *text, size_t room) {
    if (((const gowsgi_task *)task)->run != gowsgi_request_run || room < LONGEST)
        return 0;
    const wsgi_request *req = task;
    size_t n = put_variable(text, LONGEST / 2, req, method);
    if (n == 0) /* it is over */
        return 0;
    text[n++] = ' ';
    return n + put_variable(text + n, LONGEST - n, req, uri);
}

void wsgi_description_init(const char *const *names, int count) {
    for (int i = 1; i < count; i++) {
        if (strcmp(names[i], "REQUEST_METHOD") == 0)
            method = (unsigned)i;
        if (strcmp(names[i], "REQUEST_URI") == 0)
            uri = (unsigned)i;
    }
    gowsgi_crash_describe(describe);
}
