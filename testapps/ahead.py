"""Produces responses faster than its client takes them.

Proves that the application can end when it has produced all, whoever still has to take
it, and that every byte arrives in order whichever way it went. By path:

    /<way>    numbered lines, "size" bytes of them, one of WAYS; with "declared" they have
              a Content-Length; the journal says when they were closed
    /after    the same as /blocks, and then waits at the gate, and raises if "raise" is
              given
    /drips    the same, and then "drips" lines, a fifth of a second apart: the journal says
              when there are no more
    /silent   the same, and then says nothing for ever: the journal has what ended that
    /body     reads the body, then as /blocks
    /hello    something small
"""

import time

from contract import note, parameters, plain, wait

LINE = 100  # bytes


def lines(first, size):
    """Return so many bytes of lines, from that byte on: both are whole lines."""
    return b"".join(b"%08d%s\n" % (n, b"x" * 91) for n in range(first // LINE, (first + size) // LINE))


def pieces(size, piece):
    return (lines(at, min(piece, size - at)) for at in range(0, size, piece))


def blocks(environ, size):
    try:
        yield from pieces(size, 40_000)
    finally:
        note(environ, "closed")


def small(environ, size):
    try:
        yield from pieces(size, 700)
    finally:
        note(environ, "closed")


def one_list(environ, size):
    note(environ, "closed")
    return list(pieces(size, 100_000))


def one_block(environ, size):
    note(environ, "closed")
    return [lines(0, size)]


def large(environ, size):
    """Yield blocks that are larger than response_buffer."""
    try:
        yield from pieces(size, 3_000_000)
    finally:
        note(environ, "closed")


WAYS = {"/blocks": blocks, "/small": small, "/list": one_list, "/block": one_block, "/large": large}


def after(environ, size):
    yield from blocks(environ, size)
    wait(environ)
    if "raise" in parameters(environ):
        raise ValueError("deliberate")


def drips(environ, size):
    yield from blocks(environ, size)
    for _ in range(int(parameters(environ)["drips"])):
        time.sleep(0.2)
        yield b"drip\n"
    note(environ, "dripped")


def silent(environ, size):
    yield from blocks(environ, size)
    try:
        while True:
            time.sleep(0.01)
    except BaseException as error:
        note(environ, type(error).__name__)
        raise


def application(environ, start_response):
    path, query = environ["PATH_INFO"], parameters(environ)
    if path == "/hello":
        return plain(start_response, "hello")
    if path == "/body":
        environ["wsgi.input"].read()
        path = "/blocks"
    headers = [("Content-Type", "text/plain")]
    if "declared" in query:
        headers.append(("Content-Length", query["size"]))
    write = start_response("200 OK", headers)
    if path == "/write":
        for piece in pieces(int(query["size"]), 40_000):
            write(piece)
        note(environ, "closed")
        return []
    return {**WAYS, "/after": after, "/drips": drips, "/silent": silent}[path](environ, int(query["size"]))
