"""Gives early hints: in time, too late, and from threads that do not stop."""

import threading


def hints(environ, start_response):
    for i in range(3):
        environ["wsgi.early_hints"]([("Link", environ["HTTP_X_NAME"]), ("X-Number", str(i))])
    start_response("200 OK", [])
    return [b"hinted"]


def hint_stream(environ, start_response):
    start_response("200 OK", [])
    for _ in range(3):
        yield b"block"
        environ["wsgi.early_hints"]([("Link", "too late")])


def bad_hints(environ, start_response):
    environ["wsgi.early_hints"]([("Link", environ["HTTP_X_NAME"]), ("Link", "\r\n")])


def stray_hints(environ, start_response):
    """Answer, and leave a thread behind that gives hints until it is told not to."""
    early_hints = environ["wsgi.early_hints"]

    def give():
        try:
            while True:
                early_hints([("Link", environ["HTTP_X_NAME"])])
        except RuntimeError:
            pass

    threading.Thread(target=give).start()
    start_response("200 OK", [])
    return [b"left"]
