/* What a nursery and gowsgi say to each other; internal/nursery is the other half. */
#include "nursery_parts.h"

#include "start.h"

#ifdef __GLIBC__

#include "../internal/crash/crash.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { STACK_PATIENCE = 500 * 1000 * 1000 /* ns to get the GIL */ };

int wsgi_nursery_control = -1;

/* ---- the plan ---- */

static char plan[NURSERY_MESSAGE];
static size_t plan_size;

bool wsgi_plan_receive(void) {
    ssize_t n;
    while ((n = recv(wsgi_nursery_control, plan, sizeof plan - 1, 0)) < 0 && errno == EINTR)
        ;
    plan_size = n > 0 ? (size_t)n : 0;
    return n > 0;
}

const char *wsgi_plan_next(const char *after, char kind) {
    for (const char *field = after ? after + strlen(after) + 1 : plan; field < plan + plan_size;
         field += strlen(field) + 1)
        if (*field == kind)
            return field + 1;
    return NULL;
}

const char *wsgi_plan(char kind) {
    const char *found = wsgi_plan_next(NULL, kind);
    return found ? found : "";
}

/* ---- what is said ---- */

wsgi_part wsgi_text_part(const char *text) { return (wsgi_part){text, text ? strlen(text) : 0}; }

/* Sends what it is and its fields. One that is too long loses its beginning. */
void wsgi_nursery_tell(char kind, const wsgi_part *parts, int count) {
    static char message[NURSERY_MESSAGE];
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the application may have threads */
    size_t n = 0;
    pthread_mutex_lock(&lock);
    message[n++] = kind;
    for (int i = 0; i < count; i++) {
        const size_t most = NURSERY_MESSAGE / 6 - 32;
        size_t cut = parts[i].size > most ? parts[i].size - most : 0, size = parts[i].size - cut;
        n += (size_t)snprintf(message + n, 32, "%zu:", size);
        if (size > 0)
            memcpy(message + n, parts[i].data + cut, size);
        n += size;
    }
    while (send(wsgi_nursery_control, message, n, MSG_NOSIGNAL) < 0)
        if (errno != EINTR)
            _exit(1); /* gowsgi is gone */
    pthread_mutex_unlock(&lock);
}

_Noreturn void wsgi_nursery_fail(const char *message, const char *traceback, size_t size) {
    wsgi_nursery_tell('x', (wsgi_part[]){wsgi_text_part(message), {traceback, size}}, 2);
    _exit(1);
}

bool wsgi_nursery_log(const wsgi_record *r) {
    if (wsgi_nursery_control < 0)
        return false;
    char kind[16], level[16];
    snprintf(kind, sizeof kind, "%d", r->kind);
    snprintf(level, sizeof level, "%d", r->level);
    wsgi_nursery_tell('r',
                      (wsgi_part[]){wsgi_text_part(kind),
                                    wsgi_text_part(level),
                                    {r->logger, r->logger_size},
                                    {r->text, r->size},
                                    {r->traceback, r->traceback_size},
                                    {r->extra, r->extra_size}},
                      6);
    return true;
}

/* ---- while the application is loaded ---- */

/* gowsgi asks where loading hangs, on a thread that is gone before the first fork:
 * a signal would break off what the application waits for in C. */
static struct {
    pthread_t thread;
    int over[2]; /* a pipe: loading is */
    bool runs;
} listener;

static bool started; /* CPython is there, and what reads its stacks */

void wsgi_nursery_started(void) { __atomic_store_n(&started, true, __ATOMIC_RELEASE); }

/* One answer to each question, whatever there is to say. */
static void tell_stack(void) {
    char ident[32] = "", *dump = NULL;
    wsgi_part stack = {NULL, 0};
    size_t size = 0;
    bool there = __atomic_load_n(&started, __ATOMIC_ACQUIRE);
    gowsgi_stacks_job *job = there ? gowsgi_stacks_new(NULL, 0) : NULL;
    bool exact = job && gowsgi_errand(&job->job, STACK_PATIENCE); /* else the job is gone */
    for (size_t i = 0; exact && i < job->count; i++)
        if (job->stacks[i].ident == gowsgi_main_thread())
            stack = (wsgi_part){job->stacks[i].text, job->stacks[i].text_size};
    if (there)
        snprintf(ident, sizeof ident, "%lu", gowsgi_main_thread());
    if (there && !exact)
        dump = gowsgi_dump_text(&size);
    wsgi_nursery_tell('s', (wsgi_part[]){wsgi_text_part(ident), stack, {dump, size}}, 3);
    free(dump);
    if (exact)
        gowsgi_job_free(&job->job);
}

static void *listen_while_loading(void *Py_UNUSED(nothing)) {
    for (;;) {
        struct pollfd ends[] = {{wsgi_nursery_control, POLLIN, 0}, {listener.over[0], POLLIN, 0}};
        if (poll(ends, 2, -1) < 0)
            continue;
        if (ends[1].revents)
            return NULL;
        char order;
        ssize_t n = recv(wsgi_nursery_control, &order, 1, 0);
        if (n == 0)
            _exit(1); /* gowsgi is gone, and nobody needs what is loaded */
        if (n > 0)
            tell_stack();
    }
}

void wsgi_nursery_start_listening(void) {
    sigset_t all, before;
    if (pipe2(listener.over, O_CLOEXEC) != 0)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    listener.runs = pthread_create(&listener.thread, NULL, listen_while_loading, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* GIL: held; let go of meanwhile. */
void wsgi_nursery_stop_listening(void) {
    const struct timespec moment = {0, 1000000};
    if (!listener.runs)
        return;
    Py_BEGIN_ALLOW_THREADS(void)
    !write(listener.over[1], "", 1);
    pthread_join(listener.thread, NULL);
    while (gowsgi_errand_under_way())
        nanosleep(&moment, NULL);
    Py_END_ALLOW_THREADS
    close(listener.over[0]);
    close(listener.over[1]);
}

#else

bool wsgi_nursery_log(const wsgi_record *Py_UNUSED(r)) { return false; }

#endif
