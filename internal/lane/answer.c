//go:build linux

/* The head of a response, as internal/http1's Writer makes it of any other:
 * internal/server/lane_test.go holds them together. */
#include "lane_internal.h"

#include "../http1/bytes.h"

#include <string.h>
#include <time.h>

size_t lane_decimal(char *to, uint64_t n) {
    char digits[20];
    size_t size = 0;
    do
        digits[size++] = (char)('0' + n % 10);
    while (n /= 10);
    for (size_t i = 0; i < size; i++)
        to[i] = digits[size - 1 - i];
    return size;
}

size_t lane_hex(char *to, uint64_t n) {
    size_t size = 1;
    while (size < 16 && n >> (4 * size))
        size++;
    for (size_t i = 0; i < size; i++)
        to[i] = "0123456789abcdef"[n >> (4 * (size - 1 - i)) & 15];
    return size;
}

enum { DATE = sizeof "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n" - 1 };

/* RFC 9110, 5.6.7. Each thread keeps the text of its last second. */
static const char *date(void) {
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    static _Thread_local struct {
        time_t second;
        char text[DATE];
    } last;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec == last.second)
        return last.text;
    struct tm t;
    gmtime_r(&now.tv_sec, &t);
    memcpy(last.text, "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", DATE);
    char *p = last.text + 6;
    int year = t.tm_year + 1900;
    const int numbers[][2] = {{5, t.tm_mday},  {12, year / 100}, {14, year % 100},
                              {17, t.tm_hour}, {20, t.tm_min},   {23, t.tm_sec}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        p[numbers[i][0]] = (char)('0' + numbers[i][1] / 10);
        p[numbers[i][0] + 1] = (char)('0' + numbers[i][1] % 10);
    }
    memcpy(p, days + 3 * t.tm_wday, 3);
    memcpy(p + 8, months + 3 * t.tm_mon, 3);
    last.second = now.tv_sec;
    return last.text;
}

/* A field as headers.c puts it down. */
typedef struct {
    const uint8_t *name, *value;
    size_t name_size, value_size;
} field;

static const uint8_t *next(const uint8_t *p, field *f) {
    uint16_t name;
    uint32_t value;
    memcpy(&name, p, sizeof name);
    memcpy(&value, p + 2, sizeof value);
    *f = (field){p + 6, p + 6 + name, name, value};
    return p + 6 + name + value;
}

/* Fields that belong to the connection are Go's to deal with: exchange's hopByHop. */
static bool is_servers(const field *f) {
    const uint8_t *name = f->name;
    size_t size = f->name_size;
    switch (size) { /* few names have to be looked at */
    case 2:
        return HTTP1_EQUALS(name, size, "te");
    case 7:
        return HTTP1_EQUALS(name, size, "trailer") || HTTP1_EQUALS(name, size, "upgrade");
    case 8:
        return HTTP1_EQUALS(name, size, "trailers");
    case 10:
        return HTTP1_EQUALS(name, size, "connection") || HTTP1_EQUALS(name, size, "keep-alive");
    case 14:
        return HTTP1_EQUALS(name, size, "content-length");
    case 16:
        return HTTP1_EQUALS(name, size, "proxy-connection");
    case 17:
        return HTTP1_EQUALS(name, size, "transfer-encoding");
    case 19:
        return HTTP1_EQUALS(name, size, "proxy-authorization");
    }
    return false;
}

static bool is_named(const field *f, const char *name) {
    size_t i = 0;
    while (i < f->name_size && name[i] && http1_lower(f->name[i]) == http1_lower((uint8_t)name[i]))
        i++;
    return i == f->name_size && !name[i];
}

/* Whether the settings remove a field: package fields. */
static bool is_removed(const gowsgi_lane *lane, const field *f) {
    for (int i = 0; i < lane->config.removed_count; i++)
        if (is_named(f, lane->config.removed[i]))
            return true;
    return false;
}

/* Fields by which an application names a file: package static's. */
static bool names_file(const field *f) {
    return HTTP1_EQUALS(f->name, f->name_size, "x-sendfile") || HTTP1_EQUALS(f->name, f->name_size, "x-accel-redirect");
}

/* What of a response's fields matters to its head. */
typedef struct {
    bool has_date, has_id, has_secure;
    uint64_t has; /* a bit for each of those that the settings add */
} facts;

