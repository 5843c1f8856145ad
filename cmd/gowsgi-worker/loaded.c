//go:build loaded

/* The worker as a shared object that the loader puts into the application's own
 * python (LD_PRELOAD). Python's functions are then that program's, whether it has
 * them itself or from a libpython, and the program needs nothing but to be there.
 *
 * The program's first instructions call the C library's __libc_start_main, which
 * is to call the program's main. The loader finds ours first, and ours says that
 * main is ours: of python's own nothing has run by then, so CPython is started
 * with our own configuration (embed/start.c), on the process's first thread, in a
 * process that is as it would be with a worker linked with libpython. Rejected: an
 * extension module that python imports, which finds an interpreter that is
 * configured already, and thread-local storage that has run out.
 */
#define _GNU_SOURCE
#include "_cgo_export.h"

#include <dlfcn.h>
#include <string.h>

typedef int main_function(int, char **, char **);
typedef int start_function(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

/* What follows the title in the command line is for a python that has not loaded us
 * (load in internal/python), and nothing for ps to show. Where the command line does
 * not end with a zero, the kernel shows it up to the first one. */
static void leave_title(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "-I") != 0) /* else the memory is somebody else's by now */
        return;
    size_t last = strlen(argv[argc - 1]);
    for (int i = 1; i < argc; i++)
        memset(argv[i], 0, strlen(argv[i]));
    argv[argc - 1][last] = ' ';
}

static int worker_main(int argc, char **argv, char **environ) {
    (void)environ;
    leave_title(argc, argv);
    go_worker_main(); /* does not return */
    return 1;
}

/* Does: what the C library's own does, with the worker for main.
 * Memory: nothing changes hands.
 * GIL: there is none yet.
 * Fails: never. */
int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end) {
    (void)main;
    start_function *next = (start_function *)dlsym(RTLD_NEXT, "__libc_start_main");
    return next(worker_main, argc, argv, init, fini, rtld_fini, stack_end);
}
