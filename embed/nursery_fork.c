/* How a nursery makes workers, and what they get. */
#include "nursery_parts.h"

#include "nursery.h"

#include "start.h"

#include "../internal/crash/crash.h"

#ifdef __GLIBC__

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DESCRIPTORS = 253 /* in a message, at most: SCM_MAX_FD */ };

static int inherited[DESCRIPTORS], inherited_count = -1; /* of a worker; -1: this is none that was forked */
static char *title;
static size_t title_room;
static struct sigaction kept[NSIG]; /* that the application has installed */

/* ---- signals ---- */

static void nothing(int Py_UNUSED(number)) {}

static void leave(int Py_UNUSED(number)) { _exit(1); }

/* What a terminal sends to all, and what is gowsgi's to answer: as in a worker,
 * handlers that do nothing, since what is ignored stays so in the application's child
 * processes, and what Python ignores everywhere. */
static const struct {
    int number;
    void (*handler)(int);
} own_signals[] = {
    {SIGINT, nothing}, {SIGHUP, nothing},  {SIGUSR1, nothing}, {SIGUSR2, nothing},
    {SIGQUIT, leave},  {SIGPIPE, SIG_IGN}, {SIGXFSZ, SIG_IGN},
};

void wsgi_nursery_set_signals(void) {
    for (size_t i = 0; i < sizeof own_signals / sizeof *own_signals; i++) {
        struct sigaction action = {.sa_handler = own_signals[i].handler, .sa_flags = SA_RESTART};
        sigaction(own_signals[i].number, &action, NULL);
    }
}

/* Notes what the application has installed; a forked child loses it. */
static void keep_signals(void) {
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}; /* crash.c has those */
    memset(kept, 0, sizeof kept);
    for (int number = 1; number < NSIG; number++) {
        bool skip = sigaction(number, NULL, &kept[number]) != 0;
        for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
            skip |= crashes[i] == number;
        if (skip || kept[number].sa_handler == SIG_IGN || kept[number].sa_handler == nothing ||
            kept[number].sa_handler == leave)
            kept[number].sa_handler = SIG_DFL;
    }
}

/* ---- the title ---- */

/* Where the command line does not end with a zero, the kernel shows it up to the first
 * one. */
static void set_title(const char *text) {
    memset(title, 0, title_room);
    strncpy(title, text, title_room - 2);
    title[title_room - 1] = ' ';
}

void wsgi_nursery_take_title(int argc, char **argv) {
    char *end = argv[0];
    for (int i = 0; i < argc && argv[i] == end; i++)
        end += strlen(end) + 1;
    title = argv[0];
    title_room = (size_t)(end - argv[0]);
    char *name = strdup(title);
    if (name)
        set_title(name); /* without the arguments */
    free(name);
}

/* ---- workers ---- */

/* The application may have closed its standard streams: what comes must not take
 * their numbers. */
static void fill_standard(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)!open("/dev/null", O_RDWR);
}

/* Makes a process that is a child's child: returns 0 in it, and here its id, or -1
 * with errno set. GIL: held, before and after, here and there. */
static pid_t fork_twice(void) {
    struct {
        pid_t pid;
        int err;
    } result = {-1, EIO};
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    keep_signals();
    PyOS_BeforeFork();
    pid_t between = fork();
    if (between == 0) {
        result.pid = fork();
        result.err = errno;
        if (result.pid != 0) {
            (void)!write(ends[1], &result, sizeof result);
            _exit(0);
        }
        PyOS_AfterFork_Child();
        close(ends[0]);
        close(ends[1]);
        return 0;
    }
    int err = errno;
    PyOS_AfterFork_Parent();
    close(ends[1]);
    if (between < 0) {
        result.err = err;
    } else {
        while (read(ends[0], &result, sizeof result) < 0 && errno == EINTR)
            ;
        /* Once it is gone, the worker is gowsgi's child. */
        while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(ends[0]);
    errno = result.err;
    return result.pid;
}

/* In the new worker, before Go. */
static void become_worker(const char *name) {
    close(wsgi_nursery_control);
    wsgi_nursery_control = -1;
    gowsgi_forked = 0;
    gowsgi_crash_unguard();
    gowsgi_crash_forget();
    stack_t none = {.ss_flags = SS_DISABLE}; /* faulthandler.enable() has brought one */
    sigaltstack(&none, NULL);
    set_title(name);
}

/* Receives an order: the name of a worker and its descriptors. Returns the
 * length; 0: gowsgi is gone. */
static ssize_t receive(char *name, size_t room) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof inherited)];
    } extra;
    struct iovec text = {name, room - 1};
    struct msghdr message = {
        .msg_iov = &text, .msg_iovlen = 1, .msg_control = extra.space, .msg_controllen = sizeof extra.space};
    ssize_t n;
    int err;
    do {
        Py_BEGIN_ALLOW_THREADS
        n = recvmsg(wsgi_nursery_control, &message, MSG_CMSG_CLOEXEC);
        err = errno;
        Py_END_ALLOW_THREADS
    } while (n < 0 && err == EINTR);
    inherited_count = 0;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&message); n > 0 && h; h = CMSG_NXTHDR(&message, h))
        if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SCM_RIGHTS) {
            inherited_count = (int)((h->cmsg_len - CMSG_LEN(0)) / sizeof *inherited);
            memcpy(inherited, CMSG_DATA(h), (size_t)inherited_count * sizeof *inherited);
        }
    if (n > 0 && (message.msg_flags & MSG_CTRUNC))
        inherited_count = -inherited_count - 1; /* there was no room for all of them */
    name[n > 0 ? n : 0] = 0;
    return n;
}

void wsgi_nursery_serve(void) {
    char name[4096], answer[32];
    for (;;) {
        fill_standard();
        if (receive(name, sizeof name) <= 0)
            _exit(0);
        if (inherited_count == 0)
            continue; /* the question where loading is, which was over */
        bool complete = inherited_count >= 0;
        int count = complete ? inherited_count : -inherited_count - 1;
        pid_t pid = -1;
        errno = EMFILE;
        if (complete && (pid = fork_twice()) == 0) {
            become_worker(name);
            return;
        }
        int err = errno;
        for (int i = 0; i < count; i++)
            close(inherited[i]);
        inherited_count = -1;
        snprintf(answer, sizeof answer, "%d", pid < 0 ? err : (int)pid);
        wsgi_nursery_tell(pid < 0 ? 'e' : 'f', (wsgi_part[]){wsgi_text_part(answer)}, 1);
    }
}

#else

static const int *inherited;
static const int inherited_count = -1;

#endif

/* ---- in a worker, under Go ---- */

/* Does: tells what a worker that was forked has inherited, in the order in which
 *     it was sent.
 * Memory: fds stays.
 * GIL: either.
 * Fails: -1: this process was not forked from a nursery. */
int gowsgi_nursery_inherited(const int **fds) {
    *fds = inherited;
    return inherited_count;
}

/* Does: gives CPython a second start, in a worker, now that Go is there.
 * Memory: nothing changes hands.
 * GIL: held.
 * Fails: -1 with errno set. */
int gowsgi_nursery_adopt(void) {
#ifdef __GLIBC__
    if (gowsgi_crash_install() != 0 || gowsgi_dump_renew() != 0)
        return -1;
    for (int number = 1; number < NSIG; number++)
        if (kept[number].sa_handler != SIG_DFL)
            sigaction(number, &kept[number], NULL);
#endif
    return 0;
}
