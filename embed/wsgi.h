/* What the C files of this package share. Everything here is called with the
 * GIL held unless it says otherwise; -1 or NULL means that a Python exception
 * is set. */
#ifndef GOWSGI_EMBED_WSGI_H
#define GOWSGI_EMBED_WSGI_H

#include "record.h"
#include "request.h"

/* One interpreter, one application: made by gowsgi_start and
 * gowsgi_set_application, before the first request. */
typedef struct {
    PyObject *application;
    PyObject *environ_template;
    size_t response_buffer; /* an iterator may be this many bytes ahead of its client */
    PyTypeObject *start_response_type, *write_type, *input_type, *errors_type, *file_wrapper_type;
    PyObject *format_exception; /* traceback.format_exception */
    PyObject *request_timeout; /* gowsgi.RequestTimeout */
} wsgi_process;

extern wsgi_process wsgi;

/* The request that this thread runs, or NULL. */
extern _Thread_local wsgi_request *wsgi_running;

static inline bool wsgi_is_aborted(wsgi_request *req) { return __atomic_load_n(&req->aborted, __ATOMIC_RELAXED); }

/* environ.c */
int wsgi_environ_init(const char *const *names, int count, int multithread, int multiprocess, const char *software);
PyObject *wsgi_environ_new(wsgi_request *req); /* new */

/* description.c */
void wsgi_description_init(const char *const *names, int count);

/* start_response.c */
int wsgi_start_response_init(void);
PyObject *wsgi_start_response_new(wsgi_request *req); /* new */
PyObject *wsgi_write_new(wsgi_request *req); /* new */
void wsgi_start_response_expire(PyObject *start_response);
void wsgi_write_expire(PyObject *write);

/* headers.c */
int wsgi_headers_set(wsgi_request *req, PyObject *status, PyObject *headers);

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
void wsgi_early_hints_expire(PyObject *early_hints);

/* response.c. 0: go on; 1: stop, nobody wants more; -1: exception. */
int wsgi_response_block(wsgi_request *req, PyObject *block);
int wsgi_response_list(wsgi_request *req, PyObject *blocks);

/* body.c */
int wsgi_body_take(wsgi_request *req, PyObject **whole); /* new */
void wsgi_body_retire(wsgi_request *req);
void wsgi_body_drop(wsgi_request *req);

/* input.c */
int wsgi_input_init(void);
PyObject *wsgi_input_new(wsgi_request *req); /* new */
void wsgi_input_expire(PyObject *input);

/* errors.c */
int wsgi_errors_init(void);
PyObject *wsgi_errors_new(wsgi_request *req); /* new */
void wsgi_errors_flush(PyObject *errors);
void wsgi_errors_expire(PyObject *errors);

/* file_wrapper.c */
int wsgi_file_wrapper_init(void);
/* 1: the file is handed over; 0: it has to be iterated; -1: exception. */
int wsgi_file_wrapper_send(wsgi_request *req, PyObject *wrapper);

/* exception.c: the set exception as text, which is cleared. malloc'ed; NULL
 * only if memory is short. */
char *wsgi_exception_text(size_t *size);

/* log_source.c */
PyObject *wsgi_log_writing(void); /* new */
int wsgi_log_source(wsgi_record *r, PyObject *record, PyObject **name);
void wsgi_log_written(wsgi_record *r, PyObject *source);

/* signals.c */
int wsgi_signals_init(void);

/* interrupt.c: RequestTimeout. Between enter and leave the request's thread can
 * be interrupted. */
void wsgi_interrupt_enter(wsgi_request *req);
void wsgi_interrupt_leave(wsgi_request *req);
/* True if this thread must not go to sleep: wsgi_interrupted says what for.
 * Lock: held; GIL: either. */
bool wsgi_interrupt_wakes(wsgi_request *req);
int wsgi_interrupted(wsgi_request *req); /* -1: RequestTimeout is set now */

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
