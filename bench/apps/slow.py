"""Takes and gives bodies that slow clients send and take.

/hello     14 bytes
/upload    reads the body
/download  50 MB from a generator
/finished  how many of either have been read or produced
"""

import itertools

BLOCK = b"x" * 50_000
finished, read = itertools.count(), {"now": 0}


def blocks():
    for _ in range(1000):
        yield BLOCK
    read["now"] = next(finished) + 1


def application(environ, start_response):
    path = environ["PATH_INFO"]
    body = b"Hello, World!\n"
    if path == "/upload":
        while environ["wsgi.input"].read(1 << 16):
            pass
        read["now"] = next(finished) + 1
    elif path == "/finished":
        body = b"%d" % read["now"]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return blocks() if path == "/download" else [body]
