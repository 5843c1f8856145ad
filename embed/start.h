/* CPython in this process: what Go calls once. */
#ifndef GOWSGI_EMBED_START_H
#define GOWSGI_EMBED_START_H

#include "request.h"

/* How the applications are served. */
typedef struct {
    const char *const *names; /* environ names by key, see package environ */
    int name_count;
    int multithread, multiprocess;
    const char *software; /* SERVER_SOFTWARE */
    size_t response_buffer; /* bytes */
    gowsgi_pool *pool;
    const int *quotas; /* by application: so many threads at once; 0: all of them */
} gowsgi_serving;

char *gowsgi_start(const char *executable);
PyObject *gowsgi_load(const char *text, const char *function, const char *targets);
PyObject *gowsgi_ask(const char *text, const char *function, const char *argument);
PyObject *gowsgi_nursery_applications(void);
void gowsgi_detach(void);
void gowsgi_attach(void);
int gowsgi_serve(PyObject *applications, const gowsgi_serving *serving);
char *gowsgi_error_text(size_t *size);
char *gowsgi_text(PyObject *text, size_t *size);
int gowsgi_capture_output(void);
char *gowsgi_modules(size_t *size);
unsigned long gowsgi_main_thread(void);

/* Jobs for the inspector, and what they bring. Texts are malloc'ed. */

/* gowsgi_modules. */
typedef struct {
    gowsgi_job job;
    char *text; /* NULL: none, or memory was short */
    size_t size;
} gowsgi_modules_job;

gowsgi_modules_job *gowsgi_modules_new(void);

/* What Python knows of its memory. */
enum { GOWSGI_GENERATIONS = 4 };
typedef struct {
    gowsgi_job job;
    int64_t blocks; /* that its allocator has given out */
    int generation_count; /* of the garbage collector */
    int64_t generations[GOWSGI_GENERATIONS][3]; /* runs, objects freed, not to be freed */
} gowsgi_measure_job;

gowsgi_measure_job *gowsgi_measure_new(void);

/* The stack of a Python thread. */
typedef struct {
    unsigned long ident; /* Python's name for the thread */
    char *name, *text;
    size_t name_size, text_size;
} gowsgi_stack;

/* What a thread of the pool does. */
typedef struct {
    unsigned long ident; /* 0: it has not begun */
    int64_t request; /* index of the one that it runs; -1: none */
    uint64_t generation; /* of that request */
} gowsgi_activity;

void gowsgi_read_activity(gowsgi_pool *pool, gowsgi_activity *threads, int count);

/* The stacks of all threads that are inside Python, and what those of the pool
 * do at that moment. */
typedef struct {
    gowsgi_job job;
    gowsgi_pool *pool;
    gowsgi_stack *stacks; /* NULL: none, or memory was short */
    size_t count;
    gowsgi_activity *threads; /* by number */
    int thread_count;
} gowsgi_stacks_job;

gowsgi_stacks_job *gowsgi_stacks_new(gowsgi_pool *pool, int thread_count);
void gowsgi_stacks_free(gowsgi_stacks_job *job);
bool gowsgi_errand(gowsgi_job *job, int64_t patience);
bool gowsgi_errand_under_way(void);

#endif
