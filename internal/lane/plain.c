//go:build linux

/* A plain head becomes an environ block, as internal/exchange and package environ make
 * it of any other: internal/server/lane_test.go holds them together. */
#include "lane_internal.h"

#include "../http1/bytes.h"

#include <string.h>

/* ---- names of fields ---- */

static unsigned hash(const uint8_t *name, size_t size) {
    unsigned h = (unsigned)size;
    for (size_t i = 0; i < size; i++)
        h = h * 31 + http1_lower(name[i]);
    return h ^ h >> 8;
}

static void add_name(gowsgi_lane *lane, const char *cgi, uint16_t key) {
    lane_name name = {.key = key, .size = (uint8_t)strlen(cgi)};
    if (name.size > sizeof name.name)
        return; /* it is spelled out each time */
    for (size_t i = 0; i < name.size; i++)
        name.name[i] = cgi[i] == '_' ? '-' : (char)http1_lower((uint8_t)cgi[i]);
    unsigned at = hash((const uint8_t *)name.name, name.size);
    while (lane->names[at % LANE_NAMES].size)
        at++;
    lane->names[at % LANE_NAMES] = name;
}

void lane_names_init(gowsgi_lane *lane) {
    for (int i = 1; i < lane->config.name_count && i < LANE_NAMES / 2; i++)
        if (strncmp(lane->config.names[i], "HTTP_", 5) == 0)
            add_name(lane, lane->config.names[i] + 5, (uint16_t)i);
    add_name(lane, "CONTENT_TYPE", lane->config.keys.content_type);
}

/* 0: it has no number. */
static uint16_t key_of(const gowsgi_lane *lane, const uint8_t *name, size_t size) {
    for (unsigned at = hash(name, size);; at++) {
        const lane_name *known = &lane->names[at % LANE_NAMES];
        if (!known->size)
            return 0;
        if (http1_equals(name, size, known->name, known->size))
            return known->key;
    }
}

/* ---- the block: package environ tells how it is laid out ---- */

typedef struct {
    uint8_t *p;
} writer;

static void put_sizes(writer *w, uint16_t key, uint16_t name, uint32_t value) {
    memcpy(w->p, &key, 2);
    memcpy(w->p + 2, &name, 2);
    memcpy(w->p + 4, &value, 4);
    w->p += 8;
}

static void put_bytes(writer *w, const void *data, size_t size) {
    if (size)
        memcpy(w->p, data, size);
    w->p += size;
}

static const uint8_t *put(writer *w, uint16_t key, const void *value, size_t size) {
    put_sizes(w, key, 0, (uint32_t)size);
    const uint8_t *at = w->p;
    put_bytes(w, value, size);
    return at;
}

static void put_number(writer *w, uint16_t key, uint64_t n) {
    char digits[20];
    put(w, key, digits, lane_decimal(digits, n));
}

/* RFC 3875, 4.1.18. */
static void put_named(writer *w, const uint8_t *name, size_t name_size, const uint8_t *value, size_t size) {
    put_sizes(w, 0, (uint16_t)(5 + name_size), (uint32_t)size);
    put_bytes(w, "HTTP_", 5);
    for (size_t i = 0; i < name_size; i++) {
        uint8_t c = name[i];
        *w->p++ = c == '-' ? '_' : c >= 'a' && c <= 'z' ? c & 0xdf : c;
    }
    put_bytes(w, value, size);
}

