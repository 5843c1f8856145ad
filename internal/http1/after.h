/* How a connection goes on after a request: one decision, in one place. */
#ifndef GOWSGI_HTTP1_AFTER_H
#define GOWSGI_HTTP1_AFTER_H

#include <stdbool.h>

/* What may be read from the client. */
enum {
    GOWSGI_IN_IDLE, /* no request has begun */
    GOWSGI_IN_HEAD, /* a head has begun */
    GOWSGI_IN_CONTINUE, /* the client waits for 100 Continue before it sends the body */
    GOWSGI_IN_BODY, /* the body is on its way */
    GOWSGI_IN_DONE, /* the request is all there */
    GOWSGI_IN_BROKEN, /* what came was no request */
};

/* What may be written to it. */
enum { GOWSGI_OUT_IDLE, GOWSGI_OUT_HEAD, GOWSGI_OUT_BODY, GOWSGI_OUT_DONE, GOWSGI_OUT_BROKEN };

/* What comes next. */
enum {
    GOWSGI_AFTER_WAIT, /* for the next request */
    GOWSGI_AFTER_HEAD, /* which has already begun */
    GOWSGI_AFTER_DRAIN, /* the rest of the body is read and thrown away; then ask again */
    GOWSGI_AFTER_LINGER, /* FIN, then read and throw away for a while, or a reset could eat the answer */
    GOWSGI_AFTER_CLOSE, /* FIN, and nothing more */
    GOWSGI_AFTER_RESET, /* RST: the response must not look whole */
};

typedef struct {
    int in, out;
    bool reuse; /* nobody has said that this request is the last */
    bool ahead; /* bytes of the client behind the request are there */
    bool pipelined; /* there were, at any time of this connection */
    bool small_rest; /* of the body, as far as is known */
} gowsgi_situation;

int gowsgi_http1_after(const gowsgi_situation *s);

#endif
