/* Crashes of C code under Python: an extension's bug, abort(), C recursion
 * without end.
 *
 * Three want the signals of a crash. Go's runtime turns a fault of Go code into
 * a panic, and prints goroutines for anything else. The application's
 * faulthandler.enable(), if it was called, prints Python stacks. And the operator
 * wants to know which requests were running, and where.
 *
 * The order is: ours on top, Go's next, faulthandler's only at our call.
 * Ours is installed before CPython starts, so that Go's is the one it knows
 * as next, and again after faulthandler.enable() has put itself on top (embed
 * sees to that): then faulthandler's is kept to be called, and what it takes for
 * the handler before it is ours.
 *
 * Whose the signal is, the thread and its stack pointer decide:
 *   - A thread whose stack we know (Python's main thread, the pool's, and any
 *     that has called into Go): ours if it was executing on that stack, or in
 *     another handler. Goroutines, also those that run on such a thread because
 *     Python called Go, have stacks of their own.
 *   - Any other thread: ours if it has no signal stack, as Go gives one to each
 *     of its threads; or if it has a Python thread state.
 * Go's handler is called with what the kernel gave us, under its own mask and on
 * its own stack, and returns through us: to it nothing has changed.
 *
 * Ours writes one report, calls faulthandler's handler if there is one, and
 * leaves with the default disposition set: a fault happens again at the same
 * instruction, so that the core dump shows it, and a signal that was sent is
 * sent again. Either way the process dies of the signal that it got.
 *
 * Everything below `on_signal` is async-signal-safe. The pool's threads have a
 * signal stack, without which a stack overflow could not be reported.
 */
#include <Python.h>

#include "crash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { SIGNAL_STACK = 64 << 10, OVERFLOW = 256 << 10 /* a frame may reach this far beyond the stack */ };

static const struct {
    int number;
    const char *name;
} signals[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGILL, "SIGILL"}, {SIGABRT, "SIGABRT"},
};
enum { SIGNALS = sizeof signals / sizeof *signals };

static struct sigaction go_action[SIGNALS]; /* what was there before */
static struct sigaction faulthandler_action[SIGNALS]; /* the application's */
static bool installed, has_faulthandler;
static bool in_child; /* of fork(): Go does not run here */
static int crash_fd = -1; /* of our own */
static gowsgi_crash_threads threads; /* NULL: there are none yet */
static gowsgi_crash_describer describe; /* NULL: tasks have no description */

/* ---- threads ---- */

/* The stack of this thread, if it is known; see above. */
static _Thread_local struct {
    uintptr_t low, high;
    void *signal_stack; /* malloc'ed */
} stack;

/* Does: makes this thread's stack known.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never; the thread then counts as any other. */
void gowsgi_crash_know_thread(void) {
    if (stack.high)
        return;
#ifdef __APPLE__
    stack.high = (uintptr_t)pthread_get_stackaddr_np(pthread_self());
    stack.low = stack.high - pthread_get_stacksize_np(pthread_self());
#else
    pthread_attr_t attributes;
    void *low;
    size_t size;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0)
        return;
    if (pthread_attr_getstack(&attributes, &low, &size) == 0) {
        stack.low = (uintptr_t)low;
        stack.high = stack.low + size;
    }
    pthread_attr_destroy(&attributes);
#endif
}

/* Does: makes this thread's stack known and gives it a signal stack if it has
 *     none.
 * Memory: gowsgi_crash_unguard frees it.
 * GIL: either.
 * Fails: never; an overflow of the stack is then not reported. */
void gowsgi_crash_guard(void) {
    gowsgi_crash_know_thread();
    stack_t now;
    if (sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE))
        return;
    stack_t own = {.ss_sp = malloc(SIGNAL_STACK), .ss_size = SIGNAL_STACK};
    if (own.ss_sp && sigaltstack(&own, NULL) == 0)
        stack.signal_stack = own.ss_sp;
    else
        free(own.ss_sp);
}

/* Does: the thread is about to end.
 * Memory: frees its signal stack.
 * GIL: either.
 * Fails: never. */
void gowsgi_crash_unguard(void) {
    if (!stack.signal_stack)
        return;
    stack_t none = {.ss_flags = SS_DISABLE};
    sigaltstack(&none, NULL);
    free(stack.signal_stack);
    stack.signal_stack = NULL;
}

