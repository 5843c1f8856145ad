//go:build linux

/* What proxies say of the requests that they pass on: the common of what package
 * forwarded reads, and as it does. What is not common is Go's. */
#include "lane_internal.h"

#include "../http1/reader.h"

#include <string.h>

static void note_scheme(lane_hearsay *h, bool https) { *(https ? &h->https : &h->http) = true; }

/* True if a field, which occurs once, is one of these; it is noted. */
bool lane_hears(lane_hearsay *h, const uint8_t *name, size_t size, const uint8_t *value, size_t value_size) {
    if (HTTP1_EQUALS(name, size, "forwarded")) {
        h->elements = true;
        return h->speaks = true;
    }
    if (HTTP1_EQUALS(name, size, "x-real-ip"))
        return h->speaks = true;
    static const char beginning[] = "x-forwarded-";
    enum { BEGINNING = sizeof beginning - 1 };
    if (size < BEGINNING || !http1_equals(name, BEGINNING, beginning, BEGINNING))
        return false;
    name += BEGINNING;
    size -= BEGINNING;
    if (HTTP1_EQUALS(name, size, "for"))
        h->addresses = (lane_text){value, value_size};
    else if (HTTP1_EQUALS(name, size, "proto"))
        note_scheme(h, HTTP1_EQUALS(value, value_size, "https"));
    else if (HTTP1_EQUALS(name, size, "protocol"))
        note_scheme(h, HTTP1_EQUALS(value, value_size, "ssl"));
    else if (HTTP1_EQUALS(name, size, "ssl"))
        note_scheme(h, HTTP1_EQUALS(value, value_size, "on"));
    else if (HTTP1_EQUALS(name, size, "host"))
        h->host = (lane_text){value, value_size};
    else if (HTTP1_EQUALS(name, size, "port"))
        h->port = (lane_text){value, value_size};
    else if (HTTP1_EQUALS(name, size, "prefix"))
        h->prefix = true;
    return h->speaks = true;
}

/* ---- addresses ---- */

typedef struct {
    bool is4;
    uint8_t bytes[16]; /* 4 of them are used, or all */
} ip;

/* Four numbers without zeros in front, so that there is one way to write each. */
static bool read_v4(const uint8_t *p, size_t size, ip *to) {
    const uint8_t *end = p + size;
    for (int i = 0; i < 4; i++) {
        size_t digits = http1_run(p, end, HTTP1_DIGIT);
        if (digits == 0 || digits > 3 || (digits > 1 && *p == '0'))
            return false;
        unsigned n = 0;
        for (size_t d = 0; d < digits; d++)
            n = n * 10 + *p++ - '0';
        if (n > 255 || (i < 3 ? p == end || *p++ != '.' : p != end))
            return false;
        to->bytes[i] = (uint8_t)n;
    }
    to->is4 = true;
    return true;
}

static unsigned hex(uint8_t c) { return http1_is(c, HTTP1_DIGIT) ? c - '0' : (c | 0x20) - 'a' + 10; }

/* Groups of hexadecimal digits (RFC 4291, 2.2: forms 1 and 2). */
static bool read_v6(const uint8_t *p, size_t size, ip *to) {
    const uint8_t *end = p + size;
    uint16_t groups[8] = {0};
    int n = 0, gap = -1;
    if (size >= 2 && p[0] == ':' && p[1] == ':') {
        gap = 0;
        p += 2;
    }
    while (p < end) {
        size_t digits = http1_run(p, end, HTTP1_HEX);
        if (digits == 0 || digits > 4 || n == 8)
            return false;
        for (size_t d = 0; d < digits; d++)
            groups[n] = (uint16_t)(groups[n] << 4 | hex(*p++));
        n++;
        if (p == end)
            break;
        if (*p++ != ':' || p == end)
            return false;
        if (*p == ':') {
            if (gap >= 0)
                return false;
            gap = n;
            p++;
        }
    }
    if (gap < 0 ? n != 8 : n == 8)
        return false;
    if (gap >= 0) {
        int behind = n - gap;
        memmove(groups + 8 - behind, groups + gap, (size_t)behind * sizeof *groups);
        memset(groups + gap, 0, (size_t)(8 - n) * sizeof *groups);
    }
    for (int i = 0; i < 8; i++) {
        to->bytes[2 * i] = (uint8_t)(groups[i] >> 8);
        to->bytes[2 * i + 1] = (uint8_t)groups[i];
    }
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    to->is4 = false;
    return memcmp(to->bytes, mapped, sizeof mapped) != 0; /* else it is one of IPv4: Go's */
}

