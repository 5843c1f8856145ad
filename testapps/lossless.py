"""Answers so that a client can tell the right answer from any other.

Proves, with the clients of internal/e2e/load, that no request is lost. An answer is a
line of five fields: the parameter "id" of the query, the application's edition, the
process id, length and CRC-32 of the request's body. With "blocks" in the query, so many
more lines follow as a stream: the id, and a number from 0. "pause" is how many seconds
the application waits before each block, or before an answer without any.
"""

import os
import time
import zlib
from urllib.parse import parse_qsl


def answer(environ, start_response, edition="0"):
    """Be the application, in that edition."""
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    key, blocks, pause = query["id"], int(query["blocks"]), float(query["pause"])
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    head = b"%s %s %d %d %08x\n" % (key.encode(), edition.encode(), os.getpid(), len(body), zlib.crc32(body))
    if blocks:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return stream(head, key.encode(), blocks, pause)
    if pause:
        time.sleep(pause)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(head)))])
    return [head]


def stream(head, key, blocks, pause):
    yield head
    for i in range(blocks):
        time.sleep(pause)
        yield b"%s %d\n" % (key, i)


def application(environ, start_response):
    return answer(environ, start_response)
