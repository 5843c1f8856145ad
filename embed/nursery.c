/* The nursery: a process that loads the application once and is forked for each
 * worker. See internal/nursery for the why, and for what gowsgi and a nursery say
 * to each other.
 *
 * Go cannot be forked, but CPython can be there before Go is: all of this runs in a
 * constructor, before main() (but what nursery.h declares). In the nursery
 * that never returns. In a worker it does, and Go starts in a process in which
 * CPython and the application are there; its first thread is Python's main
 * thread and holds the GIL.
 *
 * A worker has to be the child of gowsgi, which waits for it and learns how it
 * ended, whatever becomes of the nursery. So it is forked twice, and gowsgi, which
 * is a subreaper, inherits it from the process in between. Not taken:
 * clone(CLONE_PARENT), which would do it at once, but behind the back of libc:
 * no pthread_atfork, and a thread that takes its parent's id for its own.
 *
 * What is as it must be for Go when the constructor returns: signals have their
 * default disposition and are not blocked, this thread has no signal stack. What
 * the application has installed for signals comes back on top of Go's, where it
 * would be without a nursery.
 */
#include "nursery_parts.h"

#include "start.h"

static PyObject *applications; /* a tuple; NULL: not loaded, or given away */

#ifdef __GLIBC__ /* which calls constructors with what main() gets */

#include "../internal/crash/crash.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* There is no CPython. */
static void fail_to_start(const char *why) {
    wsgi_nursery_tell('x', (wsgi_part[]){wsgi_text_part(why), {NULL, 0}, wsgi_text_part("start")}, 3);
    _exit(1);
}

static void fail_with_exception(void) {
    size_t size = 0;
    char *traceback = wsgi_exception_text(&size);
    wsgi_nursery_fail("what loads the application for all workers failed", traceback, size);
}

static void restore_environment(void) {
    for (const char *f = NULL; (f = wsgi_plan_next(f, 'u'));)
        unsetenv(f);
    for (const char *f = NULL; (f = wsgi_plan_next(f, 'e'));) {
        char *entry = strdup(f), *equals = entry ? strchr(entry, '=') : NULL;
        if (equals) {
            *equals = 0;
            setenv(entry, equals + 1, 1);
        }
        free(entry);
    }
}

/* In front of sys.path; the plan has the last one first. */
static int add_path(const char *folder) {
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    PyObject *entry = PyUnicode_DecodeFSDefault(folder); /* new */
    int failed = entry && path ? PyList_Insert(path, 0, entry) : -1;
    Py_XDECREF(entry);
    return failed;
}

/* What was ignored when gowsgi was started. */
static void ignore_signals(void) {
    for (const char *f = NULL; (f = wsgi_plan_next(f, 'i'));)
        signal(atoi(f), SIG_IGN);
}

static void start(void) {
    gowsgi_crash_guard();
    if (gowsgi_crash_output(wsgi_plan_next(NULL, 'b') ? NURSERY_BOARD : STDERR_FILENO) != 0 ||
        gowsgi_watch_forks() != 0)
        fail_to_start(strerror(errno));
    if (wsgi_plan_next(NULL, 'b'))
        close(NURSERY_BOARD); /* it was duplicated, and is nothing for the application's child processes */
    char *reason = gowsgi_start(wsgi_plan('x'));
    if (reason)
        fail_to_start(reason);
    wsgi_nursery_started();
    for (const char *f = NULL; (f = wsgi_plan_next(f, 'p'));)
        if (add_path(f) < 0)
            fail_with_exception();
    if (wsgi_plan_next(NULL, 'c') && gowsgi_capture_output() < 0)
        fail_with_exception();
}

/* A child that the application has forked while it was loaded comes back here,
 * too. */
static void end_stranger(void) {
    static const char note[] = "gowsgi: a forked child returned from the application: it ends here\n";
    if (!gowsgi_forked)
        return;
    (void)!write(STDERR_FILENO, note, sizeof note - 1);
    _exit(1);
}

