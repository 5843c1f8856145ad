"""Threads of the application that go on with what belonged to a request that has
ended. Nothing that they do may reach another one."""

import contextlib
import os
import random
import threading

ENDED = "belongs to a request that has ended"

strays = []


def start(target, *args):
    thread = threading.Thread(target=target, args=args)
    strays.append(thread)
    thread.start()
    return thread


def join(environ, start_response):
    """Waits for them all."""
    while strays:
        strays.pop().join()
    start_response("200 OK", [])
    return []


def until_ended(use):
    """Does something again and again until the request has ended."""
    try:
        while True:
            use()
    except RuntimeError as error:
        assert ENDED in str(error), error


def writer(environ, start_response):
    """Ends while a thread waits, in write(), for a client that takes nothing."""
    write = start_response("200 OK", [])
    size = int(environ["QUERY_STRING"])
    written = 0

    def write_on():
        nonlocal written
        write(b"SECRET " * 10_000)
        written += 70_000

    start(until_ended, write_on)
    while written < size:
        os.sched_yield()
    return []


class Loud(bytes):
    """Has something to say when it is freed."""

    def __del__(self):
        if not freed.is_set():
            freed.set()
            beside.wait()


freed, beside = threading.Event(), threading.Event()


def loud_writer(environ, start_response):
    """Ends while a thread frees, within write(), a block that was sent."""
    freed.clear()
    beside.clear()
    write = start_response("200 OK", [])

    def write_on():
        while not freed.is_set():
            write(Loud(b"SECRET " * 10_000))

    start(write_on)
    freed.wait()
    return []


def slow(environ, start_response):
    """Has a few blocks of its own, and lets strays go on before and in between."""
    beside.set()
    start_response("200 OK", [])
    for _ in range(20):
        os.sched_yield()
        yield b"mine "


class Slow(str):
    """The name of a header field that takes long to be shown: until its request has
    ended, and the next one is there."""

    def __repr__(self):
        freed.set()
        beside.wait()
        return "slow"


def starter(environ, start_response):
    """Ends while a thread is in start_response()."""
    freed.clear()
    beside.clear()

    def start_late():
        with contextlib.suppress(ValueError):
            start_response("500 SECRET", [("Secret", "SECRET"), (Slow("no name"), "")])

    start(start_late)
    freed.wait()
    return []


def careless(environ, start_response):
    """Leaves threads behind that use everything it had, in all ways."""
    write, stream, errors = start_response("200 OK", []), environ["wsgi.input"], environ["wsgi.errors"]
    number = int(environ["QUERY_STRING"])
    uses = [
        lambda: write(b"SECRET "),
        lambda: write(b"SECRET " * 10_000),
        lambda: stream.read(random.randrange(100)),
        lambda: stream.readline(),
        lambda: stream.readlines(20),
        lambda: list(stream),
        lambda: errors.write(f"late {number}\n"),
        lambda: errors.write("late"),
        lambda: start_response("500 SECRET", [("Secret", "SECRET")], (None, ValueError(), None)),
    ]

    def stray():
        while True:
            with contextlib.suppress(ValueError, OSError):
                random.choice(uses)()

    start(until_ended, stray)
    if number % 2:
        stream.read(10)
    for _ in range(number % 10):
        os.sched_yield()
    return []


def sums(environ, start_response):
    """Reads its body in pieces, and answers with what it was."""
    start_response("200 OK", [])
    while piece := environ["wsgi.input"].read(random.randrange(1, 3000)):
        yield piece


def half_line(environ, start_response):
    """Leaves the beginning of a line, and a thread that adds to it when the server
    logs that."""
    pipe = int(environ["QUERY_STRING"])
    errors = [environ["wsgi.errors"]]
    errors[0].write("the end of a request")

    def add():
        os.read(pipe, 1)
        try:
            errors.pop().write("late ")
        except RuntimeError as error:
            assert ENDED in str(error), error
        print("added")

    start(add)
    start_response("200 OK", [])
    return []


def errors_on(environ, start_response):
    """Leaves a thread behind that says to wsgi.errors which request it is of."""
    errors, number = environ["wsgi.errors"], environ["QUERY_STRING"]
    start(until_ended, lambda: errors.write(f"of {number}\n"))
    start_response("200 OK", [])
    return []


def never(environ, start_response):
    """Does not touch its body."""
    start_response("200 OK", [])
    return []


def byte(environ, start_response):
    """Reads one byte of it."""
    start_response("200 OK", [])
    return [environ["wsgi.input"].read(1)]


def long_list(environ, start_response):
    start_response("200 OK", [])
    return [b"x" * 10_000] * 300


class Shown:
    """Has something done when it is shown in an error."""

    def __init__(self, do):
        self.do = do

    def __repr__(self):
        self.do()
        return "shown"


def head_again(environ, start_response):
    """Begin the response while start_response is being called."""

    def begin():
        start_response("200 OK", [(f"X-{i}", "v" * 500) for i in range(50)])(b"begun")

    with contextlib.suppress(TypeError):
        start_response("500 Oops", [("A", "b"), ("X-Bad", Shown(begin))])
    try:
        start_response("201 Created", [])
    except AssertionError:
        return []
    return [b"anew"]


class Freed:
    """Has something done when it is freed."""

    def __init__(self, do):
        self.do = do

    def __del__(self):
        self.do()


def head_when_freed(environ, start_response):
    """Ring for Go, and want another head, once the response's list is there."""
    early_hints = environ["wsgi.early_hints"]

    def again():
        for _ in range(30):
            early_hints([("Link", "x")])
            with contextlib.suppress(ValueError):
                start_response("500 Oops", [(f"Y-{i}", "w" * 500) for i in range(50)], (ValueError, ValueError(), None))

    environ["freed"] = Freed(again)
    start_response("200 OK", [(f"X-{i}", "v" * 500) for i in range(50)])
    return [b"body"]
