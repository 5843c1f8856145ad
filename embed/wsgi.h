/* What the C files of this package share. Everything here is called with the
 * GIL held unless it says otherwise; -1 or NULL means that a Python exception
 * is set. */
#ifndef GOWSGI_EMBED_WSGI_H
#define GOWSGI_EMBED_WSGI_H

#include "record.h"
#include "request.h"

/* One interpreter: made by gowsgi_start and gowsgi_serve, before the first
 * request. */
typedef struct {
    PyObject *applications; /* a tuple; a request has the number of its own */
    uint32_t application_count;
    gowsgi_quota **quotas; /* by application; NULL: it may have all threads */
    bool *alone; /* by application: one thread at a time has it */
    PyObject *environ_template;
    size_t response_buffer; /* an iterator may be this many bytes ahead of its client */
    PyTypeObject *start_response_type, *write_type, *early_hints_type, *input_type, *errors_type, *file_wrapper_type;
    PyObject *format_exception; /* traceback.format_exception */
    PyObject *request_timeout; /* gowsgi.RequestTimeout */
} wsgi_process;

extern wsgi_process wsgi;

/* The request that this thread runs, or NULL. */
extern _Thread_local wsgi_request *wsgi_running;

/* A forked child has only one thread, and copies of locks that others held. */
static inline void wsgi_lock(wsgi_request *req) {
    if (!gowsgi_forked)
        pthread_mutex_lock(&req->lock);
}

static inline void wsgi_unlock(wsgi_request *req) {
    if (!gowsgi_forked)
        pthread_mutex_unlock(&req->lock);
}

/* object.c: how an object of the application begins. Its request is to be had by
 * wsgi_enter only. */
typedef struct {
    PyObject_HEAD wsgi_request *req; /* (lock) NULL once the request has ended */
} wsgi_object;

/* The request of an object, locked; NULL with an exception set if it has ended.
 * Until wsgi_leave nobody lets go of the GIL; afterwards nobody touches the
 * request. */
wsgi_request *wsgi_enter(PyObject *object);
wsgi_request *wsgi_enter_quietly(PyObject *object); /* without the exception */
/* bells: 0, or which of the request's goroutines to wake. */
void wsgi_leave(wsgi_request *req, uint32_t bells);
/* Waits, without the GIL, as long as `blocked` says so of the object's request. 0
 * as well if it ends; -1: RequestTimeout, or what a signal's handler raised. */
int wsgi_wait(PyObject *object, bool (*blocked)(const wsgi_request *req));
int wsgi_objects_prepare(wsgi_request *req);
void wsgi_objects_end(wsgi_request *req);

/* interrupt.c */
int wsgi_interrupt_init(void);

/* memory.c: before there are threads. GIL: either. */
void wsgi_memory_init(void);

/* request.c */
int wsgi_request_init(void);

/* environ.c */
int wsgi_environ_init(const char *const *names, int count, int multithread, int multiprocess, const char *software);
PyObject *wsgi_environ_new(wsgi_request *req); /* new */

/* description.c */
void wsgi_description_init(const char *const *names, int count);

/* start_response.c */
int wsgi_start_response_init(void);
PyObject *wsgi_start_response_new(wsgi_request *req); /* new */
PyObject *wsgi_write_new(wsgi_request *req); /* new */

/* headers.c */
int wsgi_head_set(wsgi_head *head, PyObject *status, PyObject *headers);

/* A header field that was checked; the bytes belong to its tuple. */
typedef struct {
    const uint8_t *name, *value;
    uint16_t name_size;
    uint32_t value_size;
} wsgi_field;
int wsgi_field_parse(PyObject *field, wsgi_field *out);
/* Adds it to *data, as Go reads it: both sizes, name, value. */
int wsgi_field_append(uint8_t **data, size_t *size, size_t *room, const wsgi_field *field);

/* early_hints.c */
int wsgi_early_hints_init(void);
PyObject *wsgi_early_hints_new(wsgi_request *req); /* new */

