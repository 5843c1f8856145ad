#include "start.h"

#include "wsgi.h"

#include "../internal/crash/crash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static PyThreadState *main_state; /* while the main thread is detached, else NULL */
static unsigned long main_thread;

static PyStatus configure(PyConfig *config, const char *executable) {
    config->parse_argv = 0;
    config->install_signal_handlers = 0; /* signals are the server's */
    static char *argv[] = {"gowsgi"};
    PyStatus status = PyConfig_SetBytesArgv(config, 1, argv);
    if (PyStatus_Exception(status))
        return status;
    /* The virtualenv's python: site finds pyvenv.cfg beside it, and
     * multiprocessing and subprocess start it. */
    status = PyConfig_SetBytesString(config, &config->program_name, executable);
    if (PyStatus_Exception(status))
        return status;
    status = PyConfig_SetBytesString(config, &config->executable, executable);
    if (PyStatus_Exception(status))
        return status;
    wsgi_signals_note();
    status = Py_InitializeFromConfig(config);
    wsgi_signals_take_back();
    return status;
}

/* print() is seen at once and a line at a time, also where standard output is no
 * terminal. sys.stdout may be None, or something without reconfigure(). */
static void buffer_by_line(void) {
    PyObject *out = PySys_GetObject("stdout"); /* borrowed */
    PyObject *method = out ? PyObject_GetAttrString(out, "reconfigure") : NULL; /* new */
    PyObject *args = PyTuple_New(0); /* new */
    PyObject *kwargs = Py_BuildValue("{sO}", "line_buffering", Py_True); /* new */
    PyObject *done = method && args && kwargs ? PyObject_Call(method, args, kwargs) : NULL; /* new */
    Py_XDECREF(done);
    Py_XDECREF(kwargs);
    Py_XDECREF(args);
    Py_XDECREF(method);
    PyErr_Clear();
}

/* Does: starts CPython as `executable` would run it.
 * Memory: the result is malloc'ed, the caller frees it.
 * GIL: held by the calling thread afterwards, which is Python's main thread
 *     from now on.
 * Fails: returns the reason; NULL is success. */
char *gowsgi_start(const char *executable) {
    wsgi_memory_init();
    gowsgi_crash_know_thread();
    if (gowsgi_crash_install() != 0 || wsgi_module_announce() != 0)
        return strdup(strerror(errno));
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    PyStatus status = configure(&config, executable);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status))
        return strdup(status.err_msg ? status.err_msg : "exit");
    main_thread = PyThread_get_thread_ident();
    gowsgi_crash_install(); /* PYTHONFAULTHANDLER may have put its own on top */
    buffer_by_line();
    PyObject *traceback = PyImport_ImportModule("traceback"); /* new */
    if (traceback) {
        wsgi.format_exception = PyObject_GetAttrString(traceback, "format_exception"); /* new, kept */
        Py_DECREF(traceback);
    }
    if (wsgi.format_exception && wsgi_request_init() == 0 && wsgi_interrupt_init() == 0 &&
        wsgi_start_response_init() == 0 && wsgi_early_hints_init() == 0 && wsgi_input_init() == 0 &&
        wsgi_errors_init() == 0 && wsgi_file_wrapper_init() == 0 && wsgi_signals_init() == 0 &&
        wsgi_module_init() == 0 && wsgi_stacks_init() == 0 && gowsgi_dump_init() == 0)
        return NULL;
    if (wsgi.format_exception) {
        size_t size;
        return wsgi_exception_text(&size);
    }
    PyErr_Clear();
    return strdup("the standard library's traceback module cannot be imported");
}

/* Does: tells Python's name for the main thread.
 * Memory: nothing changes hands.
 * GIL: either.
 * Fails: never. */
unsigned long gowsgi_main_thread(void) { return main_thread; }

/* Does: lets other threads have the GIL.
 * GIL: held before, released after; on the thread that started CPython. */
void gowsgi_detach(void) { main_state = PyEval_SaveThread(); }

/* Does: takes the GIL back, if this thread has let go of it.
 * GIL: held after; on the thread that started CPython. */
void gowsgi_attach(void) {
    if (main_state)
        PyEval_RestoreThread(main_state);
    main_state = NULL;
}

static int set_quotas(const gowsgi_serving *serving) {
    wsgi.quotas = calloc((size_t)wsgi.application_count, sizeof *wsgi.quotas);
    wsgi.alone = calloc((size_t)wsgi.application_count, sizeof *wsgi.alone);
    bool failed = !wsgi.quotas || !wsgi.alone;
    for (uint32_t i = 0; i < wsgi.application_count && !failed; i++)
        if (serving->quotas[i]) {
            wsgi.quotas[i] = gowsgi_pool_quota(serving->pool, serving->quotas[i]);
            wsgi.alone[i] = serving->quotas[i] == 1;
            failed = !wsgi.quotas[i];
        }
    if (failed)
        PyErr_NoMemory();
    return failed ? -1 : 0;
}

/* Does: makes `applications`, a tuple, those that requests go to, by number.
 * Memory: serving and what it points to stay the caller's.
 * GIL: held.
 * Fails: -1 with a Python exception set. */
int gowsgi_serve(PyObject *applications, const gowsgi_serving *serving) {
    wsgi.response_buffer = serving->response_buffer;
    wsgi.applications = Py_NewRef(applications);
    wsgi.application_count = (uint32_t)PyTuple_GET_SIZE(applications);
    if (set_quotas(serving) < 0)
        return -1;
    wsgi_description_init(serving->names, serving->name_count);
    return wsgi_environ_init(serving->names, serving->name_count, serving->multithread, serving->multiprocess,
                             serving->software);
}

/* Does: the set exception as text; clears it.
 * Memory: malloc'ed, the caller frees it.
 * GIL: held.
 * Fails: NULL if none was set, or memory is short. */
char *gowsgi_error_text(size_t *size) { return wsgi_exception_text(size); }
