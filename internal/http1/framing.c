/* What the fields of a head say of the message and the connection: RFC 9112, 6
 * and 9.3; RFC 9110, 10.1.1. */
#include "reader.h"

static uint8_t one_more(uint8_t count) { return count < 2 ? count + 1 : count; }

static int note_host(gowsgi_head *head, const uint8_t *data, gowsgi_span value) {
    head->hosts = one_more(head->hosts);
    if (head->hosts > 1)
        return http1_refuse(head, 400, GOWSGI_TWO_HOSTS, value.at);
    if (value.size > 0 && !http1_is_authority(data + value.at, value.size))
        return http1_refuse(head, 400, GOWSGI_BAD_HOST, value.at);
    if (head->form != GOWSGI_ABSOLUTE)
        head->host = value;
    return 0;
}

static int note_length(gowsgi_head *head, const uint8_t *data, gowsgi_span value) {
    head->lengths = one_more(head->lengths);
    if (head->lengths > 1) /* RFC 9110, 8.6 would let equal ones pass */
        return http1_refuse(head, 400, GOWSGI_TWO_LENGTHS, value.at);
    int64_t length = 0;
    for (uint32_t i = 0; i < value.size; i++) {
        uint8_t c = data[value.at + i];
        if (!http1_is(c, HTTP1_DIGIT) || length > (INT64_MAX - (c - '0')) / 10)
            return http1_refuse(head, 400, GOWSGI_BAD_LENGTH, value.at + i);
        length = length * 10 + (c - '0');
    }
    if (value.size == 0)
        return http1_refuse(head, 400, GOWSGI_BAD_LENGTH, value.at);
    head->length = length;
    return 0;
}

/* True if word, in lower case, is among the elements of a list: RFC 9110, 5.6.1. */
static bool lists(const uint8_t *p, size_t size, const char *word, size_t word_size) {
    const uint8_t *end = p + size;
    while (p < end) {
        const uint8_t *start = p;
        while (p < end && *p != ',')
            p++;
        const uint8_t *stop = p;
        while (start < stop && (*start == ' ' || *start == '\t'))
            start++;
        while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t'))
            stop--;
        if (http1_equals(start, (size_t)(stop - start), word, word_size))
            return true;
        p += p < end;
    }
    return false;
}

#define LISTS(p, size, word) lists(p, size, word, sizeof(word) - 1)

/* RFC 9112, 6.1 and 7: chunked, alone and once. What another coding does to the
 * body nobody here could undo. */
static int note_coding(gowsgi_head *head, const uint8_t *data, gowsgi_span value) {
    const uint8_t *p = data + value.at;
    head->codings = one_more(head->codings);
    if (head->codings > 1)
        return http1_refuse(head, 400, GOWSGI_BAD_CODING, value.at);
    if (head->minor == 0)
        return http1_refuse(head, 400, GOWSGI_OLD_CODING, value.at);
    if (HTTP1_EQUALS(p, value.size, "chunked")) {
        head->chunked = true;
        return 0;
    }
    bool token = value.size > 0 && http1_run(p, p + value.size, HTTP1_TOKEN) == value.size;
    return token ? http1_refuse(head, 501, GOWSGI_OTHER_CODING, value.at)
                 : http1_refuse(head, 400, GOWSGI_BAD_CODING, value.at);
}

int http1_note_field(gowsgi_head *head, const uint8_t *data, const gowsgi_field *field) {
    const uint8_t *name = data + field->name.at, *value = data + field->value.at;
    size_t size = field->value.size;
    switch (field->name.size) {
    case 4:
        return HTTP1_EQUALS(name, 4, "host") ? note_host(head, data, field->value) : 0;
    case 6:
        if (HTTP1_EQUALS(name, 6, "expect")) {
            head->expectations = one_more(head->expectations);
            head->expects_other |= !HTTP1_EQUALS(value, size, "100-continue");
        }
        return 0;
    case 7:
        head->has_upgrade |= HTTP1_EQUALS(name, 7, "upgrade");
        return 0;
    case 10:
        if (HTTP1_EQUALS(name, 10, "connection")) {
            head->asks_close |= LISTS(value, size, "close");
            head->asks_keep_alive |= LISTS(value, size, "keep-alive");
            head->asks_upgrade |= LISTS(value, size, "upgrade");
        }
        return 0;
    case 14:
        return HTTP1_EQUALS(name, 14, "content-length") ? note_length(head, data, field->value) : 0;
    case 17:
        return HTTP1_EQUALS(name, 17, "transfer-encoding") ? note_coding(head, data, field->value) : 0;
    default:
        return 0;
    }
}

int http1_finish_head(gowsgi_head *head) {
    uint32_t end = head->at;
    if (head->chunked && head->lengths)
        return http1_refuse(head, 400, GOWSGI_LENGTH_AND_CODING, end);
    bool body = head->chunked || head->length > 0;
    /* RFC 9112, 2.2 allows it. Health checks by hand send such heads; with a
     * body behind it, it is a way to make two readers disagree. */
    if (body && head->bare_lf)
        return http1_refuse(head, 400, GOWSGI_BARE_LF, end);
    if (head->minor > 0 && head->hosts == 0)
        return http1_refuse(head, 400, GOWSGI_NO_HOST, end);
    if (head->minor > 0 && head->expectations) {
        if (head->expects_other || head->expectations > 1)
            return http1_refuse(head, 417, GOWSGI_OTHER_EXPECTATION, end);
        head->awaits_continue = body;
    }
    head->keep_alive = !head->asks_close && (head->minor > 0 || head->asks_keep_alive);
    head->upgrade = head->minor > 0 && head->has_upgrade && head->asks_upgrade;
    return 0;
}

bool http1_is_framing(const char *name, size_t size) {
    const uint8_t *p = (const uint8_t *)name;
    return HTTP1_EQUALS(p, size, "host") || HTTP1_EQUALS(p, size, "content-length") ||
           HTTP1_EQUALS(p, size, "transfer-encoding");
}
