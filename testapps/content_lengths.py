"""Declares one length and sends another, and fails on the way: the matrix of Waitress.

Proves, for each combination, that a response is complete or visibly is not. The body
is "0123456789" in two blocks. The parameters:

    kind      list, generator or write
    declared  Content-Length, "" for none
    error     none
              before  in the call, before start_response
              after   in the call or the iteration, after start_response, before a block
              in      between the two blocks; in a list, the second one is none
"""

from contract import parameters

BLOCKS = [b"01234", b"56789"]


def fail():
    raise RuntimeError("deliberate")


def generate(error):
    if error == "after":
        fail()
    yield BLOCKS[0]
    if error == "in":
        fail()
    yield BLOCKS[1]


def application(environ, start_response):
    query = parameters(environ)
    kind, error = query["kind"], query["error"]
    if error == "before":
        fail()
    headers = [("Content-Type", "text/plain")]
    if query["declared"]:
        headers.append(("Content-Length", query["declared"]))
    write = start_response("200 OK", headers)
    if kind == "generator":
        return generate(error)
    if error == "after":
        fail()
    if kind == "list":
        return [BLOCKS[0], None] if error == "in" else BLOCKS
    write(BLOCKS[0])
    if error == "in":
        fail()
    write(BLOCKS[1])
    return []