/* response.c: what becomes of a block. WSGI_ENOUGH: all of Content-Length is there,
 * or of what HEAD asked for; WSGI_UNASKED: and much more, for HEAD; WSGI_GONE: nobody
 * reads the response. */
enum { WSGI_MORE, WSGI_ENOUGH, WSGI_UNASKED, WSGI_GONE, WSGI_FAILED = -1 };
int wsgi_response_block(PyObject *write, PyObject *block);
int wsgi_response_list(PyObject *write, PyObject *blocks);

/* body_file.c: some of a body that is in a file, at the end of what the ring has of
 * it. Straight to `to` if that is large and no line is wanted, as many bytes as it
 * returns; 0: look into the ring, or again. Lets go of the GIL. */
Py_ssize_t wsgi_body_read_file(PyObject *input, char *to, size_t room, bool line);

/* body.c */
int wsgi_body_take(wsgi_request *req, PyObject **whole); /* new. Lock: held */
void wsgi_body_end(wsgi_request *req);

/* input.c */
int wsgi_input_init(void);
PyObject *wsgi_input_new(wsgi_request *req); /* new */

/* errors.c */
int wsgi_errors_init(void);
PyObject *wsgi_errors_new(wsgi_request *req); /* new */
/* What is pending, malloc'ed; NULL if nothing is. Lock: held. */
char *wsgi_errors_take(PyObject *errors, size_t *size);

/* file_wrapper.c */
int wsgi_file_wrapper_init(void);
/* 1: the file is handed over; 0: it has to be iterated; -1: exception. */
int wsgi_file_wrapper_send(wsgi_request *req, PyObject *wrapper);

/* text.c */
/* malloc'ed UTF-8 of a str, with a 0 behind it; NULL, and no exception, if it is none. */
char *wsgi_text_copy(PyObject *text, size_t *size);
/* "".join(lines), new; NULL if lines is. */
PyObject *wsgi_text_join(PyObject *lines /* steals */);

/* exception.c: the set exception as text, which is cleared. malloc'ed; NULL
 * only if memory is short. */
char *wsgi_exception_text(size_t *size);

/* log_source.c */
PyObject *wsgi_log_writing(void); /* new */
int wsgi_log_source(wsgi_record *r, PyObject *record, PyObject **name);
void wsgi_log_written(wsgi_record *r, PyObject *source);

/* nursery.c: true if the record is gowsgi's now. */
bool wsgi_nursery_log(const wsgi_record *record);

/* hooks.c: the functions of the module. */
int wsgi_hooks_add(PyObject *module);

/* load.c: runs Python text and returns what its function `function` returns for
 * `argument`. */
PyObject *wsgi_run_text(const char *text, const char *function, const char *argument); /* new */

/* signals.c. note remembers how signals are dealt with, take_back makes it so
 * again. GIL: either. */
void wsgi_signals_note(void);
void wsgi_signals_take_back(void);
int wsgi_signals_init(void);

/* interrupt.c: RequestTimeout. Between enter and leave the request's thread can
 * be interrupted. */
void wsgi_interrupt_enter(wsgi_request *req);
void wsgi_interrupt_leave(wsgi_request *req);
/* True, once, if this thread must not go to sleep: wsgi_interrupt_raise says what
 * for. Lock: held; GIL: either. */
bool wsgi_interrupt_take(wsgi_request *req);
int wsgi_interrupt_raise(void); /* -1: RequestTimeout is set now; 0: it was before */

/* module.c: the module gowsgi; before CPython starts, and after. */
int wsgi_module_announce(void);
int wsgi_module_init(void);

/* log_handler.c */
PyObject *wsgi_log_handler_type(void); /* new */
int wsgi_log_handler_install(void);

/* output.c: what is left of a line that this thread wrote to standard output or
 * error becomes a record. */
void wsgi_output_flush(void);

/* stacks.c */
int wsgi_stacks_init(void);

#endif