/* load.py's Refused: its text, and the traceback of its cause. */
static void fail_to_load(void) {
    PyObject *type, *value, *traceback; /* new */
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (strcmp(((PyTypeObject *)type)->tp_name, "Refused") != 0) {
        PyErr_Restore(type, value, traceback);
        fail_with_exception();
    }
    PyObject *text = PyObject_Str(value); /* new */
    PyObject *bytes = text ? PyUnicode_EncodeFSDefault(text) : NULL; /* new; it may name a path that is no UTF-8 */
    size_t length = bytes ? (size_t)PyBytes_GET_SIZE(bytes) : 0;
    PyErr_Clear();
    char *message = bytes ? PyBytes_AS_STRING(bytes) : gowsgi_text(text, &length);
    PyObject *cause = PyException_GetCause(value); /* new */
    size_t size = 0;
    char *lines = NULL;
    PyErr_Clear();
    if (cause) {
        PyErr_SetObject((PyObject *)Py_TYPE(cause), cause);
        lines = wsgi_exception_text(&size);
    }
    wsgi_nursery_tell('x', (wsgi_part[]){{message, length}, {lines, size}}, 2);
    _exit(1);
}

static int count_threads(void) {
    int count = 0;
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks && (entry = readdir(tasks));)
        count += entry->d_name[0] != '.';
    if (tasks)
        closedir(tasks);
    return count;
}

/* Threads that Python does not know. One that has just been joined may be there
 * for a moment more. */
static int native_threads(int known) {
    const struct timespec moment = {0, 1000000};
    int count = count_threads() - 1 - known;
    for (int patience = 20; count > 0 && patience > 0; patience--) {
        nanosleep(&moment, NULL);
        count = count_threads() - 1 - known;
    }
    return count > 0 ? count : 0;
}

static void load(void) {
    int64_t began = gowsgi_now();
    PyObject *loaded = wsgi_run_text(wsgi_plan('s'), "nurse", wsgi_plan('t')); /* new */
    end_stranger();
    wsgi_nursery_stop_listening();
    if (!loaded)
        fail_to_load();
    const char *threads;
    if (!PyArg_ParseTuple(loaded, "Oy", &applications, &threads))
        fail_with_exception();
    Py_INCREF(applications);
    wsgi_output_flush();
    int running = *threads != 0;
    for (const char *c = threads; *c; c++)
        running += *c == '\n';
    char seconds[32], native[32];
    snprintf(seconds, sizeof seconds, "%.6f", (double)(gowsgi_now() - began) / 1e9);
    snprintf(native, sizeof native, "%d", native_threads(running));
    wsgi_nursery_tell('l', (wsgi_part[]){wsgi_text_part(seconds), wsgi_text_part(native), wsgi_text_part(threads)}, 3);
    Py_DECREF(loaded);
}

/* Early among constructors (those below 101 are the compiler's own): in a worker that
 * is loaded into python, Go's start is one of them. */
__attribute__((constructor(101))) static void nursery(int argc, char **argv) {
    static const char name[] = "gowsgi: nursery ["; /* no other program has such a one */
    if (argc < 2 || strncmp(argv[0], name, sizeof name - 1) != 0 || strcmp(argv[argc - 1], "--nursery") != 0 ||
        Py_IsInitialized())
        return;
    wsgi_nursery_take_title(argc, argv);
    prctl(PR_SET_NAME, "gowsgi-nursery", 0, 0, 0);
#ifdef SYS_close_range
    syscall(SYS_close_range, NURSERY_CONTROL, ~0U, 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */);
#endif
    wsgi_nursery_control = NURSERY_CONTROL;
    fcntl(NURSERY_CONTROL, F_SETFD, FD_CLOEXEC);
    wsgi_nursery_set_signals();
    if (!wsgi_plan_receive())
        _exit(1);
    restore_environment();
    ignore_signals();
    wsgi_nursery_start_listening();
    start();
    load();
    wsgi_nursery_serve();
}

#endif

/* Does: gives the applications away, as gowsgi_load returns them.
 * Memory: a new reference.
 * GIL: held.
 * Fails: NULL and no exception: none was loaded here, or it was taken. */
PyObject *gowsgi_nursery_applications(void) {
    PyObject *loaded = applications;
    applications = NULL;
    return loaded;
}
