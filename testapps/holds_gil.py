"""Keeps the GIL while it waits.

Proves what becomes of a worker in which no other thread can run: C code that forgot to
let go of the GIL looks like this. By path:

    /hello    something small
    /hold     sleeps for "seconds", GIL held
"""

import ctypes

from contract import parameters, plain


def application(environ, start_response):
    if environ["PATH_INFO"] == "/hold":
        # A function of a PyDLL is called with the GIL held.
        ctypes.PyDLL(None).sleep(int(parameters(environ)["seconds"]))
    return plain(start_response, "hello")