static bool look(const lane_turn *t, const wsgi_head *head, facts *facts) {
    const gowsgi_lane *lane = t->lane;
    const uint8_t *p = head->fields, *end = p + head->size;
    field f;
    for (p = next(p, &f); p < end;) { /* the first is the reason */
        p = next(p, &f);
        if (is_servers(&f) || (lane->config.names_files && names_file(&f)))
            return false;
        if (is_removed(lane, &f))
            continue;
        facts->has_date |= HTTP1_EQUALS(f.name, f.name_size, "date");
        facts->has_id |=
            lane->id_field_size == f.name_size && lane->config.id_field && is_named(&f, lane->config.id_field);
        facts->has_secure |= lane->config.secure && is_named(&f, lane->config.secure);
        for (int i = 0; i < lane->config.added_count; i++)
            if (is_named(&f, lane->config.added[i]))
                facts->has |= (uint64_t)1 << i;
    }
    return true;
}

static char *put(char *to, const void *data, size_t size) {
    if (size)
        memcpy(to, data, size);
    return to + size;
}

#define PUT(to, text) put(to, text, sizeof(text) - 1)

/* How the client finds the end of the body: Writer.frame. RFC 9112, 6.3. */
static void frame(lane_turn *t, int status, int64_t length) {
    gowsgi_lane_answer *a = &t->answer;
    a->declared = length;
    if (status == 204 || status == 304) {
        a->no_body = 1;
        a->declared = -1;
    } else if (status == 205) { /* RFC 9110, 15.3.6 */
        a->no_body = 1;
        a->declared = 0;
    } else if (t->request->is_head) {
        a->no_body = 1;
    } else if (length < 0 && t->minor == 0) {
        a->reuse = 0; /* the connection's end is the body's */
    } else if (length < 0) {
        a->chunked = 1;
    }
}

/* Whether Go may encode a body, or say that it might: exchange's chooseCoding. */
static bool may_be_encoded(const gowsgi_lane *lane, int status, int64_t length) {
    int64_t from = lane->config.coded_from;
    if (from < 0 || status == 204 || status == 205)
        return false;
    return status == 304 || length < 0 || length >= from;
}

bool lane_answer_begin(lane_turn *t, int64_t length) {
    const gowsgi_lane *lane = t->lane;
    const wsgi_head *head = &t->request->response.head;
    gowsgi_lane_answer *a = &t->answer;
    facts facts = {.has_id = !lane->config.id_field};
    if (head->size < 6 || head->status < 200 || head->status > 999 || may_be_encoded(lane, head->status, length) ||
        !look(t, head, &facts) ||
        gowsgi_request_reserve(&t->out, &t->out_room,
                               head->size + t->id_size + lane->id_field_size + lane->added_size + lane->secure_size +
                                   256) < 0)
        return false;
    a->begun = 1;
    a->status = head->status;
    a->reuse = t->keep_alive && lane->config.keep_alive > 0;
    frame(t, head->status, length);
    a->reuse = a->reuse && !__atomic_load_n(&lane->draining, __ATOMIC_RELAXED);

    char *to = (char *)t->out;
    const uint8_t *p = head->fields, *end = p + head->size;
    field f;
    p = next(p, &f);
    to = t->minor ? PUT(to, "HTTP/1.1 ") : PUT(to, "HTTP/1.0 ");
    to += lane_decimal(to, (uint64_t)head->status);
    *to++ = ' ';
    to = put(to, f.value, f.value_size);
    to = PUT(to, "\r\n");
    while (p < end) {
        p = next(p, &f);
        if (is_removed(lane, &f))
            continue;
        to = put(to, f.name, f.name_size);
        to = PUT(to, ": ");
        to = put(to, f.value, f.value_size);
        to = PUT(to, "\r\n");
    }
    for (int i = 0; i < lane->config.added_count; i++)
        if (!(facts.has & (uint64_t)1 << i))
            to = put(to, lane->config.added_lines[i], strlen(lane->config.added_lines[i]));
    if (!facts.has_id) {
        to = put(to, lane->config.id_field, lane->id_field_size);
        to = PUT(to, ": ");
        to = put(to, t->id, t->id_size);
        to = PUT(to, "\r\n");
    }
    if (t->connection->tls && !facts.has_secure)
        to = put(to, lane->config.secure_line, lane->secure_size);
    if (!facts.has_date)
        to = put(to, date(), DATE);
    if (a->declared >= 0) {
        to = PUT(to, "Content-Length: ");
        to += lane_decimal(to, (uint64_t)a->declared);
        to = PUT(to, "\r\n");
    } else if (a->chunked) {
        to = PUT(to, "Transfer-Encoding: chunked\r\n");
    }
    if (!a->reuse)
        to = PUT(to, "Connection: close\r\n");
    else if (t->minor == 0)
        to = PUT(to, "Connection: keep-alive\r\n");
    to = PUT(to, "\r\n");
    t->out_size = (size_t)(to - (char *)t->out);
    a->head_size = (int64_t)t->out_size;
    return true;
}
