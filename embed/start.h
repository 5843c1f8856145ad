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
int gowsgi_capture_output(void);
char *gowsgi_modules(size_t *size);
char *gowsgi_pool_modules(gowsgi_pool *pool, int64_t patience, int *answer, size_t *size);

/* The stack of a Python thread. Texts are malloc'ed. */
typedef struct {
    unsigned long ident; /* Python's name for the thread */
    char *name, *text;
    size_t name_size, text_size;
} gowsgi_stack;

gowsgi_stack *gowsgi_stacks(gowsgi_pool *pool, int64_t patience, int *answer, size_t *count,
                            gowsgi_pool_activity *threads, int thread_count);
void gowsgi_stacks_free(gowsgi_stack *stacks, size_t count);
unsigned long gowsgi_main_thread(void);

#endif
