/* What happens when C code on a Python thread crashes, and the stacks of all
 * threads without the GIL. See crash.c for the order of signal handlers. */
#ifndef GOWSGI_CRASH_H
#define GOWSGI_CRASH_H

#include <stdbool.h>
#include <stddef.h>

/* A thread that reports name gowsgi-1 and so on. */
typedef struct {
    unsigned long ident; /* Python's name for the thread; 0: it has not begun */
    const void *task; /* that it runs; NULL: none */
} gowsgi_crash_thread;

/* Tells what the thread with a number from 0 does; false: there are no more.
 * Called in a signal handler. */
typedef bool (*gowsgi_crash_threads)(int number, gowsgi_crash_thread *thread);

/* Writes what a task is into text, at most `room` bytes, and returns how many.
 * Called in a signal handler. */
typedef size_t (*gowsgi_crash_describer)(const void *task, char *text, size_t room);

int gowsgi_crash_install(void);
int gowsgi_crash_output(int fd);
void gowsgi_crash_watch(gowsgi_crash_threads threads);
void gowsgi_crash_describe(gowsgi_crash_describer describer);
void gowsgi_crash_know_thread(void);
void gowsgi_crash_guard(void);
void gowsgi_crash_unguard(void);
void gowsgi_crash_in_child(void);
void gowsgi_crash_forget(void);

int gowsgi_dump_init(void);
int gowsgi_dump_renew(void);
char *gowsgi_dump_text(size_t *size);

/* For this package. */
int gowsgi_crash_fd(void);
/* In a handler of fatal signals: does not return if this thread is reading stacks. */
void gowsgi_dump_retreat(void);
void gowsgi_dump_crash(void); /* async-signal-safe */

#endif
