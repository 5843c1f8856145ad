"""Calls everything that the server gives to applications with what it does not expect."""

import contextlib
import copy
import faulthandler
import io
import itertools
import pickle
import signal
import sys

import gowsgi


class Hostile:
    """Raises whatever it is asked for."""

    __slots__ = ()

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __index__(self):
        raise RuntimeError("index")

    def __str__(self):
        raise RuntimeError("str")

    def __bool__(self):
        raise RuntimeError("bool")

    def __eq__(self, other):
        raise RuntimeError("eq")

    def __hash__(self):
        raise RuntimeError("hash")

    def __iter__(self):
        raise RuntimeError("iter")

    def __len__(self):
        return -1


class Text(str):
    """A str, but not quite."""

    __slots__ = ()  # no place for what logging would remember

    def encode(self, *args):
        raise RuntimeError("encode")


ODD = [5, -1, 2**70, None, "", "\udcff", b"", b"x", [], [5], [(1, 2)], {}, object]
ODD += [Hostile(), Hostile, Text("x"), iter([Hostile()])]
# They would take away what other requests need.
SPARED = {"close", "detach", "__exit__", "__del__", "__class__"}


def arguments():
    yield (), {}
    for odd in ODD:
        yield (odd,), {}
        yield (), {"x": odd}
        yield (odd,), {"signalnum": odd, "handler": odd, "file": odd, "filelike": odd, "blksize": odd}
    for pair in itertools.product(ODD, repeat=2):
        yield pair, {}
    for odd in ODD:
        yield (odd,) * 3, {}
        yield (odd,) * 4, {}


def targets(environ, start_response, write):
    wrapper = environ["wsgi.file_wrapper"]
    handler = gowsgi.LogHandler()
    objects = [
        gowsgi, gowsgi.RequestTimeout, gowsgi.RequestTimeout(), gowsgi.LogHandler, handler, start_response, write,
        environ["wsgi.input"], environ["wsgi.errors"], wrapper, wrapper(io.BytesIO(b"x")), wrapper.__new__(wrapper),
        sys.stdout.buffer, sys.stderr.buffer, signal.signal, faulthandler.enable,
    ]  # fmt: skip
    for target in [*objects, *(type(target) for target in objects[5:])]:
        yield target
        for name in dir(target):
            if name in SPARED:
                continue
            with contextlib.suppress(BaseException):
                yield getattr(target, name)
    for target in objects[5:]:
        for copier in (copy.copy, copy.deepcopy, pickle.dumps, iter, next, len, hash, repr, bool, dir, vars, sorted):
            yield lambda *args, copier=copier, target=target: copier(target)
        yield lambda *args, target=target: object.__new__(type(target))


def odd(environ, start_response):
    start_response("200 OK", [])  # it is replaced again and again
    write = start_response("200 OK", [], (None, None, None))
    calls = 0
    for target in targets(environ, start_response, write):
        for args, kwargs in arguments():
            with contextlib.suppress(BaseException):
                target(*args, **kwargs)
            calls += 1
    faulthandler.disable()
    sys.stdout.flush()
    return [b"%d" % (calls > 10000)]
