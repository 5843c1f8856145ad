/* CPython in this process: what Go calls once. */
#ifndef GOWSGI_EMBED_START_H
#define GOWSGI_EMBED_START_H

#include "request.h"

/* How the application is served, as far as its environ says so. */
typedef struct {
    const char *const *names; /* environ names by key, see package environ */
    int name_count;
    int multithread, multiprocess;
    const char *software; /* SERVER_SOFTWARE */
    size_t response_buffer; /* bytes */
} gowsgi_serving;

char *gowsgi_start(const char *executable);
void gowsgi_detach(void);
void gowsgi_attach(void);
int gowsgi_serve(PyObject *application, const gowsgi_serving *serving);
char *gowsgi_error_text(size_t *size);

#endif
