/* The request line: RFC 9112, 3. */
#include "reader.h"

#include <string.h>

bool http1_is_authority(const uint8_t *p, size_t size) {
    const uint8_t *end = p + size;
    size_t host;
    if (p < end && *p == '[') { /* RFC 3986, 3.2.2: IP-literal */
        host = 1 + http1_run(p + 1, end, HTTP1_LITERAL);
        if (host < 3 || p + host == end || p[host] != ']')
            return false;
        host++;
    } else {
        host = http1_run(p, end, HTTP1_NAME);
        if (host == 0)
            return false;
    }
    p += host;
    if (p == end)
        return true;
    if (*p++ != ':')
        return false;
    return http1_run(p, end, HTTP1_DIGIT) == (size_t)(end - p) && end - p <= 5;
}

static gowsgi_span span(size_t at, size_t size) { return (gowsgi_span){(uint32_t)at, (uint32_t)size}; }

/* Path and query, which are the bytes from `at` on. */
static void split_path(gowsgi_head *head, const uint8_t *data, size_t at, size_t end) {
    const uint8_t *mark = end > at ? memchr(data + at, '?', end - at) : NULL;
    size_t path = mark ? (size_t)(mark - data) : end;
    head->path = span(at, path - at);
    head->has_query = mark != NULL;
    head->query = mark ? span(path + 1, end - path - 1) : span(end, 0);
}

/* RFC 9112, 3.2.2; its authority is the request's host, whatever Host says. */
static int read_absolute(gowsgi_head *head, const uint8_t *data, size_t at, size_t size) {
    const uint8_t *start = data + at, *end = start + size;
    size_t scheme = http1_run(start, end, HTTP1_SCHEME);
    if (!HTTP1_EQUALS(start, scheme, "http") && !HTTP1_EQUALS(start, scheme, "https"))
        return http1_refuse(head, 400, GOWSGI_BAD_TARGET, at);
    if (size < scheme + 3 || memcmp(start + scheme, "://", 3) != 0)
        return http1_refuse(head, 400, GOWSGI_BAD_TARGET, at + scheme);
    const uint8_t *host = start + scheme + 3, *p = host;
    while (p < end && *p != '/' && *p != '?')
        p++;
    if (!http1_is_authority(host, (size_t)(p - host)))
        return http1_refuse(head, 400, GOWSGI_BAD_AUTHORITY, (size_t)(host - data));
    head->form = GOWSGI_ABSOLUTE;
    head->host = span((size_t)(host - data), (size_t)(p - host));
    split_path(head, data, (size_t)(p - data), at + size);
    return 0;
}

static int read_target(gowsgi_head *head, const uint8_t *data, size_t at, size_t size) {
    const uint8_t *method = data + head->method.at;
    if (head->method.size == 7 && memcmp(method, "CONNECT", 7) == 0)
        return http1_refuse(head, 405, GOWSGI_NO_CONNECT, head->method.at);
    if (data[at] == '/') {
        head->form = GOWSGI_ORIGIN;
        split_path(head, data, at, at + size);
        return 0;
    }
    if (data[at] != '*')
        return read_absolute(head, data, at, size);
    if (size != 1 || head->method.size != 7 || memcmp(method, "OPTIONS", 7) != 0)
        return http1_refuse(head, 400, GOWSGI_BAD_TARGET, at);
    head->form = GOWSGI_ASTERISK;
    head->path = span(at, 1);
    return 0;
}

/* "HTTP/" digit "." digit, in upper case: RFC 9112, 2.3. */
static int read_version(gowsgi_head *head, const uint8_t *data, size_t at, size_t size) {
    const uint8_t *p = data + at;
    if (size != 8 || memcmp(p, "HTTP/", 5) != 0 || !http1_is(p[5], HTTP1_DIGIT) || p[6] != '.' ||
        !http1_is(p[7], HTTP1_DIGIT))
        return http1_refuse(head, 400, GOWSGI_BAD_VERSION, at);
    if (p[5] != '1')
        return http1_refuse(head, 505, GOWSGI_OTHER_VERSION, at);
    head->minor = p[7] != '0';
    return 0;
}

int http1_read_line(gowsgi_head *head, const uint8_t *data, size_t at, size_t size, const gowsgi_head_limits *limits) {
    if (limits->line && size > limits->line)
        return http1_refuse(head, 414, GOWSGI_LONG_LINE, at);
    const uint8_t *start = data + at, *end = start + size;
    size_t method = http1_run(start, end, HTTP1_TOKEN);
    if (method == 0 || method == size || start[method] != ' ')
        return http1_refuse(head, 400, GOWSGI_BAD_METHOD, at + method);
    head->method = span(at, method);
    size_t from = at + method + 1;
    size_t target = http1_run(data + from, end, HTTP1_TARGET);
    size_t behind = from + target;
    head->target = span(from, target);
    if (target == 0)
        return http1_refuse(head, 400, GOWSGI_BAD_TARGET, behind);
    if (data + behind == end)
        return http1_refuse(head, 400, GOWSGI_BAD_VERSION, behind);
    if (data[behind] != ' ')
        return http1_refuse(head, 400, data[behind] == '#' ? GOWSGI_BAD_FRAGMENT : GOWSGI_BAD_TARGET, behind);
    if (read_version(head, data, behind + 1, at + size - behind - 1) < 0)
        return -1;
    return read_target(head, data, from, target);
}
