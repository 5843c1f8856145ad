//go:build linux

/* Which application a request is for: package mounts' Table in C, which says what the
 * rules are. internal/server/mounts_test.go holds them together. */
#include "lane_internal.h"

#include "../http1/bytes.h"

#include <string.h>

typedef struct {
    const uint8_t *name;
    size_t size;
} host;

/* The name of a host, without the port and the dot at its end. */
static host host_of(const uint8_t *text, size_t size) {
    const uint8_t *end = NULL;
    if (size && text[0] == '[' && (end = memchr(text, ']', size)))
        return (host){text, (size_t)(end - text) + 1};
    if (size && (end = memchr(text, ':', size)))
        size = (size_t)(end - text);
    if (size && text[size - 1] == '.')
        size--;
    return (host){text, size};
}

static bool ends_with(host h, const char *end, size_t size) {
    return h.size >= size && http1_equals(h.name + h.size - size, size, end, size);
}

static bool matches(const gowsgi_lane_pattern *pattern, host h) {
    const char *text = pattern->text;
    size_t size = pattern->size;
    if (size == 0)
        return true;
    if (text[0] == '*')
        return h.size >= size && ends_with(h, text + 1, size - 1);
    if (text[0] == '.' && ends_with(h, text, size))
        return true;
    if (text[0] == '.')
        return http1_equals(h.name, h.size, text + 1, size - 1);
    return http1_equals(h.name, h.size, text, size);
}

static bool is_below(const gowsgi_lane_mount *mount, const uint8_t *path, size_t size) {
    size_t own = mount->path.size;
    return own == 0 || (size >= own && memcmp(path, mount->path.text, own) == 0 && (size == own || path[own] == '/'));
}

static bool is_allowed(const gowsgi_lane_config *config, host h) {
    for (int i = 0; i < config->allowed_count; i++)
        if (matches(&config->allowed[i], h))
            return true;
    return config->allowed_count == 0;
}

const gowsgi_lane_mount *lane_mount_of(const gowsgi_lane *lane, const uint8_t *authority, size_t authority_size,
                                       const uint8_t *path, size_t size) {
    const gowsgi_lane_config *config = &lane->config;
    host h = host_of(authority, authority_size);
    if (!is_allowed(config, h))
        return NULL;
    for (int i = 0; i < config->mount_count; i++)
        if (is_below(&config->mounts[i], path, size) && matches(&config->mounts[i].host, h))
            return &config->mounts[i];
    return NULL;
}
