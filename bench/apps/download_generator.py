"""10 MB as a generator of 64 KiB blocks."""

SIZE = 10_000_000
BLOCK = bytes(65536)


def blocks():
    left = SIZE
    while left > 0:
        yield BLOCK if left >= len(BLOCK) else BLOCK[:left]
        left -= len(BLOCK)


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(SIZE))])
    return blocks()
