/* wsgi.file_wrapper: PEP 3333, "Optional Platform-Specific File Handling". */
#include "wsgi.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_SIZE = 64 << 10 };

typedef struct {
    PyObject_HEAD PyObject *filelike;
    Py_ssize_t block_size;
} wrapper;

/* What may be sent by descriptor: objects that are known to read the bytes of
 * their descriptor and nothing else. A GzipFile has a fileno() too. */
static PyTypeObject *file_type, *reader_type, *random_type, *temporary_type;

static int wrapper_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"filelike", "blksize", NULL};
    PyObject *filelike;
    Py_ssize_t block_size = BLOCK_SIZE;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|n:file_wrapper", names, &filelike, &block_size))
        return -1;
    if (block_size <= 0) {
        PyErr_Format(PyExc_ValueError, "blksize must be positive, not %zd", block_size);
        return -1;
    }
    Py_XSETREF(((wrapper *)self)->filelike, Py_NewRef(filelike));
    ((wrapper *)self)->block_size = block_size;
    return 0;
}

static PyObject *wrapper_next(PyObject *self) {
    wrapper *w = (wrapper *)self;
    PyObject *block = w->filelike ? PyObject_CallMethod(w->filelike, "read", "n", w->block_size) : NULL; /* new */
    if (!block)
        return NULL;
    int more = PyObject_IsTrue(block);
    if (more <= 0)
        Py_CLEAR(block); /* at the end without an exception: StopIteration */
    return block;
}

static PyObject *wrapper_close(PyObject *self, PyObject *Py_UNUSED(nothing)) {
    PyObject *filelike = ((wrapper *)self)->filelike; /* borrowed */
    PyObject *close = filelike ? PyObject_GetAttrString(filelike, "close") : NULL; /* new */
    if (!close) {
        if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_AttributeError))
            return NULL;
        PyErr_Clear();
        Py_RETURN_NONE;
    }
    PyObject *result = PyObject_CallNoArgs(close);
    Py_DECREF(close);
    return result;
}

static int wrapper_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((wrapper *)self)->filelike);
    return 0;
}

static int wrapper_clear(PyObject *self) {
    Py_CLEAR(((wrapper *)self)->filelike);
    return 0;
}

static void wrapper_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    wrapper_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* ---- handing the descriptor over ---- */

/* The file object that owns the descriptor, borrowed; NULL without exception
 * if it is none that may be sent. */
static PyObject *plain_file(PyObject *filelike, PyObject **held) {
    *held = NULL;
    if (Py_TYPE(filelike) == temporary_type) {
        *held = filelike = PyObject_GetAttrString(filelike, "file"); /* new: the caller's */
        if (!filelike)
            return NULL;
    }
    if (Py_TYPE(filelike) == file_type)
        return filelike;
    if (Py_TYPE(filelike) != reader_type && Py_TYPE(filelike) != random_type)
        return NULL;
    PyObject *raw = PyObject_GetAttrString(filelike, "raw"); /* new */
    bool plain = raw && Py_TYPE(raw) == file_type;
    Py_XDECREF(raw);
    return plain ? filelike : NULL;
}

static long long call_for_number(PyObject *object, const char *method) {
    PyObject *number = PyObject_CallMethod(object, method, NULL); /* new */
    long long value = number ? PyLong_AsLongLong(number) : -1;
    Py_XDECREF(number);
    return value;
}

/* A description of its own: what the application does with the file object
 * from now on, closing included, does not disturb the transfer. */
static int reopen(int fd) {
#ifdef __linux__
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_RDONLY | O_CLOEXEC);
    if (own >= 0)
        return own;
#endif
    return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static bool has_byte_at(int fd, off_t offset) {
    char byte;
    ssize_t n;
    Py_BEGIN_ALLOW_THREADS
    n = pread(fd, &byte, 1, offset);
    Py_END_ALLOW_THREADS
    return n == 1;
}

/* True if its size says how much there is to read. That of files of /proc is 0, of
 * those of /sys a page, whatever is in them. They have no blocks; but nor have small
 * files, and files of some network file systems, whose size is right. */
static bool has_its_size(int fd, const struct stat *st) {
    if (!S_ISREG(st->st_mode))
        return false;
    if (st->st_blocks > 0)
        return true;
    return (st->st_size == 0 || has_byte_at(fd, st->st_size - 1)) && !has_byte_at(fd, st->st_size);
}

int wsgi_file_wrapper_send(wsgi_request *req, PyObject *self) {
    if (!((wrapper *)self)->filelike || req->response.head.status == 0 || gowsgi_forked)
        return 0;
    PyObject *filelike = Py_NewRef(((wrapper *)self)->filelike); /* new: __init__ may be called again meanwhile */
    PyObject *held;
    PyObject *file = plain_file(filelike, &held); /* borrowed */
    int sent = 0;
    if (file) {
        /* tell() knows where the buffered reader stands; the descriptor is
         * further on. */
        int fd = (int)call_for_number(file, "fileno");
        long long position = fd >= 0 ? call_for_number(file, "tell") : -1;
        struct stat st;
        if (position >= 0 && fstat(fd, &st) == 0 && has_its_size(fd, &st)) {
            int64_t size = st.st_size > position ? st.st_size - position : 0;
            if (req->response.head.content_length < 0 && !req->response.begun)
                req->response.head.content_length = size;
            if (req->response.head.content_length >= 0 && size > req->response.head.content_length - req->response.sent)
                size = req->response.head.content_length - req->response.sent;
            if (!req->is_head && size > 0)
                req->response.file = reopen(fd);
            if (req->is_head || size == 0 || req->response.file >= 0) {
                req->response.file_offset = position;
                req->response.file_size = size;
                req->response.sent += size;
                sent = 1;
            }
        }
    }
    Py_XDECREF(held);
    Py_DECREF(filelike);
    if (PyErr_Occurred()) {
        /* Not to be had by descriptor (closed, say): iterating reports it. */
        PyErr_Clear();
        return 0;
    }
    return sent;
}

static PyMethodDef methods[] = {
    {"close", wrapper_close, METH_NOARGS, "closes the file"},
    {NULL, NULL, 0, NULL},
};

static PyTypeObject *import_type(const char *module, const char *name) {
    PyObject *m = PyImport_ImportModule(module); /* new */
    PyObject *type = m ? PyObject_GetAttrString(m, name) : NULL; /* new, kept */
    Py_XDECREF(m);
    return (PyTypeObject *)type;
}

int wsgi_file_wrapper_init(void) {
    PyType_Slot slots[] = {
        {Py_tp_init, wrapper_init},     {Py_tp_dealloc, wrapper_dealloc}, {Py_tp_traverse, wrapper_traverse},
        {Py_tp_clear, wrapper_clear},   {Py_tp_methods, methods},         {Py_tp_iter, PyObject_SelfIter},
        {Py_tp_iternext, wrapper_next}, {Py_tp_new, PyType_GenericNew},   {0, NULL},
    };
    PyType_Spec spec = {
        .name = "gowsgi.FileWrapper",
        .basicsize = sizeof(wrapper),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    wsgi.file_wrapper_type = (PyTypeObject *)PyType_FromSpec(&spec);
    file_type = import_type("_io", "FileIO");
    reader_type = import_type("_io", "BufferedReader");
    random_type = import_type("_io", "BufferedRandom");
    temporary_type = import_type("tempfile", "_TemporaryFileWrapper");
    return wsgi.file_wrapper_type && file_type && reader_type && random_type && temporary_type ? 0 : -1;
}
