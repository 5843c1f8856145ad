#include "wsgi.h"

#include "../internal/crash/crash.h"

#include <unistd.h>

#include "_cgo_export.h"

/* Go does not run in a forked child. */
static void write_in_child(const char *text, size_t size) {
    while (size > 0) {
        ssize_t n = write(STDERR_FILENO, text, size);
        if (n <= 0)
            return;
        text += n;
        size -= (size_t)n;
    }
    (void)!write(STDERR_FILENO, "\n", 1);
}

void wsgi_log_detached(const wsgi_record *r) {
    if (gowsgi_forked) {
        write_in_child(r->text, r->size);
        return;
    }
    /* From now on this may be a thread that Go uses, too. */
    gowsgi_crash_know_thread();
    go_log(r->kind, r->req ? (int64_t)r->req->task.index : -1, r->level, (char *)r->logger, r->logger_size,
           (char *)r->text, r->size);
}

void wsgi_log(const wsgi_record *record) {
    Py_BEGIN_ALLOW_THREADS
    wsgi_log_detached(record);
    Py_END_ALLOW_THREADS
}
