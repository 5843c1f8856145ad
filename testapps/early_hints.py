"""Gives hints before it answers.

Proves that each call of environ["wsgi.early_hints"] is a response with status 103 of
its own, sent at once; that its fields are checked as those of start_response are; and
that a call that comes too late is for nothing. By path:

    /gate        two calls, the gate after each, then the answer; "stream" makes it a
                 generator whose first block comes after the gate, too
    /late        after the first block
    /bad         the breach that the parameter "sin" names; the answer is the exception
    /ignored     fields that an interim response cannot have, and none at all
    /iterable    a generator of fields
    /raises      the iterable that it is given raises
    /outlived    a thread of its own makes the fields, until the request is over
    /flood       more than anybody takes
    /write       between two calls of write()
    /answers     nothing but the answer
"""

import threading

from contract import note, parameters, plain, wait

STYLE = ("Link", "</style.css>; rel=preload; as=style")
SCRIPT = ("Link", "</script.js>; rel=preload; as=script")

SINS = {
    "text": "Link: </style.css>",
    "number": 5,
    "none": None,
    "triples": [("Link", "</style.css>", "more")],
    "bytes": [(b"Link", b"</style.css>")],
    "crlf": [("Link", "</style.css>\r\nX-Injected: yes")],
    "name": [("Link:", "</style.css>")],
    "unicode": [("Link", "\u2603")],
    "second": [STYLE, ("Link", "\0")],
}


def gate(environ, start_response):
    hints = environ["wsgi.early_hints"]
    assert hints([STYLE, SCRIPT, ("X-Hint", "1")]) is None
    wait(environ)
    hints([SCRIPT])
    wait(environ)
    return plain(start_response, "answer")


def stream(environ, start_response):
    yield from gate(environ, start_response)
    wait(environ)
    yield b", and more"


def late(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"block"
    environ["wsgi.early_hints"]([STYLE])
    wait(environ)
    environ["wsgi.early_hints"]([STYLE])
    yield b", block"


def bad(environ, start_response):
    try:
        environ["wsgi.early_hints"](SINS[parameters(environ)["sin"]])
    except (TypeError, ValueError) as error:
        return plain(start_response, f"{type(error).__name__}: {error}")
    return plain(start_response, "nothing")


def ignored(environ, start_response):
    hints = environ["wsgi.early_hints"]
    hints([])
    hints([("Connection", "close"), ("Transfer-Encoding", "chunked"), ("Content-Length", "5")])
    return plain(start_response, "answer")


def iterable(environ, start_response):
    environ["wsgi.early_hints"](field for field in [STYLE, SCRIPT])
    return plain(start_response, "answer")


def raises(environ, start_response):
    environ["wsgi.early_hints"](1 // 0 for _ in range(2))
    return plain(start_response, "answer")


def flood(environ, start_response):
    for _ in range(20_000):
        environ["wsgi.early_hints"]([("X-Flood", "x" * 5000)])
    note(environ, "over")
    return plain(start_response, "answer")


def outlived(environ, start_response):
    hints, begun = environ["wsgi.early_hints"], threading.Event()

    def fields():
        begun.set()
        wait(environ)
        yield STYLE

    def give():
        try:
            hints(fields())
        except RuntimeError as error:
            note(environ, str(error))
        else:
            note(environ, "given")

    threading.Thread(target=give, daemon=True).start()
    begun.wait()
    return plain(start_response, "answer")


def write(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    environ["wsgi.early_hints"]([STYLE])  # nothing has gone out yet
    write(b"block")
    environ["wsgi.early_hints"]([SCRIPT])
    return []


def answers(environ, start_response):
    return plain(start_response, "answer")


def application(environ, start_response):
    path = environ["PATH_INFO"][1:]
    if path == "gate" and "stream" in parameters(environ):
        path = "stream"
    named = [gate, stream, late, bad, ignored, iterable, raises, outlived, flood, write, answers]
    return {function.__name__: function for function in named}[path](environ, start_response)
