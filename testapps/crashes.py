"""Takes its worker down.

Proves that the other worker goes on serving and that the lost one is replaced.

    /pid    the process that answers
    /abort  os.abort()
    /null   reads address 0
    /kill   SIGKILL to itself
    /exit   os._exit(3)
"""

import ctypes
import os
import signal

from contract import plain


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/abort":
        os.abort()
    if path == "/null":
        ctypes.string_at(0)
    if path == "/kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if path == "/exit":
        os._exit(3)
    return plain(start_response, os.getpid())
