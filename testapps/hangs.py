"""Stops in the middle of requests.

Proves what becomes of requests that take too long, of their clients, of their threads
and of all other requests. The journal has a line "called" for each request that
entered, and a line for each exception that reached it. By path:

    /hello    something small
    /ever     sleeps in small steps until an exception comes
    /twice    reads the body first, then as /ever
    /swallow  the same, but goes on whatever comes, until the file "until" exists
    /begun    yields one block, then as /ever
    /ended    yields all of its Content-Length, then as /ever, in close()
    /gate     waits at the gate, in C, where no exception comes through
    /steps    yields "blocks" blocks, "pause" seconds apart
    /reads    reads the body in pieces of "size" bytes, and sleeps for "pause" seconds
              after each
    /read     reads the whole body
    /endless  yields blocks of "size" bytes until somebody stops it
    /file     sends $DATA/large with wsgi.file_wrapper
"""

import os
import pathlib
import time

from contract import note, parameters, plain, wait


def sleep_for_ever(environ):
    try:
        while True:
            time.sleep(0.01)  # the line that the log is to name
    except BaseException as error:
        note(environ, f"{type(error).__module__}.{type(error).__name__}")
        raise


def swallow(environ):
    until = pathlib.Path(parameters(environ)["until"])
    while not until.exists():
        try:
            time.sleep(0.01)
        except BaseException as error:
            note(environ, f"{type(error).__module__}.{type(error).__name__}")


def begun(environ):
    yield b"a block\n"
    sleep_for_ever(environ)


class Ended:
    """Says all that it has to say, and then does not close."""

    def __init__(self, environ):
        self.environ = environ

    def __iter__(self):
        yield b"complete"

    def close(self):
        sleep_for_ever(self.environ)


def steps(query):
    for _ in range(int(query["blocks"])):
        time.sleep(float(query["pause"]))
        yield b"a block\n"


def reads(stream, query):
    total = 0
    while piece := stream.read(int(query["size"])):
        total += len(piece)
        time.sleep(float(query["pause"]))
    return str(total)


def read(environ):
    try:
        return str(len(environ["wsgi.input"].read()))
    except OSError as error:
        note(environ, "OSError")
        raise error


def endless(environ):
    block = b"x" * int(parameters(environ)["size"])
    try:
        while True:
            yield block
    finally:
        note(environ, "closed")


def send_file(environ):
    file = (pathlib.Path(os.environ["DATA"]) / "large").open("rb")
    return environ["wsgi.file_wrapper"](file)


STREAMS = {
    "/begun": begun,
    "/steps": lambda environ: steps(parameters(environ)),
    "/endless": endless,
    "/file": send_file,
}
TEXTS = {
    "/hello": lambda _: "hello",
    "/ever": sleep_for_ever,
    "/twice": lambda environ: (environ["wsgi.input"].read(), sleep_for_ever(environ)),
    "/swallow": swallow,
    "/gate": wait,
    "/reads": lambda environ: reads(environ["wsgi.input"], parameters(environ)),
    "/read": read,
}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path != "/hello":
        note(environ, "called")
    if path in STREAMS:
        start_response("200 OK", [("Content-Type", "application/octet-stream")])
        return STREAMS[path](environ)
    if path == "/ended":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "8")])
        return Ended(environ)
    return plain(start_response, TEXTS[path](environ))
