"""Answers that take their time, on connections that have many requests at once.

Proves what is HTTP/2's: a stream is slow or breaks off by itself. By path:

    /environ   the environ, a variable a line
    /pauses    two blocks, a second and a half apart
    /sips      reads the body in two sips, a second and a half apart: their sizes
    /file      wsgi.file_wrapper with 8 MiB
    /much      8 MiB in blocks of 64 KiB
    /endless   blocks until nobody wants them; close() is noted
    /waits     waits at the gate, then answers; close() is noted
    /hints     early hints, then the answer
    /breaks    a block, then an exception
    /short     less than its Content-Length
    /connects  fields that are the connection's
    /interim   101 as if it were an answer
    /length    the size of the body
    /reads     reads the body; the journal says that it does, and what came of it
"""

import os
import tempfile
import time

from contract import note, plain, wait

MUCH = 8 << 20
PAUSE = 1.5


class Noted:
    """An iterable that says when it is closed."""

    def __init__(self, environ, blocks):
        self.environ, self.blocks = environ, blocks

    def __iter__(self):
        return iter(self.blocks)

    def close(self):
        note(self.environ, "closed")


def endless():
    while True:
        yield b"x" * 4096


def waits(environ):
    wait(environ)
    yield b"waited"


def pauses():
    yield b"one"
    time.sleep(PAUSE)
    yield b"two"


def sips(environ):
    body = environ["wsgi.input"]
    sizes = [len(body.read(1000))]
    time.sleep(PAUSE)
    sizes.append(len(body.read()))
    return str(sizes)


def reads(environ):
    note(environ, "reads")
    try:
        return str(len(environ["wsgi.input"].read()))
    except OSError as error:
        note(environ, type(error).__name__)
        raise


def breaks():
    yield b"some"
    raise RuntimeError("on purpose")


def large_file():
    file = tempfile.TemporaryFile()
    os.truncate(file.fileno(), MUCH)
    return file


def application(environ, start_response):
    path = environ["PATH_INFO"]
    headers = [("Content-Type", "text/plain")]
    if path == "/environ":
        return plain(start_response, "\n".join(f"{name}={value}" for name, value in sorted(environ.items())))
    if path == "/sips":
        return plain(start_response, sips(environ))
    if path == "/reads":
        return plain(start_response, reads(environ))
    if path == "/length":
        return plain(start_response, str(len(environ["wsgi.input"].read())))
    if path == "/hints":
        environ["wsgi.early_hints"]([("Link", "</a.css>; rel=preload"), ("Connection", "close")])
        return plain(start_response, "hinted")
    if path == "/connects":
        own = [("Connection", "close"), ("Keep-Alive", "5"), ("Transfer-Encoding", "chunked"), ("Upgrade", "h2c")]
        own += [("x-a", "1"), ("X-A", "2")]
        start_response("200 Fine", headers + own)
        return [b"connected"]
    if path == "/interim":
        start_response("101 Switching Protocols", headers)
        return [b"switched"]
    if path == "/short":
        start_response("200 OK", [*headers, ("Content-Length", "10")])
        return iter([b"some"])
    if path == "/file":
        start_response("200 OK", [*headers, ("Content-Length", str(MUCH))])
        return environ["wsgi.file_wrapper"](large_file())
    blocks = {
        "/pauses": pauses,
        "/much": lambda: (b"x" * 65536 for _ in range(MUCH >> 16)),
        "/endless": lambda: Noted(environ, endless()),
        "/waits": lambda: Noted(environ, waits(environ)),
        "/breaks": breaks,
    }
    if path in blocks:
        start_response("200 OK", headers)
        return blocks[path]()
    return plain(start_response, "hello")
