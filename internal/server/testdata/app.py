"""Takes its time: /before seconds, then a block, then /after seconds; "0/0.5"."""

import time


def blocks(after):
    yield b"begun\n"
    time.sleep(after)
    yield b"ended\n"


def application(environ, start_response):
    before, after = environ["PATH_INFO"].strip("/").split("/")
    time.sleep(float(before))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return blocks(float(after))
