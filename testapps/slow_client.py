"""Makes a large response for a client that is slow to take it.

Proves what is seen of a slow client (docs/when-it-is-slow.md). By path:

    /hello     something small
    /export    64 MiB, in blocks of 64 KiB
"""

from contract import plain

BLOCK = b"x" * 65536


def rows():
    for _ in range(1024):
        yield BLOCK


def application(environ, start_response):
    if environ["PATH_INFO"] == "/export":
        start_response("200 OK", [("Content-Type", "text/csv")])
        return rows()
    return plain(start_response, "hello")
