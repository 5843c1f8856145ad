/* What happens when C code on a Python thread crashes, and the stacks of all
 * threads without the GIL. See crash.c for the order of signal handlers. */
#ifndef GOWSGI_GIL_CRASH_H
#define GOWSGI_GIL_CRASH_H

#include <stddef.h>

#include "pool.h"

/* Writes what a task is into text, at most `room` bytes, and returns how many.
 * Called from a signal handler. NULL: tasks have no description. */
extern size_t (*gowsgi_crash_describe)(const gowsgi_task *task, char *text, size_t room);

int gowsgi_crash_install(void);
int gowsgi_crash_output(int fd);
void gowsgi_crash_know_thread(void);
void gowsgi_crash_guard(void);
void gowsgi_crash_unguard(void);

int gowsgi_dump_init(void);
char *gowsgi_dump_text(size_t *size);

/* For this package. */
void gowsgi_crash_watch(gowsgi_pool *pool);
void gowsgi_crash_in_child(void);
int gowsgi_crash_fd(void);
void gowsgi_dump_crash(void); /* async-signal-safe */

#endif
