"""Closes its standard streams, as programs do that become daemons.

Proves that nothing of the server is written to whatever has their numbers then: a
client's connection, for example.

    /close     closes descriptors 0 to 2
    /raise     raises: the server logs the traceback
    /errors    writes to wsgi.errors, here and in a forked child
    /thread    raises in a thread: Python writes the traceback to descriptor 2
    /          answers

With CLOSES=import in the environment they are closed before the first request.
"""

import contextlib
import os
import threading

from contract import plain


def close():
    for descriptor in range(3):
        with contextlib.suppress(OSError):  # closed already
            os.close(descriptor)


def fail():
    raise RuntimeError("in a thread")


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/close":
        close()
    if path == "/raise":
        raise RuntimeError("raised on purpose")
    if path == "/errors":
        environ["wsgi.errors"].write("parent writes\n")
        pid = os.fork()
        if pid == 0:
            environ["wsgi.errors"].write("child writes\n")
            os._exit(0)
        os.waitpid(pid, 0)
    if path == "/thread":
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    return plain(start_response, path)


if os.environ.get("CLOSES") == "import":
    close()
