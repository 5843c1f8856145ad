/* gowsgi.LogHandler: a logging.Handler whose records reach the server's log with
 * their level, their logger's name and the request of the thread that logs. */
#include "wsgi.h"

/* Calls a method of `handler` for a record; true if it gave a result, which
 * goes to *result if that is wanted. */
static bool call(PyObject *handler, const char *method, PyObject *record, PyObject **result) {
    PyObject *got = PyObject_CallMethod(handler, method, "O", record); /* new */
    if (result)
        *result = got;
    else
        Py_XDECREF(got);
    return got;
}

static int send(PyObject *handler, PyObject *record) {
    PyObject *text = NULL, *bytes = NULL; /* new */
    PyObject *level = PyObject_GetAttrString(record, "levelno"); /* new */
    PyObject *name = PyObject_GetAttrString(record, "name"); /* new */
    PyObject *name_bytes = NULL; /* new */
    int failed = -1;
    if (!level || !name || !PyUnicode_Check(name) || !call(handler, "format", record, &text))
        goto done;
    int number = (int)PyLong_AsLong(level);
    if (number == -1 && PyErr_Occurred())
        goto done;
    bytes = PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace");
    name_bytes = PyUnicode_AsEncodedString(name, "utf-8", "backslashreplace");
    if (!bytes || !name_bytes)
        goto done;
    wsgi_log(&(wsgi_record){
        .kind = WSGI_LOG_LOGGED,
        .req = wsgi_running,
        .text = PyBytes_AS_STRING(bytes),
        .size = (size_t)PyBytes_GET_SIZE(bytes),
        .level = number,
        .logger = PyBytes_AS_STRING(name_bytes),
        .logger_size = (size_t)PyBytes_GET_SIZE(name_bytes),
    });
    failed = 0;
done:
    Py_XDECREF(name_bytes);
    Py_XDECREF(bytes);
    Py_XDECREF(text);
    Py_XDECREF(name);
    Py_XDECREF(level);
    return failed;
}

/* emit(self, record). What goes wrong is for logging's own handleError, as in
 * the handlers of the standard library. */
static PyObject *emit(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *handler, *record;
    if (!PyArg_ParseTuple(args, "OO:emit", &handler, &record))
        return NULL;
    if (send(handler, record) < 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_TypeError, "a log record needs a name that is a str");
        if (!PyErr_ExceptionMatches(PyExc_Exception))
            return NULL;
        /* handleError prints sys.exc_info(). */
        PyObject *type, *value, *traceback; /* new */
        PyObject *type0, *value0, *traceback0; /* new */
        PyErr_Fetch(&type, &value, &traceback);
        PyErr_NormalizeException(&type, &value, &traceback);
        if (traceback)
            PyException_SetTraceback(value, traceback);
        PyErr_GetExcInfo(&type0, &value0, &traceback0);
        PyErr_SetExcInfo(type, value, traceback); /* steals */
        bool handled = call(handler, "handleError", record, NULL);
        PyErr_SetExcInfo(type0, value0, traceback0); /* steals */
        if (!handled)
            return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef emit_method = {"emit", emit, METH_VARARGS, "sends the record to the server's log"};

PyObject *wsgi_log_handler_type(void) {
    PyObject *logging = PyImport_ImportModule("logging"); /* new */
    PyObject *base = logging ? PyObject_GetAttrString(logging, "Handler") : NULL; /* new */
    PyObject *function = PyCFunction_New(&emit_method, NULL); /* new */
    PyObject *method = function ? PyInstanceMethod_New(function) : NULL; /* new */
    PyObject *type = NULL;
    if (base && method)
        type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){sOssss}", "LogHandler", base, "emit", method,
                                     "__module__", "gowsgi", "__doc__",
                                     "Sends records to the server's log, with their level and request."); /* new */
    Py_XDECREF(method);
    Py_XDECREF(function);
    Py_XDECREF(base);
    Py_XDECREF(logging);
    return type;
}

/* The handler of last resort is for applications that configure none: their
 * warnings keep their level in our log. */
int wsgi_log_handler_install(void) {
    PyObject *handler = NULL;
    PyObject *logging = PyImport_ImportModule("logging"); /* new */
    PyObject *module = PyImport_ImportModule("gowsgi"); /* new */
    PyObject *type = module ? PyObject_GetAttrString(module, "LogHandler") : NULL; /* new */
    PyObject *level = logging ? PyObject_GetAttrString(logging, "WARNING") : NULL; /* new */
    int failed = -1;
    if (type && level && (handler = PyObject_CallOneArg(type, level)))
        failed = PyObject_SetAttrString(logging, "lastResort", handler);
    Py_XDECREF(handler);
    Py_XDECREF(level);
    Py_XDECREF(type);
    Py_XDECREF(module);
    Py_XDECREF(logging);
    return failed;
}
