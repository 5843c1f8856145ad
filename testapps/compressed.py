"""Answers that gowsgi may compress on their way.

Proves that a client gets every byte of them, encoded as it likes or not at all, in time
and with the right fields, and that one which is not whole does not pass for whole. By
path, "size" bytes each, of text that becomes small or, with "noise", of one that does
not:

    /list      a list
    /blocks    an iterator; the journal says when it was closed
    /write     write()
    /file      a file, through wsgi.file_wrapper; with "behind" from its middle on
    /steps     three blocks, each after the first once the gate lets it through
    /short     an iterator, which is a byte shorter than the Content-Length
    /raises    an iterator, which raises in the middle
    /early     it raises after start_response, before the first block
    /none      no body, and whatever "status" says

"declared" adds a Content-Length, "type" has another type than text/html, and each "field"
is one more field of the response, as NAME:VALUE.
"""

import functools
import hashlib
import os
import pathlib
from urllib.parse import parse_qsl

from contract import note, parameters, wait

FOLDER = pathlib.Path(os.environ.get("DATA", "."))


@functools.lru_cache
def text(size, noise):
    """Return so many bytes, the same each time."""
    if not noise:
        return (b"<p>a line of text, and the next one as well</p>\n" * (size // 40 + 1))[:size]
    return b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(size // 32 + 1))[:size]


def blocks(environ, body):
    try:
        for at in range(0, len(body), 40_000):
            yield body[at : at + 40_000]
    finally:
        note(environ, "closed")


def steps(environ):
    yield b"block 0\n"
    for n in range(1, 3):
        wait(environ)
        yield b"block %d\n" % n


def raises(environ, body):
    yield body[: len(body) // 2]
    if "gate" in parameters(environ):
        wait(environ)
    raise ValueError("in the middle")


def sent_file(environ, name, body, behind):
    path = FOLDER / name
    if not path.exists():
        other = path.with_suffix(f".{os.getpid()}.{id(environ)}")
        other.write_bytes(body)
        other.rename(path)
    file = open(path, "rb")
    if behind:
        file.seek(len(body) // 2)
    return environ["wsgi.file_wrapper"](file)


def application(environ, start_response):
    asked = parameters(environ)
    way = environ["PATH_INFO"]
    size = int(asked.get("size", 0))
    body = text(size, "noise" in asked)
    fields = [("Content-Type", asked.get("type", "text/html; charset=utf-8"))]
    fields += [tuple(value.split(":", 1)) for name, value in parse_qsl(environ["QUERY_STRING"]) if name == "field"]
    if "declared" in asked or way == "/short":
        fields.append(("Content-Length", str(size)))
    write = start_response(asked.get("status", "200 OK"), fields)
    if way == "/blocks":
        return blocks(environ, body)
    if way == "/write":
        for at in range(0, size, 40_000):
            write(body[at : at + 40_000])
        return []
    if way == "/file":
        return sent_file(environ, f"{size}{'noise' in asked}", body, "behind" in asked)
    if way == "/steps":
        return steps(environ)
    if way == "/short":
        return blocks(environ, body[:-1])
    if way == "/raises":
        return raises(environ, body)
    if way == "/early":
        raise ValueError("before the first block")
    if way == "/none":
        return []
    note(environ, "closed")
    return [body[at : at + 100_000] for at in range(0, size, 100_000)]
