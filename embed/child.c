/* What the application says to the log in a forked child, where Go does not run:
 * lines as they are, or the same objects that Go would write. */
#include "wsgi.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Where it goes, and which file that is: a child that closes all descriptors may
 * have another file there. */
static int log_fd = -1;
static struct stat log_file;
static bool json;

/* Does: makes what forked children say go where fd goes, as objects in JSON or as
 *     it is.
 * Memory: fd stays the caller's; it is duplicated.
 * GIL: either.
 * Fails: -1 with errno set; it goes to standard error then. */
int gowsgi_child_output(int fd, int as_json) {
    struct stat file;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return -1;
    if (fstat(copy, &file) != 0) {
        close(copy);
        return -1;
    }
    int old = log_fd;
    log_file = file;
    log_fd = copy;
    json = as_json;
    if (old >= 0)
        close(old);
    return 0;
}

static int find_output(void) {
    struct stat now;
    bool same =
        log_fd >= 0 && fstat(log_fd, &now) == 0 && now.st_dev == log_file.st_dev && now.st_ino == log_file.st_ino;
    return same ? log_fd : STDERR_FILENO;
}

/* The longest thing that a byte becomes in JSON is \u001f. */
static char *quote(char *to, const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20) {
            to += sprintf(to, "\\u%04x", c);
        } else {
            if (c == '"' || c == '\\')
                *to++ = '\\';
            *to++ = (char)c;
        }
    }
    return to;
}

static char *add(char *to, const char *text) { return to + sprintf(to, "%s", text); }

static const char *name_level(const wsgi_record *r) {
    if (r->kind != WSGI_LOG_LOGGED && !r->logger)
        return r->kind == WSGI_LOG_SIGNAL ? "WARN" : "ERROR";
    return r->level < 20   ? "DEBUG"
           : r->level < 30 ? "INFO"
           : r->level < 40 ? "WARN"
           : r->level < 50 ? "ERROR"
                           : "CRITICAL";
}

static const char *const events[] = {
    [WSGI_LOG_ERRORS] = "wsgi.errors",        [WSGI_LOG_SIGNAL] = "signal.ignored",
    [WSGI_LOG_STDOUT] = "application.output", [WSGI_LOG_STDERR] = "application.output",
    [WSGI_LOG_LOGGED] = "application.logged",
};

/* An object in JSON; `to` has room for it. */
static char *write_object(char *to, const wsgi_record *r) {
    char when[32];
    struct tm now;
    time_t seconds = time(NULL);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &now));
    to += sprintf(to, "{\"time\":\"%s\",\"level\":\"%s\",\"msg\":\"", when, name_level(r));
    to = quote(to, r->text, r->size);
    to += sprintf(to, "\",\"event\":\"%s\",\"child\":%d", events[r->kind], (int)getpid());
    if (r->logger) {
        to = add(to, ",\"logger\":\"");
        to = add(quote(to, r->logger, r->logger_size), "\"");
    }
    if (r->traceback) {
        to = add(to, ",\"traceback\":\"");
        to = add(quote(to, r->traceback, r->traceback_size), "\"");
    }
    return add(to, "}\n");
}

static char *write_lines(char *to, const wsgi_record *r) {
    memcpy(to, r->text, r->size);
    to += r->size;
    *to++ = '\n';
    if (r->traceback) {
        memcpy(to, r->traceback, r->traceback_size);
        to += r->traceback_size;
        *to++ = '\n';
    }
    return to;
}

void wsgi_log_in_child(const wsgi_record *r) {
    enum { LONGEST_ESCAPE = 6, FRAME = 256 };
    size_t size = r->size + r->logger_size + r->traceback_size;
    char *text = malloc(LONGEST_ESCAPE * size + FRAME);
    if (!text)
        return;
    char *end = json ? write_object(text, r) : write_lines(text, r);
    wsgi_write_in_child(find_output(), text, (size_t)(end - text)); /* in one piece: others write there, too */
    free(text);
}