/* Does: has reports tell of these threads.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
void gowsgi_crash_watch(gowsgi_crash_threads of) { __atomic_store_n(&threads, of, __ATOMIC_RELEASE); }

/* Does: has reports say of a task what `describer` writes.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
void gowsgi_crash_describe(gowsgi_crash_describer describer) {
    __atomic_store_n(&describe, describer, __ATOMIC_RELEASE);
}

/* ---- in the handler ---- */

static uintptr_t stack_pointer(const void *context) {
    const ucontext_t *c = context;
#if defined(__linux__) && defined(__x86_64__)
    return (uintptr_t)c->uc_mcontext.gregs[REG_RSP];
#elif defined(__linux__) && defined(__aarch64__)
    return (uintptr_t)c->uc_mcontext.sp;
#elif defined(__APPLE__) && defined(__x86_64__)
    return (uintptr_t)c->uc_mcontext->__ss.__rsp;
#elif defined(__APPLE__) && defined(__aarch64__)
    return (uintptr_t)__darwin_arm_thread_state64_get_sp(c->uc_mcontext->__ss);
#else
#error "where is the stack pointer of an interrupted thread?"
#endif
}

static bool is_ours(const void *context) {
    stack_t own;
    bool has_signal_stack = sigaltstack(NULL, &own) == 0 && !(own.ss_flags & SS_DISABLE);
    if (!stack.high)
        return !has_signal_stack || (Py_IsInitialized() && PyGILState_GetThisThreadState());
    uintptr_t sp = stack_pointer(context);
    if (sp >= stack.low - OVERFLOW && sp < stack.high)
        return true;
    return has_signal_stack && sp - (uintptr_t)own.ss_sp < own.ss_size;
}

static void pass_on(const struct sigaction *action, int number, siginfo_t *info, void *context) {
    if (action->sa_flags & SA_SIGINFO) {
        action->sa_sigaction(number, info, context);
    } else if (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN) {
        sigaction(number, action, NULL);
        if (info->si_code <= 0)
            raise(number);
    } else {
        action->sa_handler(number);
    }
}

static struct {
    char text[8 << 10];
    size_t size;
} report;

static void say(const char *text) {
    size_t size = strlen(text), room = sizeof report.text - report.size;
    if (size > room)
        size = room;
    memcpy(report.text + report.size, text, size);
    report.size += size;
}

static void say_number(uint64_t n, unsigned base) {
    char digits[21], *first = digits + sizeof digits;
    *--first = 0;
    do
        *--first = "0123456789abcdef"[n % base];
    while (n /= base);
    say(first);
}

static bool thread_at(int number, gowsgi_crash_thread *thread) {
    gowsgi_crash_threads known = __atomic_load_n(&threads, __ATOMIC_ACQUIRE);
    return known && known(number, thread);
}

static void say_thread(int number, const gowsgi_crash_thread *thread) {
    say("gowsgi-");
    say_number((uint64_t)number + 1, 10);
    say(" (0x"); /* as the stacks name it */
    say_number(thread->ident, 16);
    say(")");
}

static void say_task(int number, const gowsgi_crash_thread *thread, const char *verb) {
    if (!thread->task)
        return;
    say("gowsgi: thread ");
    say_thread(number, thread);
    say(verb);
    gowsgi_crash_describer known = __atomic_load_n(&describe, __ATOMIC_ACQUIRE);
    if (known)
        report.size += known(thread->task, report.text + report.size, sizeof report.text - report.size);
    say("\n");
}

/* Which signal, on which thread, and what all threads that run tasks were
 * doing; the one that crashed first. */
static void write_report(int slot, const siginfo_t *info) {
    gowsgi_crash_thread thread;
    int self = -1;
    for (int i = 0; self < 0 && thread_at(i, &thread); i++)
        if (thread.ident == PyThread_get_thread_ident())
            self = i;
    say("gowsgi: crash: ");
    say(signals[slot].name);
    if (info->si_code > 0) {
        say(" at address 0x");
        say_number((uintptr_t)info->si_addr, 16);
    }
    say(" in ");
    if (self >= 0)
        say_thread(self, &thread);
    else
        say("a thread that runs no request");
    say(" of the worker with pid ");
    say_number((uint64_t)getpid(), 10);
    say("\n");
    if (self >= 0)
        say_task(self, &thread, ", which crashed, was running ");
    for (int i = 0; thread_at(i, &thread); i++)
        if (i != self)
            say_task(i, &thread, " was running ");
    for (size_t sent = 0; sent < report.size;) {
        ssize_t n = write(crash_fd, report.text + sent, report.size - sent);
        if (n < 0 && errno != EINTR)
            break;
        sent += n > 0 ? (size_t)n : 0;
    }
}

