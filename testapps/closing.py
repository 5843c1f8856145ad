"""Counts how often close() is called, and when.

Proves that close() of what an application returned is called always and once, after
the last block, however the request ends, and on the returned object itself rather
than on its iterator. The journal has a line "block" for each block that was asked for
and "closed" for each call of close(). The parameters:

    kind    generator, iterator, iterable, list, tuple
    blocks  how many; "endless" for more than any client takes
    size    of a block
    length  Content-Length
    status  the status line
    write   call write() first
    fail    raise when that block is asked for
    gate    wait there before block "at" (1 if not given)
"""

from contract import note, parameters, wait


class Blocks:
    """Iterator with close()."""

    def __init__(self, environ):
        self.environ, self.query, self.asked = environ, parameters(environ), 0
        blocks = self.query.get("blocks", "3")
        self.most = float("inf") if blocks == "endless" else int(blocks)

    def __iter__(self):
        return self

    def __next__(self):
        if self.asked >= self.most:
            raise StopIteration
        self.asked += 1
        if self.most < 100 or self.asked == 1:
            note(self.environ, "block")
        if "gate" in self.query and self.asked == int(self.query.get("at", "1")):
            wait(self.environ)
        if self.query.get("fail") == str(self.asked):
            raise ValueError("deliberate")
        return b"x" * int(self.query.get("size", "5"))

    def close(self):
        note(self.environ, "closed")


class Iterable:
    """Its iterator is another object, and has a close() of its own that nobody is to call."""

    def __init__(self, environ):
        self.environ = environ
        self.blocks = Blocks(environ)

    def __iter__(self):
        self.blocks.close = lambda: note(self.environ, "wrong close")
        return self.blocks

    def close(self):
        note(self.environ, "closed")


class ListOfBlocks(list):
    """A list with close()."""

    def close(self):
        note(self.environ, "closed")


class TupleOfBlocks(tuple):
    """A tuple with close()."""

    def close(self):
        note(self.environ, "closed")


def generator(environ):
    blocks = Blocks(environ)
    try:
        for block in blocks:  # noqa: UP028 - "yield from" would pass close() on
            yield block
    finally:
        blocks.close()


def whole(kind, environ):
    """Return a list or tuple that knows its request."""
    blocks = kind(Blocks(environ))
    blocks.environ = environ
    return blocks


KINDS = {
    "generator": generator,
    "iterator": Blocks,
    "iterable": Iterable,
    "list": lambda environ: whole(ListOfBlocks, environ),
    "tuple": lambda environ: whole(TupleOfBlocks, environ),
}


def application(environ, start_response):
    query = parameters(environ)
    status = query.get("status", "200 OK")
    headers = [] if status[:3] in ("204", "304") else [("Content-Type", "application/octet-stream")]
    if "length" in query:
        headers.append(("Content-Length", query["length"]))
    write = start_response(status, headers)
    if "write" in query:
        write(query["write"].encode())
    return KINDS[query["kind"]](environ)
