"""Answers in ways that a server is tempted to improve.

Proves that a response goes out as the application has it. By path:

    /worded   a reason phrase of its own, fields in its order and spelling
    /silent   no reason phrase
    /304      a Content-Type, and a body that must not go out
    /205      a body that must not go out
    /dated    a Date of its own
    /raises   a block, then an exception
    /early    an exception after the first, empty block
    /short    less than its Content-Length
    /nothing  200 without a body or a length
"""

from contract import plain


def broken(start_response, blocks, **fields):
    start_response("200 OK", [("Content-Type", "text/plain"), *fields.items()])
    yield from blocks
    raise RuntimeError("on purpose")


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/worded":
        start_response(
            "200 Very W\xe9ll",
            [("x-b", "1"), ("X-A", "2"), ("x-B", "3"), ("content-type", "text/plain"), ("Content-Length", "2")],
        )
        return [b"ok"]
    if path == "/silent":
        start_response("299 ", [("Content-Length", "2")])
        return [b"ok"]
    if path == "/304":
        start_response("304 Not Modified", [("Content-Type", "text/html"), ("ETag", '"x"')])
        return [b"gone"]
    if path == "/205":
        start_response("205 Reset Content", [("Content-Type", "text/html")])
        return [b"gone"]
    if path == "/dated":
        start_response("200 OK", [("Date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Content-Length", "0")])
        return []
    if path == "/raises":
        return broken(start_response, [b"some"])
    if path == "/early":
        return broken(start_response, [b""])
    if path == "/short":
        start_response("200 OK", [("Content-Length", "10")])
        return iter([b"some"])
    if path == "/nothing":
        start_response("200 OK", [])
        return []
    return plain(start_response, "hello")
