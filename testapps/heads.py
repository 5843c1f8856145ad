"""Streams, whether the request is GET or HEAD.

Proves that the head goes out at the first block for HEAD as well, and that nothing
more is asked of the application then: its iterator is stopped at the next block, and
write() raises once too much was written. The journal says how often the iterator got
past a block, how it was left, and what write() did. By path:

    /lockstep        a block, the gate, and blocks without end
    /empty-blocks    empty blocks, the gate, a block, and empty ones without end
    /endless         blocks without end
    /one             a single block, and what comes after it
    /declared        blocks, with a Content-Length
    /raises-first    an exception before the first block
    /raises          an exception after the first block
    /text            a str after the first block
    /write           write(), the gate, write() again
    /write-endless   write() without end
    /write-iterates  write(), then blocks without end
"""

from itertools import repeat

from contract import note, wait

TEXT = ("Content-Type", "text/plain")


def noted(environ, blocks):
    """Yield blocks, and note what became of each."""
    try:
        for block in blocks:
            yield block
            note(environ, "went on")
    except GeneratorExit:
        note(environ, "stopped")
        raise
    note(environ, "ended")


def lockstep(environ):
    yield b"block"
    wait(environ)
    yield from repeat(b"block")


def empty_blocks(environ):
    yield b""
    yield b""
    wait(environ)
    yield b"block"
    yield from repeat(b"")


def raises(before, after):
    yield from before
    raise after


ITERATORS = {
    "/lockstep": lockstep,
    "/empty-blocks": empty_blocks,
    "/endless": lambda environ: repeat(b"block"),
    "/one": lambda environ: iter([b"block"]),
    "/declared": lambda environ: iter([b"block", b"block"]),
    "/raises-first": lambda environ: raises([], ValueError("before the first block")),
    "/raises": lambda environ: raises([b"block"], ValueError("after the first block")),
    "/text": lambda environ: iter([b"block", "text"]),
}


def write_twice(environ, write):
    write(b"block")
    wait(environ)
    write(b"block")
    note(environ, "wrote")
    return []


def write_on(environ, write):
    try:
        for block in repeat(b"block" * 200):
            write(block)
    except OSError as error:
        note(environ, type(error).__name__)
        raise


def write_and_iterate(environ, write):
    write(b"block")
    return noted(environ, repeat(b"block"))


WRITERS = {"/write": write_twice, "/write-endless": write_on, "/write-iterates": write_and_iterate}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    write = start_response("200 OK", [TEXT, ("Content-Length", "10")] if path == "/declared" else [TEXT])
    if path == "/hello":
        return [b"hello"]
    if path in WRITERS:
        return WRITERS[path](environ, write)
    return noted(environ, ITERATORS[path](environ))
