/* What the C files of the nursery share; nursery.c tells the whole. */
#ifndef GOWSGI_EMBED_NURSERY_PARTS_H
#define GOWSGI_EMBED_NURSERY_PARTS_H

#include <Python.h> /* before all that includes features.h */

#include "wsgi.h"

#include <sys/types.h>

enum {
    NURSERY_CONTROL = 3, /* descriptor of the socket to gowsgi */
    NURSERY_BOARD = 4, /* and of the place for the report of a crash, if there is one */
    NURSERY_MESSAGE = 128 << 10, /* bytes, at most; a field may have a sixth of it */
};

/* ---- nursery_talk.c ---- */

extern int wsgi_nursery_control; /* the socket; -1: this is no nursery (any more) */

/* Receives the plan, which is fields, the first character of which says what it is;
 * plan.go has them. false: gowsgi is gone. */
bool wsgi_plan_receive(void);
/* The next field of a kind after another (NULL: the first), without that character,
 * or NULL. */
const char *wsgi_plan_next(const char *after, char kind);
/* The first field of a kind, or "". */
const char *wsgi_plan(char kind);

typedef struct {
    const char *data;
    size_t size;
} wsgi_part;

wsgi_part wsgi_text_part(const char *text);
/* Says what it is and its fields, which doc.go has. */
void wsgi_nursery_tell(char kind, const wsgi_part *parts, int count);
/* Says why the application cannot be loaded, and ends. */
_Noreturn void wsgi_nursery_fail(const char *message, const char *traceback, size_t size);

/* Between the two, gowsgi gets an answer when it asks where loading is. GIL: held to
 * stop, and let go of meanwhile. */
void wsgi_nursery_start_listening(void);
void wsgi_nursery_stop_listening(void);
/* CPython is there, which has stacks. GIL: either. */
void wsgi_nursery_started(void);

/* ---- nursery_fork.c ---- */

void wsgi_nursery_set_signals(void);
/* The command line is one piece of memory, which ps shows. */
void wsgi_nursery_take_title(int argc, char **argv);
/* Waits for orders and forks workers; returns in each of them, ready for Go. GIL:
 * held. */
void wsgi_nursery_serve(void);

#endif
