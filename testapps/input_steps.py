"""Reads wsgi.input step by step, beside an io.BytesIO that is known to be right.

Proves that read, readline, readlines, iteration, seek and tell do what a file's do,
never go past the body, and raise OSError when the client is gone. The parameters:

    do      the steps, with commas: read, read:5, readline, readline:3, readlines,
            readlines:20, next, list, tell, seek:4, seek:-3:2, seekable
    size    of the body; if given, the answer has what BytesIO did as well
    gate    wait there before the first step
    never   do not touch wsgi.input
"""

import hashlib
import io
import json

from contract import note, parameters, plain, wait


def body_of(size):
    """Return the body that the test sends as well: lines of growing length."""
    block = b"".join(b"%d:" % i + b"x" * i + b"\n" for i in range(60))
    return (block * (size // len(block) + 1))[:size]


def run(stream, step):
    """Do one step and return what came of it as JSON can show it."""
    name, *texts = step.split(":")
    numbers = [None if text == "None" else int(text) for text in texts]
    try:
        if name == "next":
            result = next(iter(stream), None)
        elif name == "list":
            result = list(stream)
        else:
            result = getattr(stream, name)(*numbers)
    except (OSError, ValueError) as error:
        return type(error).__name__
    return shown(result)


def shown(result):
    """Return bytes as text, or as size and hash if there are many of them."""
    if isinstance(result, list):
        return ["list", len(result), *map(shown, result[:50]), shown(b"".join(result))]
    if type(result) is not bytes:
        return result
    if len(result) < 500:
        return result.decode("latin-1")
    return f"{len(result)} bytes, sha256 {hashlib.sha256(result).hexdigest()}"


def application(environ, start_response):
    query = parameters(environ)
    if "gate" in query:
        note(environ, "called")
        wait(environ)
    if "never" in query:
        return plain(start_response, "did not read")
    steps = query["do"].split(",")
    answer = {"got": [run(environ["wsgi.input"], step) for step in steps]}
    if "size" in query:
        reference = io.BytesIO(body_of(int(query["size"])))
        answer["want"] = [run(reference, step) for step in steps]
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
