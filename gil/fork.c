/* fork().
 *
 * In the child there is nobody but the thread that called it: no Go, no other
 * threads, and whatever lock another thread held stays locked. So nothing there
 * takes a lock that is shared, or rings a bell (the descriptor of the bells is the
 * parent's as well): who may run in a child asks gowsgi_forked. */
#include "fork.h"

#include "../internal/crash/crash.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

int gowsgi_forked;

/* Go's signal handlers would go on swallowing SIGTERM and the rest in a child
 * process, where Go does not run: the child gets what a process starts with, and
 * what is ignored stays so. A signal that comes in between waits. */
static _Thread_local sigset_t mask_before_fork;

static void before_fork(void) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &mask_before_fork);
}

static void after_fork(void) { pthread_sigmask(SIG_SETMASK, &mask_before_fork, NULL); }

static void in_child(void) {
    gowsgi_forked = 1;
    struct sigaction now;
    for (int number = 1; number < NSIG; number++)
        if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            signal(number, SIG_DFL);
    gowsgi_crash_in_child();
    after_fork();
}

static int err;

static void watch(void) { err = pthread_atfork(before_fork, after_fork, in_child); }

int gowsgi_watch_forks(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    int failed = pthread_once(&once, watch);
    return failed ? failed : err;
}
