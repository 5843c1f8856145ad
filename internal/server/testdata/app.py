"""Takes its time: /before seconds, then a block, then /after seconds; "/0/0.5".

/answer/<kind> answers at once, in one of the ways that there are."""

import io
import tempfile
import time


def blocks(after):
    yield b"begun\n"
    time.sleep(after)
    yield b"ended\n"


def file(environ, start_response, *headers):
    f = tempfile.TemporaryFile()
    f.write(b"0123456789" * 10_000)
    f.seek(7)
    start_response("200 OK", list(headers))
    return environ["wsgi.file_wrapper"](f)


def writes_file(environ, start_response):
    f = tempfile.TemporaryFile()
    f.write(b"file" * 25_000)
    f.seek(0)
    start_response("200 OK", [("Content-Length", "100007")])(b"written")
    return environ["wsgi.file_wrapper"](f)


def shrinks(environ, start_response):
    """A file that is shorter when it is sent than when it was looked at."""
    f = tempfile.NamedTemporaryFile()
    f.write(b"shrinks" * 10_000)
    f.seek(0)
    f.close = lambda: f.truncate(7)
    start_response("200 OK", [("Content-Length", "70000")])
    return environ["wsgi.file_wrapper"](f)


def no_content_file(environ, start_response):
    return file(environ, lambda _, fields: start_response("204 None", fields))


def raises_late(environ, start_response):
    start_response("200 OK", [])
    yield b"begun"
    raise ValueError("late")


def simple(status, headers, body):
    def application(environ, start_response):
        start_response(status, headers)
        return body() if callable(body) else body

    return application


def asked(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])

    def theirs(name, value):
        own_port = name in ("REMOTE_PORT", "SERVER_PORT") and int(value) > 1023
        return isinstance(value, str) and name != "gowsgi.request_id" and not own_port

    text = "".join(f"{name}={value}\n" for name, value in sorted(environ.items()) if theirs(name, value))
    return [text.encode("latin-1"), environ["wsgi.input"].read()]


def writes(environ, start_response):
    write = start_response("200 OK", [("Content-Length", "6")])
    write(b"abc")
    return [b"def"]


def hints(environ, start_response):
    environ["wsgi.early_hints"]([("Link", "</x>; rel=preload")])
    start_response("200 OK", [])
    return iter([b"hinted"])


ANSWERS = {
    "one": simple("200 OK", [("X-b", " 1 "), ("x-A", "2"), ("Set-Cookie", "b"), ("set-cookie", "a")], [b"hello"]),
    "none": simple("200 OK", [("Content-Type", "text/html")], []),
    "empty": simple("200 OK", [("Content-Length", "0")], [b""]),
    "several": simple("404 Gone Fishing", [], lambda: iter([b"a", b"", b"bc"])),
    "declared": simple("200 OK", [("Content-Length", "3")], lambda: iter([b"a", b"bc"])),
    "large": simple("200 OK", [], [b"large" * 300_000]),
    "large-blocks": simple("200 OK", [], lambda: iter([b"x" * 100_000, b"y" * 8_000, b"z" * 200_000])),
    "short": simple("200 OK", [("Content-Length", "30")], [b"short"]),
    "long": simple("200 OK", [("Content-Length", "3")], [b"longer"]),
    "no-content": simple("204 No Content", [], []),
    "not-modified": simple("304 Not Modified", [("ETag", '"x"')], []),
    "own-status": simple("599 Own", [], [b"own"]),
    "own-date": simple("200 OK", [("date", "yesterday")], [b"dated"]),
    "file": lambda environ, start_response: file(environ, start_response),
    "short-file": lambda environ, start_response: file(environ, start_response, ("Content-Length", "100")),
    "writes-file": writes_file,
    "shrinks": shrinks,
    "no-content-file": no_content_file,
    "no-file": lambda environ, start_response: environ["wsgi.file_wrapper"](io.BytesIO(b"x")),
    "raises": lambda environ, start_response: 1 / 0,
    "raises-late": raises_late,
    "asked": asked,
    "hop-by-hop": simple("200 OK", [("Keep-Alive", "x"), ("Connection", "keep-alive"), ("X-A", "b")], [b"hop"]),
    "closes": simple("200 OK", [("Connection", "close")], [b"closed"]),
    "medium": simple("200 OK", [], [b"medium" * 20_000]),
    "medium-declared": simple("200 OK", [("Content-Length", "90000")], lambda: iter([b"m" * 60_000, b"d" * 30_000])),
    "medium-blocks": simple("200 OK", [], lambda: iter([b"block" * 2_000] * 12)),
    "write": writes,
    "hints": hints,
    "names-file": simple(
        "200 OK", [("X-Accel-Redirect", "/files/page.txt"), ("X-A", "b")], lambda: iter([b"in", b"vain"])
    ),
    "names-nothing": simple("200 OK", [("X-Accel-Redirect", "/files/nothing")], [b"in vain"]),
    "names-outside": simple("200 OK", [("X-Sendfile", "/etc/passwd")], [b"in vain"]),
    "mixed": simple("200 OK", [], lambda: iter([b"", b"a" * 40_000, b"b", b"c" * 200_000, b"d"])),
}


def application(environ, start_response):
    before, after = environ["PATH_INFO"].strip("/").split("/")
    if before == "answer":
        return ANSWERS[after](environ, start_response)
    time.sleep(float(before))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return blocks(float(after))
