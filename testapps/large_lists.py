"""Answers with lists that are large as a whole. Proves that a worker gives back what
it took for them. By path:

    /few    a list of few large blocks, "size" bytes in all
    /many   a list of many small ones
    /small  the least there is
    /body   how many bytes the request's body has, which is read in one go
"""

from contract import parameters, plain

LARGE, SMALL = 1 << 20, 1000


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/small":
        return plain(start_response, "small")
    if path == "/body":
        return plain(start_response, len(environ["wsgi.input"].read()))
    size = int(parameters(environ)["size"])
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    if path == "/few":
        return [bytes(LARGE) for _ in range(size // LARGE)]
    return [bytes(SMALL) for _ in range(size // SMALL)]
