"""Answers in every way, with its request's body read, read in part, or not at all.

Proves that what is left of a body is never taken for a request: every byte of it
reads as requests for /never, and the journal says if one of those was carried out.

    /<answer>   one of ANSWERS; the parameter "take" says how many bytes are read
                before it, "late" how many after its first block
    /next       something small
    /never      what must never be called: the journal says that it was
"""

import io

from contract import note, parameters, plain

TEXT = ("Content-Type", "text/plain")


def take(environ, name):
    environ["wsgi.input"].read(int(parameters(environ).get(name, "0")))


def one_list(environ, start_response):
    return plain(start_response, "answer")


def declared(environ, start_response):
    start_response("200 OK", [TEXT, ("Content-Length", "6")])
    yield b"ans"
    take(environ, "late")
    yield b"wer"


def generator(environ, start_response):
    start_response("200 OK", [TEXT])
    yield b"ans"
    take(environ, "late")
    yield b"wer"


def write(environ, start_response):
    start_response("200 OK", [TEXT])(b"answer")
    take(environ, "late")
    return []


def no_content(environ, start_response):
    start_response("204 No Content", [])
    return []


def not_modified(environ, start_response):
    start_response("304 Not Modified", [])
    return []


def too_large(environ, start_response):
    return plain(start_response, "answer", "413 Content Too Large")


def file(environ, start_response):
    start_response("200 OK", [TEXT])
    return environ["wsgi.file_wrapper"](open(__file__, "rb"))


def like_file(environ, start_response):
    start_response("200 OK", [TEXT])
    return environ["wsgi.file_wrapper"](io.BytesIO(b"answer"))


def raises(environ, start_response):
    raise ValueError("before the answer")


def raises_late(environ, start_response):
    start_response("200 OK", [TEXT])
    yield b"ans"
    take(environ, "late")
    raise ValueError("in the middle of the answer")


ANSWERS = {
    "list": one_list,
    "declared": declared,
    "generator": generator,
    "write": write,
    "no-content": no_content,
    "not-modified": not_modified,
    "too-large": too_large,
    "file": file,
    "like-file": like_file,
    "raises": raises,
    "raises-late": raises_late,
}


def application(environ, start_response):
    path = environ["PATH_INFO"][1:]
    if path == "never":
        note(environ, "called")
    if path in ("next", "never"):
        return plain(start_response, path)
    take(environ, "take")
    return ANSWERS[path](environ, start_response)
