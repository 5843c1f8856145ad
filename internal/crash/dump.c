/* The Python stacks of all threads, without the GIL.
 *
 * CPython's faulthandler can print them, from a signal handler even, but the
 * function that does it is not exported (3.13). So it is asked, as documented,
 * to print them on a signal (faulthandler.register), and what it installs as that
 * signal's handler is kept and called as a function; the signal itself gets its
 * disposition back. It is done twice: for the crash report and for stacks on
 * request, which go to different descriptors.
 *
 * Without the GIL, threads that run change what is read. faulthandler is
 * careful, but not safe: use it for a process that crashes, or in which nobody
 * gets the GIL.
 */
#include <Python.h>

#include "crash.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

/* Signals that nothing else uses: they only stand for their descriptor. */
#ifdef SIGRTMAX
#define ON_CRASH (SIGRTMAX - 1)
#define ON_REQUEST (SIGRTMAX - 2)
#else
#define ON_CRASH SIGXCPU
#define ON_REQUEST SIGXFSZ
#endif

static void (*print_stacks)(int signal); /* faulthandler's; NULL: not known yet */
static int text_fd = -1;
static pthread_mutex_t text_lock = PTHREAD_MUTEX_INITIALIZER;

/* Threads whose stacks are read without the GIL may go on meanwhile, and what is read
 * may be gone: that is no crash of the worker. faulthandler, which was left in the
 * middle, may not print stacks again then; requests go on. */
static _Thread_local sigjmp_buf retreat;
static _Thread_local volatile sig_atomic_t reading;

void gowsgi_dump_retreat(void) {
    if (!reading)
        return;
    reading = 0;
    siglongjmp(retreat, 1);
}

static void read_stacks(void) {
    static const char note[] = "(the threads went on while their stacks were read)\n";
    if (sigsetjmp(retreat, 1) == 0) {
        reading = 1;
        print_stacks(ON_REQUEST);
        reading = 0;
    } else {
        (void)!write(text_fd, note, sizeof note - 1);
    }
}

/* A file that nobody sees. */
static int open_nameless(void) {
#ifdef __linux__
    return memfd_create("gowsgi-stacks", MFD_CLOEXEC);
#else
    FILE *file = tmpfile();
    int fd = file ? fcntl(fileno(file), F_DUPFD_CLOEXEC, 3) : -1;
    if (file)
        fclose(file);
    return fd;
#endif
}

/* GIL: held. -1 with an exception set. */
static int enlist(PyObject *faulthandler, int number, int fd) {
    struct sigaction before, installed;
    if (sigaction(number, NULL, &before) != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    PyObject *done = PyObject_CallMethod(faulthandler, "register", "ii", number, fd); /* new */
    if (!done)
        return -1;
    Py_DECREF(done);
    if (sigaction(number, NULL, &installed) != 0 || sigaction(number, &before, NULL) != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    print_stacks = installed.sa_handler;
    return 0;
}

/* Does: prepares dumps: of crashes to the crash output, of others to a file of
 *     its own. After gowsgi_crash_install.
 * Memory: nothing changes hands.
 * GIL: held.
 * Fails: -1 with a Python exception set. */
int gowsgi_dump_init(void) {
    if (text_fd < 0 && (text_fd = open_nameless()) < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    /* faulthandler gives the thread it is first used on another signal stack.
     * Go's threads have theirs already. */
    stack_t signal_stack;
    int known = sigaltstack(NULL, &signal_stack);
    PyObject *faulthandler = PyImport_ImportModule("faulthandler"); /* new */
    int failed = !faulthandler || enlist(faulthandler, ON_CRASH, gowsgi_crash_fd()) < 0 ||
                 enlist(faulthandler, ON_REQUEST, text_fd) < 0;
    Py_XDECREF(faulthandler);
    if (known == 0)
        sigaltstack(&signal_stack, NULL);
    return failed ? -1 : 0;
}

/* Does: makes a file of this process's own of that in which dumps are written,
 *     after a fork.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: -1 with errno set. */
int gowsgi_dump_renew(void) {
    int fd = open_nameless();
    if (fd < 0)
        return -1;
#ifdef __APPLE__
    int failed = dup2(fd, text_fd) < 0 || fcntl(text_fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : 0;
#else
    int failed = dup3(fd, text_fd, O_CLOEXEC) < 0 ? -1 : 0;
#endif
    close(fd);
    return failed;
}

void gowsgi_dump_crash(void) {
    if (print_stacks)
        print_stacks(ON_CRASH);
}

/* Does: writes down the stacks of all threads without the GIL, as faulthandler
 *     does.
 * Memory: the text is malloc'ed, the caller frees it.
 * GIL: either; it is for when it cannot be had.
 * Fails: NULL. */
char *gowsgi_dump_text(size_t *size) {
    char *text = NULL;
    struct stat st;
    *size = 0;
    pthread_mutex_lock(&text_lock);
    if (!print_stacks || ftruncate(text_fd, 0) != 0 || lseek(text_fd, 0, SEEK_SET) != 0)
        goto done;
    read_stacks();
    if (fstat(text_fd, &st) != 0 || !(text = malloc((size_t)st.st_size + 1)))
        goto done;
    ssize_t n = pread(text_fd, text, (size_t)st.st_size, 0);
    *size = n > 0 ? (size_t)n : 0;
done:
    pthread_mutex_unlock(&text_lock);
    return text;
}
