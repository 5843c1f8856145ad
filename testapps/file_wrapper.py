"""Sends files through wsgi.file_wrapper, and things that only look like files.

Proves that the file is sent from where the reader stands, whole or up to
Content-Length, that what read() would change (gzip, text) is not sent as it lies on
the disk, and that the file is closed afterwards. $DATA holds data.bin and data.gz.
The parameters:

    kind    plain, unbuffered, update, temporary, named, spooled, memory, gzip, text,
            own (a class whose read() differs), iterable (nothing but read()), pipe
    read    read so many bytes first
    lines   read so many lines first
    seek    seek there first
    length  Content-Length
    block   the wrapper's block size
    use     return, iterate (yield the blocks), write (after write() of "head "),
            middleware (a class that passes iteration and close on)
    path    instead of data.bin

/closed?id= tells whether the file that was sent with that id is closed by now.
"""

import gzip
import io
import os
import pathlib
import shutil
import tempfile

from contract import parameters, plain

FOLDER = pathlib.Path(os.environ.get("DATA", "."))
sent = {}


class Own(io.FileIO):
    """Reads capitals."""

    def read(self, size=-1):
        return super().read(size).upper()


class Reader:
    """No file: it has read() and close() and nothing else."""

    def __init__(self, path):
        self.file = path.open("rb")
        self.closed = False

    def read(self, size):
        return self.file.read(size)

    def close(self):
        self.file.close()
        self.closed = True


class Middleware:
    """What a middleware returns."""

    def __init__(self, blocks):
        self.blocks = blocks

    def __iter__(self):
        return iter(self.blocks)

    def close(self):
        self.blocks.close()


def iterate(wrapped):
    try:
        for block in wrapped:  # noqa: UP028 - "yield from" would pass close() on
            yield block
    finally:
        wrapped.close()


def filled(target, path):
    """Copy the file into target and go back to its beginning."""
    with path.open("rb") as source:
        shutil.copyfileobj(source, target)
    target.seek(0)
    return target


def pipe(path):
    """Return the reading end of a pipe with the beginning of the file in it."""
    reading, writing = os.pipe()
    os.write(writing, path.read_bytes()[:1000])
    os.close(writing)
    return os.fdopen(reading, "rb")


KINDS = {
    "plain": lambda path: path.open("rb"),
    "unbuffered": lambda path: path.open("rb", buffering=0),
    "update": lambda path: path.open("r+b"),
    "temporary": lambda path: filled(tempfile.TemporaryFile(), path),
    "named": lambda path: filled(tempfile.NamedTemporaryFile(), path),
    "spooled": lambda path: filled(tempfile.SpooledTemporaryFile(10_000_000), path),
    "memory": lambda path: io.BytesIO(path.read_bytes()),
    "gzip": lambda path: gzip.open(path.with_suffix(".gz")),
    "text": lambda path: path.open(encoding="latin-1"),
    "own": Own,
    "iterable": Reader,
    "pipe": pipe,
}


def prepared(query):
    """Open the file and put the reader where it is to stand."""
    file = KINDS[query["kind"]](pathlib.Path(query.get("path", FOLDER / "data.bin")))
    for _ in range(int(query.get("lines", 0))):
        file.readline()
    if "read" in query:
        file.read(int(query["read"]))
    if "seek" in query:
        file.seek(int(query["seek"]))
    return file


def application(environ, start_response):
    query = parameters(environ)
    if environ["PATH_INFO"] == "/closed":
        return plain(start_response, sent.pop(query["id"]).closed)
    file = prepared(query)
    if "id" in query:
        sent[query["id"]] = file
    headers = [("Content-Type", "application/octet-stream")]
    if "length" in query:
        headers.append(("Content-Length", query["length"]))
    write = start_response(query.get("status", "200 OK"), headers)
    sizes = [int(query["block"])] if "block" in query else []
    wrapped = environ["wsgi.file_wrapper"](file, *sizes)
    use = query.get("use", "return")
    if use == "write":
        write(b"head ")
    if use == "iterate":
        return iterate(wrapped)
    return Middleware(wrapped) if use == "middleware" else wrapped
