"""Requests that take long, in every way that matters to who has to end them."""

import ctypes
import functools
import os
import threading
import time

import gowsgi


def spin(environ, start_response):
    """Computes until it is told to stop."""
    print("spins")
    while True:
        try:
            while True:
                pass
        except Exception:
            pass  # as careless code does


def catch(environ, start_response):
    """Makes an answer of its deadline."""
    print("spins")
    try:
        while True:
            pass
    except gowsgi.RequestTimeout as e:
        start_response("503 Too Slow", [])
        return [str(e).encode()]


def catch_and_read(environ, start_response):
    """Reads its body after it has caught its deadline."""
    catch(environ, start_response)
    return [environ["wsgi.input"].read()]


def read(environ, start_response):
    start_response("200 OK", [])
    print("reads")
    return [environ["wsgi.input"].read()]


def read_elsewhere(environ, start_response):
    """Has another thread wait for the body, which is not to be disturbed."""
    got = []
    thread = threading.Thread(target=lambda: got.append(environ["wsgi.input"].read()), name="reader")
    thread.start()
    try:
        print("waits")
        while True:  # not "while thread.is_alive()": CPython 3.13 has no handler for its jump
            pass
    except gowsgi.RequestTimeout:
        print("interrupted")
        thread.join()
    start_response("200 OK", [])
    return got


def outrun(environ, start_response):
    """Produces more than its client takes."""
    start_response("200 OK", [])
    while True:
        yield b"x" * 100_000


def short(environ, start_response):
    """Lets go of the GIL as often as the query says, last of all when it is done."""
    start_response("200 OK", [])
    for _ in range(int(environ["QUERY_STRING"])):
        time.sleep(0)
    return Done()


class Done:
    def __iter__(self):
        return iter([b"done"])

    close = staticmethod(functools.partial(time.sleep, 0))  # no bytecode follows


def doze(environ, start_response):
    """Waits until the test closes the other end of a pipe."""
    print("dozes")
    os.read(int(environ["QUERY_STRING"]), 1)
    start_response("200 OK", [])
    return [b"awake"]


def churn(environ, start_response):
    """Makes and drops frames for as many seconds as the query says."""
    end = time.monotonic() + float(environ["QUERY_STRING"])

    def deep(n):
        return (lambda: deep(n - 1))() if n else list(range(3))

    while time.monotonic() < end:
        deep(20)
    start_response("200 OK", [])
    return [b"churned"]


def hog(environ, start_response):
    """The same, but keeps the GIL meanwhile."""
    ctypes.PyDLL(None).read(int(environ["QUERY_STRING"]), ctypes.create_string_buffer(1), 1)
    start_response("200 OK", [])
    return [b"let go"]


def janitor(environ, start_response):
    """Starts a thread of the application's own that works for a while."""

    def sweep():
        while not stopped.wait(0.01):
            pass

    stopped = janitor.stopped = threading.Event()
    threading.Thread(target=sweep, name="janitor").start()
    start_response("200 OK", [])
    return []


def joined(environ, start_response):
    """Starts a thread, which is profiled as app.py has it, and waits for its end."""
    thread = threading.Thread(target=lambda: None, daemon=True)
    thread.start()
    thread.join(20)
    start_response("200 OK", [])
    return [b"stuck" if thread.is_alive() else b"ended"]


def dismiss(environ, start_response):
    janitor.stopped.set()
    start_response("200 OK", [])
    return []