/* RFC 5952, 4: as package netip writes it. Returns the size. */
static size_t write_v6(char *to, const uint8_t bytes[16]) {
    int gap = -1, gap_size = 1;
    for (int i = 0; i < 8; i++) {
        int zeros = 0;
        while (i + zeros < 8 && !bytes[2 * (i + zeros)] && !bytes[2 * (i + zeros) + 1])
            zeros++;
        if (zeros > gap_size) {
            gap = i;
            gap_size = zeros;
        }
        i += zeros;
    }
    char *p = to;
    for (int i = 0; i < 8; i++) {
        if (i == gap) {
            *p++ = ':';
            *p++ = ':';
            i += gap_size - 1;
            continue;
        }
        if (i > 0 && p[-1] != ':')
            *p++ = ':';
        p += lane_hex(p, (uint64_t)bytes[2 * i] << 8 | bytes[2 * i + 1]);
    }
    return (size_t)(p - to);
}

static bool contains(const gowsgi_network *network, const ip *address) {
    if (network->is4 != address->is4)
        return false;
    size_t whole = network->bits / 8;
    uint8_t mask = (uint8_t)(0xff00 >> network->bits % 8);
    return memcmp(network->address, address->bytes, whole) == 0 &&
           (!mask || !((network->address[whole] ^ address->bytes[whole]) & mask));
}

static bool is_proxy(const gowsgi_lane_config *config, const ip *address) {
    for (int i = 0; i < config->network_count; i++)
        if (contains(&config->networks[i], address))
            return true;
    return false;
}

static lane_text trim(const uint8_t *p, const uint8_t *end) {
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    while (p < end && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    return (lane_text){p, (size_t)(end - p)};
}

/* The first address from the right that is no proxy's, or the leftmost. False: one on
 * the way there is not as most are. */
static bool read_client(const gowsgi_lane_config *config, lane_text list, gowsgi_address *client) {
    for (const uint8_t *end = list.data + list.size, *start;; end = start - 1) {
        for (start = end; start > list.data && start[-1] != ','; start--) {
        }
        lane_text node = trim(start, end);
        ip address;
        if (!read_v4(node.data, node.size, &address) && !read_v6(node.data, node.size, &address))
            return false;
        if (start > list.data && !config->everybody && is_proxy(config, &address))
            continue;
        client->port_size = 0;
        if (address.is4) {
            memcpy(client->host, node.data, node.size); /* there is no other way to write it */
            client->host_size = (uint8_t)node.size;
        } else {
            client->host_size = (uint8_t)write_v6(client->host, address.bytes);
        }
        return true;
    }
}

/* ---- */

static bool is_port(lane_text port) {
    const uint8_t *end = port.data + port.size;
    if (port.size > 5 || http1_run(port.data, end, HTTP1_DIGIT) != port.size || port.data[0] == '0')
        return false;
    return port.size < 5 || memcmp(port.data, "65535", 5) <= 0;
}

bool lane_believe(const gowsgi_lane *lane, const gowsgi_connection *c, const lane_hearsay *h, lane_said *said) {
    const gowsgi_lane_config *config = &lane->config;
    *said = (lane_said){.client = c->remote, .https = c->tls != 0};
    if (!c->trusted)
        return c->heard || !h->speaks;
    uint8_t fields = config->believed;
    if (((fields & GOWSGI_FORWARDED_PREFIX) && h->prefix) || ((fields & GOWSGI_FORWARDED) && h->elements))
        return false;
    if ((fields & GOWSGI_FORWARDED_FOR) && h->addresses.size && !read_client(config, h->addresses, &said->client))
        return false;
    if (fields & GOWSGI_FORWARDED_PROTO) {
        if (h->http && h->https)
            return false; /* they contradict each other */
        if (h->http || h->https)
            said->https = h->https;
    }
    if ((fields & GOWSGI_FORWARDED_HOST) && h->host.size) {
        if (h->host.size > LANE_MOST_HOST || memchr(h->host.data, ',', h->host.size) ||
            !http1_is_authority(h->host.data, h->host.size))
            return false;
        said->host = h->host;
    }
    if ((fields & GOWSGI_FORWARDED_PORT) && h->port.size) {
        if (!is_port(h->port))
            return false;
        said->port = h->port;
    }
    return true;
}