static int unhex(uint8_t c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes %XX once; what is no valid escape stays. Returns the size. */
static size_t unescape(uint8_t *to, const uint8_t *data, size_t size) {
    uint8_t *start = to;
    for (size_t i = 0; i < size; i++) {
        int high = -1, low = -1;
        if (data[i] == '%' && i + 2 < size) {
            high = unhex(data[i + 1]);
            low = unhex(data[i + 2]);
        }
        if (high >= 0 && low >= 0) {
            *to++ = (uint8_t)(high << 4 | low);
            i += 2;
        } else {
            *to++ = data[i];
        }
    }
    return (size_t)(to - start);
}

/* Whether requests for this path are Go's, or may be: Go looks more closely. */
static bool is_elsewhere(const gowsgi_lane *lane, const uint8_t *path, size_t size) {
    for (int i = 0; i < lane->config.elsewhere_count; i++) {
        size_t length = strlen(lane->config.elsewhere[i]);
        if (size >= length && memcmp(path, lane->config.elsewhere[i], length) == 0)
            return true;
    }
    return false;
}

/* Whether there may be a file for a path in the document root: package static's firstOf
 * and Place. */
static bool is_at_top(const gowsgi_lane *lane, const gowsgi_head *h, const uint8_t *data, const uint8_t *path,
                      size_t size) {
    const uint8_t *method = data + h->method.at, *end = path + size;
    if (!lane->config.top || !((h->method.size == 3 && memcmp(method, "GET", 3) == 0) ||
                               (h->method.size == 4 && memcmp(method, "HEAD", 4) == 0)))
        return false;
    while (path < end && *path == '/')
        path++;
    uint32_t hash = 2166136261;
    for (; path < end && *path != '/'; path++)
        hash = (hash ^ *path) * 16777619;
    hash ^= hash >> 16;
    uint64_t word = __atomic_load_n(&lane->config.top[hash / 64 % GOWSGI_LANE_TOP], __ATOMIC_RELAXED);
    return word >> hash % 64 & 1;
}

/* What the target says. Returns the mount that it is in; NULL: it is Go's, perhaps being
 * in none. */
static const gowsgi_lane_mount *put_target(writer *w, const gowsgi_lane *lane, const gowsgi_head *h,
                                           const uint8_t *data) {
    const gowsgi_lane_keys *keys = &lane->config.keys;
    /* The path is decoded where it will stand; what comes before it is not there yet. */
    uint8_t *entry = w->p;
    put_sizes(w, keys->path_info, 0, 0);
    size_t path = unescape(w->p, data + h->path.at, h->path.size);
    if (is_elsewhere(lane, w->p, path) || is_at_top(lane, h, data, w->p, path))
        return NULL;
    const gowsgi_lane_mount *mount = lane_mount_of(lane, data + h->host.at, h->host.size, w->p, path);
    if (!mount || mount->elsewhere)
        return NULL;
    size_t prefix = mount->path.size;
    path -= prefix;
    if (prefix)
        memmove(w->p, w->p + prefix, path);
    w->p = entry;
    put_sizes(w, keys->path_info, 0, (uint32_t)path);
    w->p += path;
    put(w, keys->request_uri, data + h->target.at, h->target.size);
    put(w, keys->raw_uri, data + h->target.at, h->target.size);
    put(w, keys->script_name, mount->path.text, prefix);
    put(w, keys->query_string, data + h->query.at, h->query.size);
    return mount;
}

/* The name and port that the client asked for, where a proxy has told or the listener
 * has neither: as package environ's ServerOf. False: Go is to look at it. */
static bool put_server(writer *w, const gowsgi_lane *lane, const gowsgi_connection *c, const uint8_t *host, size_t size,
                       const lane_said *said) {
    const gowsgi_lane_keys *keys = &lane->config.keys;
    if (c->local.port_size && !said->host.size) {
        put(w, keys->server_name, c->local.host, c->local.host_size);
        if (!said->port.size)
            put(w, keys->server_port, c->local.port, c->local.port_size);
        else
            put(w, keys->server_port, said->port.data, said->port.size);
        return true;
    }
    const uint8_t *colon = size ? memchr(host, ':', size) : NULL;
    if (size && host[0] == '[')
        return false;
    size_t name = colon ? (size_t)(colon - host) : size;
    const uint8_t *port = colon ? colon + 1 : NULL;
    size_t port_size = colon ? size - name - 1 : 0;
    if (name)
        put(w, keys->server_name, host, name);
    else
        put(w, keys->server_name, "localhost", 9);
    if (said->port.size)
        put(w, keys->server_port, said->port.data, said->port.size);
    else if (port_size)
        put(w, keys->server_port, port, port_size);
    else
        put(w, keys->server_port, said->https ? "443" : "80", said->https ? 3 : 2);
    return true;
}

/* ---- fields ---- */

/* What the fields of a head say that the lane has to know. */
typedef struct {
    lane_hearsay hearsay;
    const uint8_t *id; /* X-Request-Id; NULL: none */
    size_t id_size;
    bool has_length; /* Content-Length */
} facts;

/* Whether text can stand for a request: exchange's isRequestID. */
static bool is_id(const uint8_t *text, size_t size) {
    bool good = size > 0 && size <= 128;
    for (size_t i = 0; i < size && good; i++)
        good = text[i] > ' ' && text[i] <= '~';
    return good;
}

/* What proxies say. */
static void note(facts *f, const uint8_t *name, size_t size, const uint8_t *value, size_t value_size) {
    if (!lane_hears(&f->hearsay, name, size, value, value_size) && HTTP1_EQUALS(name, size, "x-request-id") &&
        is_id(value, value_size)) {
        f->id = value;
        f->id_size = value_size;
    }
}

enum { UNNUMBERED = 16 }; /* fields without a number; a head with more is Go's */

/* Fields that occurred, to find those that occur twice. */
typedef struct {
    uint64_t numbered[(LANE_NAMES + 63) / 64];
    const gowsgi_field *unnumbered[UNNUMBERED];
    int count;
} seen;

static bool is_same(const uint8_t *data, const gowsgi_field *a, const gowsgi_field *b) {
    if (a->name.size != b->name.size)
        return false;
    for (size_t i = 0; i < a->name.size; i++)
        if (http1_lower(data[a->name.at + i]) != http1_lower(data[b->name.at + i]))
            return false;
    return true;
}

/* True if the field occurs for the first time, as far as can be told. */
static bool is_first(seen *s, const uint8_t *data, const gowsgi_field *field, uint16_t key) {
    if (key) {
        uint64_t bit = (uint64_t)1 << key % 64, *word = &s->numbered[key / 64 % (LANE_NAMES / 64)];
        bool first = !(*word & bit);
        *word |= bit;
        return first;
    }
    for (int i = 0; i < s->count; i++)
        if (is_same(data, s->unnumbered[i], field))
            return false;
    if (s->count == UNNUMBERED)
        return false;
    s->unnumbered[s->count++] = field;
    return true;
}

static bool put_fields(writer *w, const gowsgi_lane *lane, const gowsgi_head *h, const gowsgi_field *fields,
                       const uint8_t *data, facts *f) {
    seen s = {0};
    for (uint32_t i = 0; i < h->count; i++) {
        const gowsgi_field *field = &fields[i];
        const uint8_t *name = data + field->name.at, *value = data + field->value.at;
        size_t size = field->name.size, value_size = field->value.size;
        if (HTTP1_EQUALS(name, size, "host"))
            continue; /* once, and h->host */
        if (HTTP1_EQUALS(name, size, "content-length")) {
            f->has_length = true;
            continue;
        }
        if (size > INT16_MAX || memchr(name, '_', size) || HTTP1_EQUALS(name, size, "proxy"))
            return false;
        uint16_t key = key_of(lane, name, size);
        if (!is_first(&s, data, field, key))
            return false;
        if (size >= 9 && ((name[0] | 0x20) == 'x' || (name[0] | 0x20) == 'f'))
            note(f, name, size, value, value_size);
        if (key)
            put(w, key, value, value_size);
        else
            put_named(w, name, size, value, value_size);
    }
    return true;
}

/* Bytes that no block is larger than: each field as it came, what goes before each
 * value and name, the target five times (its beginning is SCRIPT_NAME, and its path is
 * looked at once more), and what the connection says. */
static size_t most_of(const gowsgi_lane *lane, const gowsgi_connection *c, const gowsgi_head *h, size_t head_size) {
    return head_size + (h->count + 20) * 16 + 5 * (size_t)h->target.size + 2 * (size_t)h->host.size +
           2 * LANE_MOST_HOST + lane->prefix_size + c->variables_size + 512;
}

static uint8_t method_of(const uint8_t *method, size_t size) {
    static const char *const known[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    enum { OTHER = sizeof known / sizeof *known };
    for (uint8_t i = 0; i < OTHER; i++)
        if (strlen(known[i]) == size && memcmp(known[i], method, size) == 0)
            return i;
    return OTHER;
}

/* The request's name: a trusted proxy's, or a new one. */
static void put_id(writer *w, const gowsgi_lane *lane, const facts *f, bool trusted, lane_turn *t) {
    char text[64];
    const void *id = f->id;
    size_t size = f->id_size;
    t->number = 0;
    if (!id || !trusted) {
        t->number = __atomic_add_fetch(lane->config.last_id, 1, __ATOMIC_RELAXED);
        memcpy(text, lane->config.id_prefix, lane->prefix_size);
        size = lane->prefix_size + lane_hex(text + lane->prefix_size, t->number);
        id = text;
    }
    t->id = (const char *)put(w, lane->config.keys.request_id, id, size);
    t->id_size = size;
}

/* What the request's memory has is of no use any more. */
static bool keep_head(lane_turn *t, const uint8_t *data, size_t size) {
    if (gowsgi_request_reserve(&t->head, &t->head_room, size < 1024 ? 1024 : size) < 0)
        return false;
    memcpy(t->head, data, size);
    t->head_size = size;
    return true;
}

bool lane_plain(gowsgi_lane *lane, const gowsgi_connection *c, const gowsgi_head *h, const gowsgi_field *fields,
                const uint8_t *data, lane_turn *t) {
    const gowsgi_lane_keys *keys = &lane->config.keys;
    wsgi_request *req = t->request;
    size_t head_size = h->at, most = most_of(lane, c, h, head_size);
    if (gowsgi_request_reserve(&req->block, &req->block_room, most < 4096 ? 4096 : most) < 0 ||
        !keep_head(t, data, head_size))
        return false;
    writer w = {req->block};
    facts f = {0};
    t->mount = put_target(&w, lane, h, data);
    if (!t->mount || (t->mount->body_limit && (uint64_t)h->length > t->mount->body_limit) ||
        !put_fields(&w, lane, h, fields, data, &f))
        return false;
    lane_said said;
    if (!lane_believe(lane, c, &f.hearsay, &said))
        return false;
    if (said.host.size && lane->asks_host) { /* the mount was chosen by the Host that was sent */
        size_t path = unescape(w.p, data + h->path.at, h->path.size); /* what follows is written over it */
        if (lane_mount_of(lane, said.host.data, said.host.size, w.p, path) != t->mount)
            return false;
    }
    put(&w, keys->request_method, data + h->method.at, h->method.size);
    put(&w, keys->server_protocol, h->minor ? "HTTP/1.1" : "HTTP/1.0", 8);
    put(&w, keys->url_scheme, said.https ? "https" : "http", said.https ? 5 : 4);
    put_bytes(&w, c->variables, c->variables_size);
    lane_text host = said.host.size ? said.host : (lane_text){data + h->host.at, h->host.size};
    if (host.size) {
        uint16_t key = key_of(lane, (const uint8_t *)"host", 4);
        put(&w, key, host.data, host.size);
    }
    if (!put_server(&w, lane, c, host.data, host.size, &said))
        return false;
    put(&w, keys->remote_addr, said.client.host, said.client.host_size);
    if (said.client.port_size)
        put(&w, keys->remote_port, said.client.port, said.client.port_size);
    if (h->length > 0 || f.has_length)
        put_number(&w, keys->content_length, (uint64_t)h->length);
    put_id(&w, lane, &f, c->trusted, t);
    t->block_size = (size_t)(w.p - req->block);
    t->method = method_of(data + h->method.at, h->method.size);
    t->minor = h->minor;
    t->keep_alive = h->keep_alive;
    lane_board_begin(t, data + h->method.at, h->method.size, data + h->target.at, h->target.size);
    return true;
}
