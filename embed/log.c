#include "wsgi.h"

#include <unistd.h>

#include "_cgo_export.h"

void wsgi_log(int kind, wsgi_request *req, const char *text, size_t size) {
    if (gowsgi_forked) {
        /* Go does not run in a forked child. */
        while (size > 0) {
            ssize_t n = write(STDERR_FILENO, text, size);
            if (n <= 0)
                return;
            text += n;
            size -= (size_t)n;
        }
        (void)!write(STDERR_FILENO, "\n", 1);
        return;
    }
    Py_BEGIN_ALLOW_THREADS go_log(kind, req ? (int64_t)req->task.index : -1, (char *)text, size);
    Py_END_ALLOW_THREADS
}
