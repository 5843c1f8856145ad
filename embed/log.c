#include "wsgi.h"

#include "../internal/crash/crash.h"

#include <unistd.h>

#include "_cgo_export.h"

int wsgi_write_in_child(int fd, const char *text, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, text, size);
        if (n < 0)
            return -1;
        text += n;
        size -= (size_t)n;
    }
    return 0;
}

void wsgi_log_detached(const wsgi_record *r) {
    if (gowsgi_forked) {
        wsgi_log_in_child(r);
        return;
    }
    if (wsgi_nursery_log(r))
        return;
    /* From now on this may be a thread that Go uses, too. */
    gowsgi_crash_know_thread();
    go_log((wsgi_record *)r, r->req ? (int64_t)r->req->task.index : -1);
}

/* Without the GIL the request may end; its name is then not the next one's. */
void wsgi_log(const wsgi_record *record) {
    wsgi_record named = *record;
    if (named.req && !named.generation)
        named.generation = named.req->generation;
    Py_BEGIN_ALLOW_THREADS
    wsgi_log_detached(&named);
    Py_END_ALLOW_THREADS
}
