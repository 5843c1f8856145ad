"""The application of embed's own tests: does what the path says.

Proves, with the tests in Go: what is in the block arrives in the environ; any
arguments to start_response either pass or raise; nothing is left behind by
requests of any kind.
"""

import gc
import json
import sys
import threading

import bodies
import early
import forks
import strange
import strays
import stuck
import talk

listed_at_import = [thread.name for thread in threading.enumerate()]
profiled = set()


def profile(frame, event, arg):
    sys.setprofile(None)
    profiled.add(threading.get_ident())


threading.setprofile(profile)

SHAPES = [
    lambda status, name, value: (status, [(name, value)]),
    lambda status, name, value: (status.encode("latin-1"), [(name, value)]),
    lambda status, name, value: (status, ((name, value),)),
    lambda status, name, value: (status, [[name, value]]),
    lambda status, name, value: (status, [(name,)]),
    lambda status, name, value: (status, [(name, value.encode("latin-1"))]),
    lambda status, name, value: (status, [(name, value)] * 3, None),
    lambda status, name, value: (status, [(name, value)], (None, None, None)),
    lambda status, name, value: (status, [(name + "\u20ac", value)]),
    lambda status, name, value: (None, None),
    lambda status, name, value: (status,),
    lambda status, name, value: (status, [(name, value)], 1, 2),
]


class Closing:
    def __iter__(self):
        yield b"a" * 10
        yield b""
        yield b"b" * 100_000

    def close(self):
        pass


def environ_dump(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    plain = {key: value for key, value in environ.items() if type(value) is str}
    return [json.dumps(plain).encode()]


def arguments(environ, start_response):
    shape = SHAPES[int(environ["QUERY_STRING"]) % len(SHAPES)]
    write = start_response(*shape(environ["HTTP_STATUS"], environ["HTTP_NAME"], environ["HTTP_VALUE"]))
    write(b"written")
    return [b" and returned"]


def large_list(environ, start_response):
    start_response("200 OK", [])
    return [b"x" * 50_000, b"y" * 10, b"z" * 50_000]


def iterable(environ, start_response):
    start_response("200 OK", [])
    return Closing()


def echo(environ, start_response):
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


def lines(environ, start_response):
    start_response("200 OK", [])
    return [b"|".join(environ["wsgi.input"])]


def raising(environ, start_response):
    start_response("200 OK", [])
    yield b"before"
    raise ValueError("on purpose")


class Broken:
    def __iter__(self):
        return iter(None)


def broken(environ, start_response):
    start_response("200 OK", [])
    return Broken()


def odd_exc_info(environ, start_response):
    write = start_response("200 OK", [])
    write(b"begun")
    said = []
    for exc_info in ((None, ValueError("on purpose"), None), (ValueError, ValueError(), 5), (ValueError, 5, None)):
        try:
            start_response("500 Oops", [], exc_info)
        except Exception as error:
            said.append(f", {type(error).__name__}: {error}".encode())
    return said


def no_iterable(environ, start_response):
    start_response("200 OK", [])
    return 5


def not_started(environ, start_response):
    return []


def keeper(environ, start_response):
    """Keeps its objects, so that they expire; the last request's only."""
    keeper.kept = (environ, start_response, start_response("200 OK", []))
    return [b"kept"]


def errors(environ, start_response):
    print("line", file=environ["wsgi.errors"])
    environ["wsgi.errors"].write("no newline")
    start_response("200 OK", [])
    return [b"logged"]


def file(environ, start_response):
    start_response("200 OK", [])
    return environ["wsgi.file_wrapper"](open(__file__, "rb"))


def enrolled(environ, start_response):
    start_response("200 OK", [])
    listed = threading.current_thread() in threading.enumerate()
    return [f"{listed_at_import} {listed} {threading.get_ident() in profiled}".encode()]


def blocks(environ, start_response):
    keeper.kept = None
    gc.collect()
    start_response("200 OK", [])
    return [b"%d" % sys.getallocatedblocks()]


def application(environ, start_response):
    return known[environ["PATH_INFO"][1:]](environ, start_response)


known = {}
for module in (bodies, early, forks, strange, strays, stuck, talk):
    known |= vars(module)
known |= globals()
