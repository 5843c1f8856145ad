"""Reads wsgi.input while the response is under way, or the client is not.

Proves, by path:

    /echo    each block is answered before the next one is read: full duplex
    /first   reads a line, answers, and reads the rest after that block went out
    /read    reads everything; the journal says what happened if that failed
    /left    answers without reading the body
    /part    reads 10 bytes and answers
    /lines   yields the lines of the body from inside the iteration
    /evil    what must never be called: the journal says that it was
    /thread  a thread of its own waits for the body when the response is over
"""

import hashlib
import threading

from contract import note, note_for, parameters, plain


def echo(stream):
    while block := stream.read(10_000):
        yield block


def first(stream):
    yield b"first line: " + stream.readline()
    digest, size = hashlib.sha256(), 0
    while block := stream.read(8192):
        digest.update(block)
        size += len(block)
    yield f"rest: {size} {digest.hexdigest()}\n".encode()


def read(environ):
    try:
        size = len(environ["wsgi.input"].read())
    except OSError as error:
        note(environ, f"OSError {type(error).__name__}")
        raise
    note(environ, f"read {size}")
    return str(size)


def wait_in_thread(environ):
    """Let a thread wait for the body; return once it is about to."""
    stream, key, started = environ["wsgi.input"], parameters(environ)["id"], threading.Event()

    def reader():
        started.set()
        try:
            stream.read()
        except RuntimeError as error:
            note_for(key, f"RuntimeError {error}")
        except BaseException as error:
            note_for(key, f"{type(error).__name__} {error}")
        else:
            note_for(key, "read")

    threading.Thread(target=reader, daemon=True).start()
    started.wait()


def application(environ, start_response):
    path, stream = environ["PATH_INFO"], environ["wsgi.input"]
    if path in ("/echo", "/first", "/lines"):
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return {"/echo": echo, "/first": first, "/lines": iter}[path](stream)
    if path == "/read":
        return plain(start_response, read(environ))
    if path == "/evil":
        note(environ, "called")
    if path == "/part":
        return plain(start_response, stream.read(10))
    if path == "/thread":
        wait_in_thread(environ)
    return plain(start_response, "not read")
