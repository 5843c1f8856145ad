"""Takes its worker down.

Proves that the other worker goes on serving, that the lost one is replaced, and
that the log says which requests were running and where, whoever wants to know of
the signal besides.

    /pid       the process that answers
    /wait      waits until its client leaves, or the worker does
    /abort     os.abort()
    /null      reads address 0
    /overflow  C recursion without end
    /thread    reads address 0 in a thread of the application's own
    /foreign   abort() in a thread that Python does not know, as an extension's may be
    /guarded   calls faulthandler.enable(), then reads address 0
    /child     a forked child reads address 0: answers how it ended
    /kill      SIGKILL to itself
    /exit      os._exit(3)
"""

import ctypes
import faulthandler
import os
import signal
import threading

from contract import plain


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/abort":
        os.abort()
    if path == "/null":
        ctypes.string_at(0)
    if path == "/wait":
        environ["wsgi.errors"].write("waits\n")
        threading.Event().wait()
    if path == "/overflow":
        faulthandler._stack_overflow()
    if path == "/thread":
        thread = threading.Thread(target=ctypes.string_at, args=(0,))
        thread.start()
        thread.join()
    if path == "/foreign":
        libc = ctypes.CDLL(None)
        libc.pthread_create(ctypes.byref(ctypes.c_void_p()), None, libc.abort, None)
        threading.Event().wait()
    if path == "/guarded":
        faulthandler.enable()
        ctypes.string_at(0)
    if path == "/child":
        pid = os.fork()
        if pid == 0:
            ctypes.string_at(0)
        return plain(start_response, os.waitpid(pid, 0)[1])
    if path == "/kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if path == "/exit":
        os._exit(3)
    return plain(start_response, os.getpid())
