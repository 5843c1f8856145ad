/* What the application does with signals.
 *
 * signal.signal: the worker's signals are the server's. On the main thread, while
 * the application is imported, the call is logged with the stack it came from and
 * changes nothing, as in mod_wsgi. On any other thread it raises what it raises
 * everywhere, ValueError: libraries catch that and do without. In a forked child,
 * which is the application's own, it works.
 *
 * What site runs while CPython starts (a sitecustomize, as agents bring it) comes
 * before that, and can install handlers. They are taken back: else a SIGTERM that
 * systemd sends to all processes of a service would be theirs.
 *
 * faulthandler.enable: works, but what it installs stands behind our own
 * handler (see internal/crash/crash.c). */
#include "start.h"

#include "wsgi.h"

#include <signal.h>

#include "../internal/crash/crash.h"

static PyObject *original, *getsignal, *format_stack, *enable;

static int log_call(PyObject *number) {
    PyObject *lines = wsgi_text_join(PyObject_CallNoArgs(format_stack)); /* new */
    PyObject *text = lines ? PyUnicode_FromFormat(
                                 "signal.signal(%S) ignored: the worker's signals are the server's\n%U", number, lines)
                           : NULL; /* new */
    Py_ssize_t size;
    const char *utf8 = text ? PyUnicode_AsUTF8AndSize(text, &size) : NULL; /* borrowed */
    if (utf8)
        wsgi_log(&(wsgi_record){.kind = WSGI_LOG_SIGNAL, .req = wsgi_running, .text = utf8, .size = (size_t)size});
    Py_XDECREF(text);
    Py_XDECREF(lines);
    return utf8 ? 0 : -1;
}

static PyObject *signal_signal(PyObject *Py_UNUSED(self), PyObject *args, PyObject *kwargs) {
    if (gowsgi_forked || PyThread_get_thread_ident() != gowsgi_main_thread())
        return PyObject_Call(original, args, kwargs);
    static char *names[] = {"signalnum", "handler", NULL};
    PyObject *number, *handler;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO:signal", names, &number, &handler))
        return NULL;
    PyObject *before = PyObject_CallOneArg(getsignal, number); /* new; raises for what is no signal */
    if (before && log_call(number) < 0)
        Py_CLEAR(before);
    return before;
}

static PyMethodDef method = {
    "signal",
    (PyCFunction)(void (*)(void))signal_signal,
    METH_VARARGS | METH_KEYWORDS,
    "signal(signalnum, handler): ignored while the application is imported, except in forked children",
};

static PyObject *faulthandler_enable(PyObject *Py_UNUSED(self), PyObject *args, PyObject *kwargs) {
    PyObject *result = PyObject_Call(enable, args, kwargs); /* new */
    if (result && gowsgi_crash_install() != 0) {
        Py_DECREF(result);
        return PyErr_SetFromErrno(PyExc_OSError);
    }
    return result;
}

static PyMethodDef enable_method = {
    "enable",
    (PyCFunction)(void (*)(void))faulthandler_enable,
    METH_VARARGS | METH_KEYWORDS,
    "enable(file=sys.stderr, all_threads=True): as ever, after gowsgi's own report of the crash",
};

/* ---- what was installed while CPython started ---- */

static struct sigaction noted[NSIG];

/* Crashes are another matter: see internal/crash. */
static int is_crash(int number) {
    return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL || number == SIGABRT;
}

void wsgi_signals_note(void) {
    for (int number = 1; number < NSIG; number++)
        sigaction(number, NULL, &noted[number]); /* fails for those that are the C library's */
}

void wsgi_signals_take_back(void) {
    struct sigaction now;
    for (int number = 1; number < NSIG; number++)
        if (!is_crash(number) && sigaction(number, NULL, &now) == 0 && now.sa_handler != noted[number].sa_handler)
            sigaction(number, &noted[number], NULL);
}

int wsgi_signals_init(void) {
    int failed = -1;
    PyObject *function = NULL, *enabler = NULL;
    PyObject *signal = PyImport_ImportModule("signal"); /* new */
    PyObject *traceback = PyImport_ImportModule("traceback"); /* new */
    PyObject *faulthandler = PyImport_ImportModule("faulthandler"); /* new */
    if (!signal || !traceback || !faulthandler)
        goto done;
    original = PyObject_GetAttrString(signal, "signal"); /* new, kept */
    getsignal = PyObject_GetAttrString(signal, "getsignal"); /* new, kept */
    format_stack = PyObject_GetAttrString(traceback, "format_stack"); /* new, kept */
    enable = PyObject_GetAttrString(faulthandler, "enable"); /* new, kept */
    function = PyCFunction_New(&method, NULL); /* new */
    enabler = PyCFunction_New(&enable_method, NULL); /* new */
    if (original && getsignal && format_stack && enable && function && enabler &&
        PyObject_SetAttrString(faulthandler, "enable", enabler) == 0)
        failed = PyObject_SetAttrString(signal, "signal", function);
done:
    Py_XDECREF(enabler);
    Py_XDECREF(function);
    Py_XDECREF(faulthandler);
    Py_XDECREF(traceback);
    Py_XDECREF(signal);
    return failed;
}
