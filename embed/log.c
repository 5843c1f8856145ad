#include "wsgi.h"

#include "../internal/crash/crash.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "_cgo_export.h"

/* Where forked children write, and which file that is: one that closes all
 * descriptors may have another file there. */
static int child_fd = -1;
static struct stat child_file;

/* Does: makes what forked children say go where fd goes.
 * Memory: fd stays the caller's; it is duplicated.
 * GIL: either.
 * Fails: -1 with errno set; it goes to standard error then. */
int gowsgi_child_output(int fd) {
    struct stat file;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return -1;
    if (fstat(copy, &file) != 0) {
        close(copy);
        return -1;
    }
    int old = child_fd;
    child_file = file;
    child_fd = copy;
    if (old >= 0)
        close(old);
    return 0;
}

static int find_child_output(void) {
    struct stat now;
    bool same = child_fd >= 0 && fstat(child_fd, &now) == 0 && now.st_dev == child_file.st_dev &&
                now.st_ino == child_file.st_ino;
    return same ? child_fd : STDERR_FILENO;
}

/* Go does not run in a forked child. */
static void say_in_child(const wsgi_record *r) {
    size_t size = r->size + 1 + (r->traceback ? r->traceback_size + 1 : 0);
    char *text = malloc(size); /* one write: others write there, too */
    if (!text)
        return;
    memcpy(text, r->text, r->size);
    text[r->size] = '\n';
    if (r->traceback)
        memcpy(text + r->size + 1, r->traceback, r->traceback_size);
    text[size - 1] = '\n';
    wsgi_write_in_child(find_child_output(), text, size);
    free(text);
}

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
        say_in_child(r);
        return;
    }
    /* From now on this may be a thread that Go uses, too. */
    gowsgi_crash_know_thread();
    go_log((wsgi_record *)r, r->req ? (int64_t)r->req->task.index : -1);
}

void wsgi_log(const wsgi_record *record) {
    Py_BEGIN_ALLOW_THREADS
    wsgi_log_detached(record);
    Py_END_ALLOW_THREADS
}
