"""Requests that print, log and fork."""

import faulthandler
import logging
import os
import sys
import threading

import gowsgi


def answer(start_response, *blocks):
    start_response("200 OK", [])
    return list(blocks)


def prints(environ, start_response):
    print("to", "stdout")
    print("to stderr", file=sys.stderr)
    sys.stdout.write("one\ntwo\nbegun")
    sys.stdout.write(", ended\n")
    print()
    sys.stdout.buffer.write("b\u00fctes\n".encode())
    print("\udcff cannot be encoded")
    print("flushed", end="", flush=True)
    print("left over", end="")
    return answer(start_response)


def attributes(environ, start_response):
    found = [
        f"{s.fileno()} {s.isatty()} {s.encoding} {s.name} {s.writable()} {s.readable()} {s.closed}"
        for s in (sys.stdout, sys.stderr)
    ]
    return answer(start_response, "|".join(found).encode())


def many(environ, start_response):
    """Prints lines in pieces while other threads do the same."""
    for i in range(20):
        print(environ["QUERY_STRING"], i, end="")
        print(".", environ["QUERY_STRING"])
    return answer(start_response)


def thread(environ, start_response):
    """A thread that ends in the middle of a line."""
    t = threading.Thread(target=lambda: print("last words", end=""))
    t.start()
    t.join()
    return answer(start_response)


def fork(environ, start_response):
    """A forked child writes to the descriptors."""
    out, into = os.pipe()
    print("the parent's", end="")
    pid = os.fork()
    if pid == 0:
        try:
            os.dup2(into, 1)
            os.dup2(into, 2)
            print("printed")
            print("to stderr", file=sys.stderr)
            logging.getLogger("child").error("logged")
        finally:
            os._exit(0)
    os.close(into)
    with open(out, "rb") as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return answer(start_response, text)


def logs(environ, start_response):
    """Has no logging configuration."""
    log = logging.getLogger("shop.orders")
    log.info("too unimportant")
    log.warning("stock of %s is low", "tea")
    try:
        raise ValueError("on purpose")
    except ValueError:
        log.exception("lost an order")
    return answer(start_response)


def handler(environ, start_response):
    """Configures the server's handler."""
    log = logging.getLogger("configured")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    handler = gowsgi.LogHandler()
    handler.setFormatter(logging.Formatter("<%(message)s>"))
    log.addHandler(handler)
    log.debug("in detail")
    logging.raiseExceptions = True
    log.info("%d", "not a number")
    handler.setFormatter(None)
    log.warning("one\ntwo", extra={"user": "jo", "count": 3, "paid": None, "items": {"tea": [1.5]}})
    circle = []
    circle.append(circle)
    log.warning("odd", extra={"circle": circle, "nan": float("nan")})
    try:
        raise ValueError("on purpose")
    except ValueError:
        log.exception("three\nfour")
    log.removeHandler(handler)
    return answer(start_response)


class Proxy:
    """As Flask's: whatever wsgi.errors is now."""

    def __init__(self, environ):
        self.environ = environ

    def __getattr__(self, name):
        return getattr(self.environ["wsgi.errors"], name)


class Own(logging.Handler):
    """Writes in its own way."""

    def emit(self, record):
        self.errors.writelines([self.format(record), "\n"])


def streams(environ, start_response):
    """Logs to streams, by handlers of the standard library and of its own."""
    log = logging.getLogger("streams")
    log.setLevel(logging.DEBUG)
    log.propagate = False
    own = Own()
    own.errors = environ["wsgi.errors"]
    handlers = [logging.StreamHandler(Proxy(environ)), logging.StreamHandler(sys.stdout), logging.StreamHandler(), own]
    for number, handler in enumerate(handlers):
        log.addHandler(handler)
        environ["wsgi.errors"].write("begun, ")
        print("begun, ", end="")
        log.log(10 * (number + 1), "logged %d\nand on", number)
        log.removeHandler(handler)
    environ["wsgi.errors"].write("bare\n")
    print("bare", file=sys.stderr)
    broken = logging.StreamHandler()
    log.addHandler(broken)
    logging.raiseExceptions = True
    log.info("%d", "not a number")
    log.removeHandler(broken)
    return answer(start_response)


def guard(environ, start_response):
    """Puts faulthandler's signal handlers on top, as it believes."""
    faulthandler.enable(file=sys.__stderr__)
    return answer(start_response)


def unguard(environ, start_response):
    faulthandler.disable()
    return answer(start_response)


def panic(environ, start_response):
    print("panic!")
    return answer(start_response, b"survived")
