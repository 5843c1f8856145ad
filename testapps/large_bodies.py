"""Takes and gives more than fits into memory.

Proves that the memory of a worker stays flat whatever passes through it, and that a
client which reads slowly holds no thread once a list is handed over. By path:

    /hash             size and SHA-256 of the request body
    /generator?size=  that many bytes, MIB of them a block
    /list?size=       the same as a list of blocks
    /endless          until the client leaves; the journal says when
    /hello            something small
"""

import hashlib

from contract import note, parameters, plain

MIB = bytes(range(256)) * 4096


def generate(size):
    while size > 0:
        yield MIB[:size]
        size -= len(MIB)


def endless(environ):
    try:
        while True:
            yield MIB
    finally:
        note(environ, "closed")


def application(environ, start_response):
    path, query = environ["PATH_INFO"], parameters(environ)
    if path == "/hash":
        digest, size = hashlib.sha256(), 0
        while block := environ["wsgi.input"].read(1 << 16):
            digest.update(block)
            size += len(block)
        return plain(start_response, f"{size} {digest.hexdigest()}")
    if path == "/hello":
        return plain(start_response, "hello")
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    if path == "/endless":
        return endless(environ)
    blocks = generate(int(query["size"]))
    return list(blocks) if path == "/list" else blocks
