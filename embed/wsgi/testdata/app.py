"""What wsgi_test.go asks for, by path."""

import threading
import time

left = threading.Event()


def application(environ, start_response):
    path = environ["PATH_INFO"]
    headers = [("Content-Type", "text/plain"), ("x-Own", "spelling")]
    if path == "/echo":
        body = environ["wsgi.input"].read()
        start_response("200 OK", headers)
        return [body]
    if path == "/lines":
        start_response("200 OK", headers)
        return (line for line in environ["wsgi.input"])
    if path == "/first":  # answers before it reads
        start_response("200 OK", headers)
        return first(environ["wsgi.input"])
    if path == "/raises":
        start_response("200 OK", headers)
        return raises()
    if path == "/silent":
        while True:  # in steps, so that RequestTimeout gets in
            time.sleep(0.01)
    if path == "/hints":
        environ["wsgi.early_hints"]([("Link", "</style.css>")])
    if path == "/endless":
        start_response("200 OK", headers)
        return endless()
    if path == "/left":
        start_response("200 OK", headers)
        return [str(left.wait(20)).encode()]
    text = "{REQUEST_METHOD} {SCRIPT_NAME} {PATH_INFO} {SERVER_PROTOCOL} {REMOTE_ADDR}".format(**environ)
    start_response("200 Reason", headers)
    return [text.encode()]


def first(stream):
    yield b"first\n"
    yield str(len(stream.read())).encode()


def raises():
    yield b"some"
    raise RuntimeError("on purpose")


class endless:
    def __iter__(self):
        return self

    def __next__(self):
        return b"x" * 10_000

    def close(self):
        left.set()
