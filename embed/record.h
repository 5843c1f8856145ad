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
    int level; /* of WSGI_LOG_LOGGED, as logging counts them */
    const char *logger; /* its name; NULL for other kinds */
    size_t logger_size;
} wsgi_record;

/* In a forked child the text goes to standard error. */
void wsgi_log(const wsgi_record *record);
void wsgi_log_detached(const wsgi_record *record); /* GIL: released */

/* For a forked child, where Go does not run: writes all of it. -1 with errno set.
 * GIL: released. */
int wsgi_write_in_child(int fd, const char *text, size_t size);

#endif
