"""Calls start_response in every way that PEP 3333 allows.

Proves, by path:

    /late            first called when the iteration begins
    /late-write      the same, with write()
    /replaced        a second call with exc_info, before anything went out
    /replaced-empty  the same after an empty block: nothing has gone out yet
    /too-late        a second call with exc_info after a block: it raises that exception
    /too-late-caught an application that catches it and ends: the response is cut short
    /corrected       a call that broke a rule raises, and the next one is the first
    /write           write() twice, then the iterable
    /write-only      write() and an empty iterable
    /write-result    write() returns None, also for an empty block
    /keyword         exc_info=None by name; also ("/none") by position
    /headers         names as spelled, repeated fields, latin-1, tabs, empty values
    /status?line=    that status line
"""

import sys

from contract import parameters

TEXT = [("Content-Type", "text/plain")]


def late(environ, start_response):
    start_response("202 Accepted", [*TEXT, ("X-Late", "yes")])
    yield b"late"


def late_write(environ, start_response):
    start_response("202 Accepted", TEXT)(b"late ")
    yield b"write"


def replaced(environ, start_response):
    start_response("200 OK", [*TEXT, ("X-Old", "yes"), ("Content-Length", "5")])
    try:
        raise ValueError("on purpose")
    except ValueError:
        start_response("503 Service Unavailable", [*TEXT, ("X-New", "yes")], sys.exc_info())
    return [b"replaced"]


def replaced_empty(environ, start_response):
    write = start_response("200 OK", [*TEXT, ("X-Old", "yes")])
    write(b"")
    yield b""
    try:
        raise ValueError("on purpose")
    except ValueError:
        start_response("503 Service Unavailable", [*TEXT, ("X-New", "yes")], sys.exc_info())
    yield b"replaced"


def too_late(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"a block"
    try:
        raise LookupError("the deliberate one")
    except LookupError:
        start_response("500 Internal Server Error", TEXT, sys.exc_info())
    yield b"never"


def too_late_caught(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"a block, "
    try:
        raise LookupError("the deliberate one")
    except LookupError as error:
        try:
            start_response("500 Internal Server Error", TEXT, sys.exc_info())
        except LookupError as again:
            yield b"the same" if again is error else b"another"


def corrected(environ, start_response):
    try:
        start_response("200 OK", [("X-Number", 5)])
    except TypeError:
        start_response("201 Created", TEXT)
    return [b"corrected"]


def write(environ, start_response):
    send = start_response("200 OK", TEXT)
    send(b"one ")
    send(b"two ")
    return [b"three", b"", b" four"]


def write_only(environ, start_response):
    start_response("200 OK", TEXT)(b"only")
    return []


def write_result(environ, start_response):
    send = start_response("200 OK", TEXT)
    return [repr([send(b"text "), send(b"")]).encode()]


def keyword(environ, start_response):
    start_response("200 OK", TEXT, exc_info=None)
    return [b"keyword"]


def none(environ, start_response):
    start_response("200 OK", TEXT, None)
    return [b"none"]


def headers(environ, start_response):
    fields = [
        ("content-TYPE", "text/plain"),
        ("x-lower", "a"),
        ("X-UPPER", "b"),
        ("Set-Cookie", "a=1"),
        ("Set-Cookie", "b=2"),
        ("set-cookie", "c=3"),
        ("X-Latin", "caf\u00e9 \u00ff"),
        ("X-Tab", "a\tb"),
        ("X-Empty", ""),
        ("Date", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("Server", "the application"),
        ("ETag", '"abc"'),
        ("X!#$%&'*+-.^_`|~9", "token"),
        ("X-Long", "v" * 20_000),
    ]
    start_response("200 OK", fields)
    return [b"headers"]


def status(environ, start_response):
    line = parameters(environ)["line"]
    start_response(line, [] if line[:3] in ("204", "304") else TEXT)
    return [b""] if line[:3] in ("204", "304") else [line.encode("latin-1")]


def application(environ, start_response):
    name = environ["PATH_INFO"][1:].replace("-", "_")
    return globals()[name](environ, start_response)
