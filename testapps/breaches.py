"""Breaks the contract in one way for each name in SINS.

Proves that each of them is a 500 for the client and a record in the log that names
the breach and the request, and that the server goes on as if nothing had happened.

    /                   the names, one a line
    /<sin>              commits it
"""

import sys

from contract import plain

TEXT = ("Content-Type", "text/plain")


def starts(status="200 OK", headers=(TEXT,), *more):
    """Return an application that calls start_response so."""

    def application(environ, start_response):
        start_response(status, list(headers) if isinstance(headers, tuple) else headers, *more)
        return [b"this must not be seen"]

    return application


def header(name, value):
    """Return an application with that response header."""
    return starts("200 OK", [TEXT, (name, value)])


def returns(result):
    """Return an application that returns that."""

    def application(environ, start_response):
        start_response("200 OK", [TEXT])
        return result

    return application


def silent(result):
    """Return an application that never calls start_response."""

    def application(environ, start_response):
        return result

    return application


def writes(*args):
    """Return an application that calls write() so."""

    def application(environ, start_response):
        start_response("200 OK", [TEXT])(*args)
        return []

    return application


def yields(*blocks):
    """Return an application that yields that."""

    def application(environ, start_response):
        start_response("200 OK", [TEXT])
        yield from blocks

    return application


def twice(environ, start_response):
    start_response("200 OK", [TEXT])
    start_response("201 Created", [TEXT])
    return [b"this must not be seen"]


def late(environ, start_response):
    yield b"this must not be seen"
    start_response("200 OK", [TEXT])


def called_with(*args, **kwargs):
    """Return an application that calls start_response with these arguments."""

    def application(environ, start_response):
        start_response(*args, **kwargs)
        return [b"this must not be seen"]

    return application


class WithoutClose:
    """An iterable whose close is no function."""

    close = 5

    def __iter__(self):
        raise ValueError("no iterator from this one")


SINS = {
    "status-bytes": starts(b"200 OK"),
    "status-int": starts(200),
    "status-none": starts(None),
    "status-without-reason": starts("200"),
    "status-without-space": starts("200OK"),
    "status-without-code": starts("OK"),
    "status-two-digits": starts("20 OK"),
    "status-four-digits": starts("2000 OK"),
    "status-letters": starts("abc OK"),
    "status-interim": starts("100 Continue"),
    "status-low": starts("099 Low"),
    "status-empty": starts(""),
    "status-crlf": starts("200 OK\r\nX-Injected: yes"),
    "status-lf": starts("200 OK\n"),
    "status-nul": starts("200 O\0K"),
    "status-unicode": starts("200 \u2603"),
    "status-unicode-digits": starts("\u0662\u0660\u0660 OK"),
    "headers-none": starts("200 OK", None),
    "headers-dict": starts("200 OK", {"Content-Type": "text/plain"}),
    "headers-generator": starts("200 OK", iter([TEXT])),
    "headers-of-lists": starts("200 OK", [["Content-Type", "text/plain"]]),
    "headers-of-strings": starts("200 OK", ["Content-Type: text/plain"]),
    "headers-of-triples": starts("200 OK", [("Content-Type", "text/plain", "more")]),
    "headers-of-none": starts("200 OK", [None]),
    "name-bytes": header(b"X-Name", "value"),
    "name-int": header(5, "value"),
    "name-empty": header("", "value"),
    "name-colon": header("X-Name:", "value"),
    "name-space": header("X Name", "value"),
    "name-crlf": header("X-Name\r\nX-Injected", "value"),
    "name-latin1": header("X-N\u00e4me", "value"),
    "name-unicode": header("X-\u2603", "value"),
    "name-nul": header("X-Name\0", "value"),
    "value-bytes": header("X-Name", b"value"),
    "value-int": header("X-Name", 5),
    "value-none": header("X-Name", None),
    "value-cr": header("X-Name", "a\rb"),
    "value-lf": header("X-Name", "a\nb"),
    "value-crlf": header("X-Name", "value\r\nX-Injected: yes"),
    "value-folded": header("X-Name", "value\r\n folded"),
    "value-nul": header("X-Name", "a\0b"),
    "value-del": header("X-Name", "a\x7fb"),
    "value-unicode": header("X-Name", "\u2603"),
    "length-text": header("Content-Length", "many"),
    "length-negative": header("Content-Length", "-1"),
    "length-plus": header("Content-Length", "+5"),
    "length-fraction": header("Content-Length", "5.0"),
    "length-empty": header("Content-Length", ""),
    "length-huge": header("Content-Length", "9" * 40),
    "length-two": starts("200 OK", [TEXT, ("Content-Length", "5"), ("Content-Length", "6")]),
    "called-twice": twice,
    "called-without-headers": called_with("200 OK"),
    "called-with-nothing": called_with(),
    "called-with-four": called_with("200 OK", [TEXT], None, None),
    "called-with-unknown-name": called_with("200 OK", [TEXT], nonsense=5),
    "exc-info-text": starts("200 OK", (TEXT,), "an error"),
    "exc-info-pair": starts("200 OK", (TEXT,), (ValueError, ValueError("x"))),
    "never-called": silent([b"this must not be seen"]),
    "never-called-empty": silent([]),
    "never-called-tuple": silent(()),
    "never-called-iterator": silent(iter([])),
    "called-after-output": late,
    "returns-none": returns(None),
    "returns-none-silent": silent(None),
    "returns-int": returns(5),
    "returns-str": returns("this must not be seen"),
    "returns-bytes": returns(b"this must not be seen"),
    "returns-function": returns(starts),
    "returns-broken-iterable": returns(WithoutClose()),
    "list-of-str": returns(["this must not be seen"]),
    "list-of-none": returns([None]),
    "list-of-int": returns([5]),
    "list-of-bytearray": returns([bytearray(b"this must not be seen")]),
    "list-of-memoryview": returns([memoryview(b"this must not be seen")]),
    "list-bytes-then-str": returns([b"this must not be seen", "text"]),
    "yields-str": yields("this must not be seen"),
    "yields-none": yields(None),
    "yields-list": yields([b"this must not be seen"]),
    "write-str": writes("this must not be seen"),
    "write-none": writes(None),
    "write-list": writes([b"this must not be seen"]),
    "write-nothing": writes(),
    "write-two": writes(b"this must not be seen", b"either"),
}


def application(environ, start_response):
    sin = environ["PATH_INFO"][1:]
    if not sin:
        return plain(start_response, "\n".join(SINS))
    print("sinning:", sin, file=sys.stdout)
    return SINS[sin](environ, start_response)
