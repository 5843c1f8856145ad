"""Raises, in every place and of every kind.

Proves that an exception before the headers is a 500, one after them ends the
connection, both are logged once, with the traceback, the method and the URI, and that
SystemExit and KeyboardInterrupt of an application are exceptions like any other. The
parameters:

    what   the exception: ValueError, SystemExit, KeyboardInterrupt, …
    where  call     in the call, before start_response
           started  in the call, after it
           write    in the call, after write() of a block
           first    in the iteration, before the first block
           block    in the iteration, after a block
           close    in close(), after everything went out
           list     in close() of a list with blocks
    gate   wait there before raising
"""

import builtins

from contract import note, parameters, wait


class OwnError(BaseException):
    """Not even an Exception."""


class UnprintableError(Exception):
    """Has no text."""

    def __str__(self):
        raise RuntimeError("no text")


def fail(environ):
    query = parameters(environ)
    if "gate" in query:
        wait(environ)
    name = query["what"]
    kind = globals().get(name) or getattr(builtins, name)
    raise kind(f"deliberate {query.get('id')}")


def start(start_response):
    return start_response("200 OK", [("Content-Type", "text/plain")])


class Blocks:
    """A block that may be the last of its kind."""

    def __init__(self, environ, where):
        self.environ, self.where, self.count = environ, where, 0

    def __iter__(self):
        return self

    def __next__(self):
        self.count += 1
        if (self.where, self.count) in {("first", 1), ("block", 2)}:
            fail(self.environ)
        if self.count > 2:
            raise StopIteration
        return b"a block\n"

    def close(self):
        note(self.environ, "closed")
        if self.where == "close":
            fail(self.environ)


class List(list):
    """A list with a close()."""

    def close(self):
        note(self.environ, "closed")
        fail(self.environ)


def application(environ, start_response):
    where = parameters(environ)["where"]
    if where == "call":
        fail(environ)
    write = start(start_response)
    if where == "write":
        write(b"a block\n")
    if where in ("started", "write"):
        fail(environ)
    if where == "list":
        blocks = List([b"a block\n"])
        blocks.environ = environ
        return blocks
    return Blocks(environ, where)
