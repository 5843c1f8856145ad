//go:build linux

/* A lane is made. */
#include "lane_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { FIRST_STOCK = 16 }; /* requests */

static size_t length(const char *text) { return text ? strlen(text) : 0; }

static int start(gowsgi_lane *lane) {
    struct epoll_event bell = {.events = EPOLLIN | EPOLLET, .data.ptr = NULL};
    lane->epoll = epoll_create1(EPOLL_CLOEXEC);
    lane->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    lane->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    lane->scratch = malloc(LANE_SCRATCH);
    lane->fields = calloc(lane->config.limits.fields, sizeof *lane->fields);
    if (!lane->scratch || !lane->fields)
        return ENOMEM;
    if (lane->epoll < 0 || lane->wake_fd < 0 || lane->bell < 0 ||
        epoll_ctl(lane->epoll, EPOLL_CTL_ADD, lane->wake_fd, &bell) < 0)
        return errno;
    int err = pthread_mutex_init(&lane->lock, NULL);
    if (err == 0)
        err = pthread_mutex_init(&lane->reading, NULL);
    if (err == 0)
        err = lane_lookout_start(lane);
    return err;
}

/* Does: makes a lane without connections and without requests, and has the pool's
 *     threads wait in it. *wanted are the requests that it is to be given.
 * Memory: what config points to is the lane's, which stays until the process ends.
 * GIL: either.
 * Fails: NULL with errno set. ENOTSUP: the pool's threads wait somewhere else. */
gowsgi_lane *gowsgi_lane_new(const gowsgi_lane_config *config, int *wanted) {
    gowsgi_lane *lane = calloc(1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->config = *config;
    lane->source = (gowsgi_source){lane_wait, lane_collect, lane_ring, lane_turn_ended};
    lane->prefix_size = length(config->id_prefix);
    lane->id_field_size = length(config->id_field);
    lane->secure_size = length(config->secure_line);
    lane->asks_host = config->allowed_count > 0;
    for (int i = 0; i < config->mount_count; i++)
        lane->asks_host |= config->mounts[i].host.size > 0;
    for (int i = 0; i < config->added_count; i++)
        lane->added_size += length(config->added_lines[i]);
    lane->stock_count = *wanted = FIRST_STOCK;
    lane->vacant_since = gowsgi_now();
    lane_names_init(lane);
    int err = gowsgi_pool_has_hubs(config->pool) ? ENOTSUP : start(lane);
    if (err == 0 && gowsgi_pool_attach(config->pool, &lane->source) == 0)
        return lane;
    if (err == 0) {
        err = ENOTSUP;
        lane_lookout_stop(lane);
    }
    if (lane->epoll > 0)
        close(lane->epoll);
    if (lane->wake_fd > 0)
        close(lane->wake_fd);
    if (lane->bell > 0)
        close(lane->bell);
    free(lane->scratch);
    free(lane->fields);
    free(lane);
    errno = err;
    return NULL;
}
