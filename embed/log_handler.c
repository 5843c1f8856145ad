/* gowsgi.LogHandler: a logging.Handler whose records reach the server's log with
 * their level, their logger's name and the request of the thread that logs. */
#include "wsgi.h"

#include <string.h>

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

/* The attributes that every record has. */
static PyObject *usual; /* a dict */

static bool is_usual(PyObject *key) {
    return PyDict_Contains(usual, key) != 0 || PyUnicode_CompareWithASCIIString(key, "message") == 0 ||
           PyUnicode_CompareWithASCIIString(key, "asctime") == 0;
}

/* A dict of what extra= has added to a record; empty for nothing. */
static PyObject *added(PyObject *record) {
    PyObject *attributes = PyObject_GetAttrString(record, "__dict__"); /* new */
    PyObject *items = attributes ? PyMapping_Items(attributes) : NULL; /* new: nobody changes it meanwhile */
    PyObject *found = items ? PyDict_New() : NULL; /* new */
    for (Py_ssize_t i = 0; found && i < PyList_GET_SIZE(items); i++) {
        PyObject *item = PyList_GET_ITEM(items, i), *key = PyTuple_GET_ITEM(item, 0); /* borrowed */
        if (PyUnicode_Check(key) && !is_usual(key) && PyDict_SetItem(found, key, PyTuple_GET_ITEM(item, 1)) < 0)
            Py_CLEAR(found);
    }
    Py_XDECREF(items);
    Py_XDECREF(attributes);
    return found;
}

/* What JSON has no word for is str() of it. */
static PyObject *dumps(PyObject *dict) {
    PyObject *json = PyImport_ImportModule("json"); /* new */
    PyObject *function = json ? PyObject_GetAttrString(json, "dumps") : NULL; /* new */
    PyObject *args = PyTuple_Pack(1, dict); /* new */
    PyObject *kwargs = Py_BuildValue("{sOsO}", "default", (PyObject *)&PyUnicode_Type, "allow_nan", Py_False); /* new */
    PyObject *text = function && args && kwargs ? PyObject_Call(function, args, kwargs) : NULL; /* new */
    Py_XDECREF(kwargs);
    Py_XDECREF(args);
    Py_XDECREF(function);
    Py_XDECREF(json);
    return text;
}

/* Has str() stand in a dict for all its values: some were not for JSON, such as a
 * list that contains itself. */
static int turn_to_text(PyObject *dict) {
    PyObject *keys = PyDict_Keys(dict); /* new */
    int failed = keys ? 0 : -1;
    for (Py_ssize_t i = 0; !failed && i < PyList_GET_SIZE(keys); i++) {
        PyObject *key = PyList_GET_ITEM(keys, i); /* borrowed */
        PyObject *text = PyObject_Str(PyDict_GetItem(dict, key)); /* new */
        failed = text ? PyDict_SetItem(dict, key, text) : -1;
        Py_XDECREF(text);
    }
    Py_XDECREF(keys);
    return failed;
}

/* JSON of what extra= has added, as a str; None for nothing. */
static PyObject *extra_of(PyObject *record) {
    PyObject *fields = added(record); /* new */
    PyObject *text = NULL; /* new */
    if (fields && PyDict_GET_SIZE(fields) == 0) {
        text = Py_NewRef(Py_None);
    } else if (fields) {
        text = dumps(fields);
        if (!text && PyErr_ExceptionMatches(PyExc_Exception)) {
            PyErr_Clear();
            text = turn_to_text(fields) == 0 ? dumps(fields) : NULL;
        }
    }
    Py_XDECREF(fields);
    return text;
}

/* The bytes of a str; NULL for anything else, with an exception if there is one
 * to tell. */
static PyObject *bytes_of(PyObject *text) {
    return text && PyUnicode_Check(text) ? PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace") : NULL;
}

/* A formatter leaves the traceback in exc_text and at the end of the text. Returns
 * where it begins; the text's size if there is none. */
static size_t find_traceback(PyObject *bytes, PyObject *traceback) {
    size_t size = (size_t)PyBytes_GET_SIZE(bytes), tail = traceback ? (size_t)PyBytes_GET_SIZE(traceback) : 0;
    const char *text = PyBytes_AS_STRING(bytes);
    if (tail == 0 || tail >= size || text[size - tail - 1] != '\n' ||
        memcmp(text + size - tail, PyBytes_AS_STRING(traceback), tail) != 0)
        return size;
    return size - tail;
}

static int send(PyObject *handler, PyObject *record) {
    PyObject *text = NULL, *bytes = NULL, *name = NULL, *traceback = NULL, *extra = NULL; /* new */
    PyObject *exc_text = NULL, *json = NULL; /* new */
    wsgi_record r = {.kind = WSGI_LOG_LOGGED, .req = wsgi_running};
    int failed = -1;
    if (!call(handler, "format", record, &text) || wsgi_log_source(&r, record, &name) < 0)
        goto done;
    if (!PyUnicode_Check(text)) {
        PyErr_SetString(PyExc_TypeError, "a formatter has to return a str");
        goto done;
    }
    exc_text = PyObject_GetAttrString(record, "exc_text");
    if (!exc_text || !(bytes = bytes_of(text)) || !(json = extra_of(record)))
        goto done;
    traceback = bytes_of(exc_text);
    extra = bytes_of(json);
    if (PyErr_Occurred())
        goto done;
    size_t end = find_traceback(bytes, traceback);
    r.text = PyBytes_AS_STRING(bytes);
    r.size = end;
    if (end < (size_t)PyBytes_GET_SIZE(bytes)) {
        r.size = end - 1; /* without the newline */
        r.traceback = r.text + end;
        r.traceback_size = (size_t)PyBytes_GET_SIZE(bytes) - end;
    }
    if (extra) {
        r.extra = PyBytes_AS_STRING(extra);
        r.extra_size = (size_t)PyBytes_GET_SIZE(extra);
    }
    wsgi_log(&r);
    failed = 0;
done:
    Py_XDECREF(extra);
    Py_XDECREF(traceback);
    Py_XDECREF(json);
    Py_XDECREF(exc_text);
    Py_XDECREF(name);
    Py_XDECREF(bytes);
    Py_XDECREF(text);
    return failed;
}

/* emit(self, record). What goes wrong is for logging's own handleError, as in
 * the handlers of the standard library. */
static PyObject *emit(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *handler, *record;
    if (!PyArg_ParseTuple(args, "OO:emit", &handler, &record))
        return NULL;
    if (send(handler, record) < 0) {
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
    PyObject *blank = logging ? PyObject_CallMethod(logging, "makeLogRecord", "{}") : NULL; /* new */
    PyObject *type = NULL;
    if (blank && !usual)
        usual = PyObject_GetAttrString(blank, "__dict__"); /* new, kept */
    if (base && method && usual)
        type = PyObject_CallFunction((PyObject *)&PyType_Type, "s(O){sOssss}", "LogHandler", base, "emit", method,
                                     "__module__", "gowsgi", "__doc__",
                                     "Sends records to the server's log, with their level and request."); /* new */
    Py_XDECREF(blank);
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
