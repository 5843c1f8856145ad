/* A record for the server's log, and log.c, which hands it over. Small on purpose:
 * what log.go includes goes into _cgo_export.h, and that into log.c. */
#ifndef GOWSGI_EMBED_RECORD_H
#define GOWSGI_EMBED_RECORD_H

#include <stddef.h>
#include <stdint.h>

enum { WSGI_LOG_ERRORS, WSGI_LOG_SIGNAL, WSGI_LOG_STDOUT, WSGI_LOG_STDERR, WSGI_LOG_LOGGED };

typedef struct {
    int kind;
    struct wsgi_request *req; /* NULL: none in particular */
    uint64_t generation; /* of it; 0: the one that runs */
    const char *text;
    size_t size;
    /* If logging wrote it: its level, as logging counts them, and its logger. */
    int level;
    const char *logger; /* NULL: somebody else wrote it */
    size_t logger_size;
    /* Of WSGI_LOG_LOGGED; NULL for none. */
    const char *traceback;
    size_t traceback_size;
    const char *extra; /* what extra= added: an object in JSON */
    size_t extra_size;
} wsgi_record;

/* In a forked child the text goes where gowsgi_child_output has it go. */
void wsgi_log(const wsgi_record *record);
void wsgi_log_detached(const wsgi_record *record); /* GIL: released */

int gowsgi_child_output(int fd, int as_json);
void wsgi_log_in_child(const wsgi_record *record);

/* For a forked child, where Go does not run: writes all of it. -1 with errno set.
 * GIL: released. */
int wsgi_write_in_child(int fd, const char *text, size_t size);

#endif
