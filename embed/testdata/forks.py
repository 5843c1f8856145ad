"""Forks in the middle of requests. In the child there is nobody but the thread that
forked: nothing that it does with what belongs to the request may wait for another."""

import contextlib
import os
import threading
import time

PATIENCE = 20  # s, after which a child hangs


def child(use):
    """Run use() in a child and return what it left on a pipe, or that it hung."""
    out, into = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(out)
        try:
            os.write(into, repr(use()).encode())
        except BaseException as error:
            os.write(into, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(into)
    end = time.monotonic() + PATIENCE
    while os.waitpid(pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
            os.close(out)
            return "hung"
        time.sleep(0.001)
    with open(out, "rb") as pipe:
        return pipe.read().decode()


def upload(environ, start_response):
    """Forks again and again while its body streams; each child reads a byte, says
    something and writes."""
    write, stream, errors = start_response("200 OK", []), environ["wsgi.input"], environ["wsgi.errors"]

    def use():
        with contextlib.suppress(OSError):  # nothing was there when it was forked
            stream.read(1)
        errors.flush()
        try:
            write(b"of a child")
        except BrokenPipeError:
            return "read and wrote"

    def read_on():
        while stream.read(100):
            pass

    reader = threading.Thread(target=read_on)
    reader.start()
    for _ in range(int(environ["QUERY_STRING"])):
        write(child(use).encode() + b"\n")
    write(b"end\n")
    reader.join()
    return []


def endless(environ, start_response):
    """A child goes on as if it were the server: its response has no end."""
    start_response("200 OK", [])
    pid = os.fork()
    if pid == 0:
        return iter(lambda: b"x" * 10_000, b"")
    return [b"%d" % os.waitpid(pid, 0)[1]]


def returns(environ, start_response):
    """A child returns from the application while others keep its locks busy."""
    pid = os.fork()
    start_response("200 OK", [])
    if pid == 0:
        return [b"of a child"]
    end = time.monotonic() + PATIENCE
    while (ended := os.waitpid(pid, os.WNOHANG)) == (0, 0):
        if time.monotonic() > end:
            os.kill(pid, 9)
            return [b"hung"]
        time.sleep(0.001)
    return [b"%d" % os.waitstatus_to_exitcode(ended[1])]