/* The process dies of the signal as soon as the handler returns. */
static void leave(int number, const siginfo_t *info) {
    signal(number, SIG_DFL);
    if (info->si_code <= 0) /* it was sent, so it does not come again by itself */
        raise(number);
}

static void on_signal(int number, siginfo_t *info, void *context) {
    if (number == SIGSEGV || number == SIGBUS)
        gowsgi_dump_retreat();
    static pthread_t reporter;
    static int reporting; /* 1: somebody does; 2: and reporter says who */
    int slot = 0, nobody = 0, saved = errno;
    while (signals[slot].number != number)
        slot++;
    if (in_child) {
        leave(number, info);
        return;
    }
    if (!is_ours(context)) {
        pass_on(&go_action[slot], number, info, context);
        errno = saved;
        return;
    }
    if (__atomic_compare_exchange_n(&reporting, &nobody, 1, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
        reporter = pthread_self();
        __atomic_store_n(&reporting, 2, __ATOMIC_RELEASE);
        write_report(slot, info);
        gowsgi_dump_crash();
        if (has_faulthandler)
            pass_on(&faulthandler_action[slot], number, info, context);
    } else if (__atomic_load_n(&reporting, __ATOMIC_ACQUIRE) != 2 || !pthread_equal(reporter, pthread_self())) {
        for (;;) /* another thread was first, and the process is about to end */
            pause();
    }
    leave(number, info);
}

/* ---- outside of it ---- */

/* Does: puts our handler on top, if it is not. Whatever has put itself on top
 *     since the first call is taken for the application's faulthandler.
 * Memory: nothing changes hands.
 * GIL: either; callers take turns.
 * Fails: -1 with errno set. */
int gowsgi_crash_install(void) {
    if (in_child)
        return 0;
    if (crash_fd < 0 && gowsgi_crash_output(STDERR_FILENO) < 0)
        return -1;
    for (int slot = 0; slot < SIGNALS; slot++) {
        struct sigaction now;
        if (sigaction(signals[slot].number, NULL, &now) != 0)
            return -1;
        if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal)
            continue;
        if (installed) {
            faulthandler_action[slot] = now;
            has_faulthandler = true;
        } else {
            go_action[slot] = now;
        }
        /* Mask and flags are Go's, for Go's handler runs under ours. */
        struct sigaction ours = go_action[slot];
        ours.sa_flags |= SA_SIGINFO | SA_ONSTACK;
        ours.sa_flags &= ~(int)(SA_RESETHAND | SA_NODEFER);
        ours.sa_sigaction = on_signal;
        if (!(go_action[slot].sa_flags & SA_SIGINFO)) /* Go in a shared object has no handler for SIGABRT */
            sigfillset(&ours.sa_mask);
        if (sigaction(signals[slot].number, &ours, NULL) != 0)
            return -1;
    }
    installed = true;
    return 0;
}

/* Does: makes crash reports go where fd goes.
 * Memory: fd stays the caller's; it is duplicated.
 * GIL: either.
 * Fails: -1 with errno set. */
int gowsgi_crash_output(int fd) {
    if (crash_fd < 0) {
        crash_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return crash_fd < 0 ? -1 : 0;
    }
#ifdef __APPLE__
    return dup2(fd, crash_fd) < 0 || fcntl(crash_fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : 0;
#else
    return dup3(fd, crash_fd, O_CLOEXEC) < 0 ? -1 : 0;
#endif
}

int gowsgi_crash_fd(void) { return crash_fd; }

/* Does: in a forked child, which has no Go and no requests, leaves the signals
 *     to the application's faulthandler, if any.
 * Memory: nothing changes hands.
 * GIL: either; async-signal-safe.
 * Fails: never. */
void gowsgi_crash_in_child(void) {
    in_child = true;
    for (int slot = 0; has_faulthandler && slot < SIGNALS; slot++)
        sigaction(signals[slot].number, &faulthandler_action[slot], NULL);
}

/* Does: lets go of the signals, in a forked child in which Go is about to start:
 *     gowsgi_crash_install will find Go's handlers. The application's faulthandler
 *     is remembered.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
void gowsgi_crash_forget(void) {
    for (int slot = 0; slot < SIGNALS; slot++)
        signal(signals[slot].number, SIG_DFL);
    installed = in_child = false;
}
