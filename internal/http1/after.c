#include "after.h"

/* Does: decides how a connection goes on when the response has ended, one way or
 *     another. RFC 9112, 9.3, 9.5 and 9.6.
 * Memory: nothing is kept.
 * GIL: either.
 * Fails: never; what cannot be is a RESET. */
int gowsgi_http1_after(const gowsgi_situation *s) {
    if (s->out != GOWSGI_OUT_DONE)
        return GOWSGI_AFTER_RESET;
    switch (s->in) {
    case GOWSGI_IN_DONE:
        if (s->reuse)
            return s->ahead ? GOWSGI_AFTER_HEAD : GOWSGI_AFTER_WAIT;
        /* Who sends before it has the answer may be sending now. */
        return s->ahead || s->pipelined ? GOWSGI_AFTER_LINGER : GOWSGI_AFTER_CLOSE;
    case GOWSGI_IN_BODY:
        return s->reuse && s->small_rest ? GOWSGI_AFTER_DRAIN : GOWSGI_AFTER_LINGER;
    case GOWSGI_IN_IDLE: /* refused before anything came */
        return s->ahead ? GOWSGI_AFTER_LINGER : GOWSGI_AFTER_CLOSE;
    case GOWSGI_IN_HEAD:
    case GOWSGI_IN_CONTINUE: /* whether the body comes all the same, nobody knows */
    case GOWSGI_IN_BROKEN:
        return GOWSGI_AFTER_LINGER;
    default:
        return GOWSGI_AFTER_RESET;
    }
}
