"""Returns every kind of body.

Proves that each block goes out before the next one is asked for, that empty blocks
neither end the response nor get lost, that a body whose length can be known gets a
Content-Length, and that HEAD, 204 and 304 have no body. By path:

    /list /tuple /empty /one      length known
    /generator /iterator /getitem length unknown
    /empty-blocks                 only some blocks hold anything
    /subclass                     blocks of a class derived from bytes
    /lockstep /lockstep-write     waits at the gate after each block
    /no-content /not-modified     204 and 304, with a body all the same if body=
    /declared                     a generator with Content-Length
    /empty-generator              nothing at all
    /many                         n small blocks
"""

from contract import parameters, wait

TEXT = [("Content-Type", "text/plain")]


class Bytes(bytes):
    """Not exactly bytes."""


class Sequence:
    """Iterable in the way of old."""

    def __getitem__(self, index):
        return [b"get", b"item"][index]


def lockstep(environ):
    for i in range(3):
        yield b"block %d\n" % i
        wait(environ)


def lockstep_write(environ, write):
    for i in range(3):
        write(b"block %d\n" % i)
        wait(environ)
    return []


def empty_blocks():
    yield b""
    yield b"a"
    yield b""
    yield b""
    yield b"b"
    yield b""


def without_body(status, environ, start_response):
    start_response(status, [("ETag", '"tag"')])
    return [b"a body that must not be sent"] if "body" in parameters(environ) else []


def application(environ, start_response):
    path = environ["PATH_INFO"][1:]
    if path == "no-content":
        return without_body("204 No Content", environ, start_response)
    if path == "not-modified":
        return without_body("304 Not Modified", environ, start_response)
    headers = [*TEXT, ("Content-Length", "8")] if path == "declared" else TEXT
    write = start_response("200 OK", headers)
    if path == "lockstep":
        return lockstep(environ)
    if path == "lockstep-write":
        return lockstep_write(environ, write)
    if path == "many":
        return (b"%d\n" % i for i in range(int(parameters(environ)["n"])))
    return {
        "list": [b"one ", b"two ", b"three"],
        "tuple": (b"one ", b"two"),
        "empty": [],
        "one": [b"one"],
        "generator": (block for block in (b"gene", b"rator")),
        "iterator": iter([b"iter", b"ator"]),
        "getitem": Sequence(),
        "empty-blocks": empty_blocks(),
        "subclass": [Bytes(b"sub"), Bytes(b"class")],
        "declared": (block for block in (b"decl", b"ared")),
        "empty-generator": (block for block in ()),
    }[path]
