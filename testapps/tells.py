"""Says what happens in every way that an application has.

Proves that each way keeps its lines, its level, its request and what belongs to it.

    /flask      as Flask's own handler does: logging to a proxy of wsgi.errors
    /bare       writes a traceback to wsgi.errors
    /handler    gowsgi.LogHandler: lines, extra=, a traceback
    /debug      logging to wsgi.errors, below every level of the server
    /child      a forked child does what /flask and /handler do
"""

import logging
import os
import sys
import traceback

import gowsgi
from contract import plain

current = sys.stderr


class Stream:
    """What wsgi.errors is now; standard error between requests."""

    def __getattr__(self, name):
        return getattr(current, name)


def logger(name, handler, text):
    made = logging.getLogger(name)
    made.setLevel(logging.DEBUG)
    made.propagate = False
    handler.setFormatter(logging.Formatter(text))
    made.addHandler(handler)
    return made


flask = logger("site", logging.StreamHandler(Stream()), "[now] %(levelname)s in site: %(message)s")
ours = logger("shop", gowsgi.LogHandler(), "%(message)s")


def fail():
    raise ValueError("deliberate")


def application(environ, start_response):
    global current
    current = environ["wsgi.errors"]
    path = environ["PATH_INFO"]
    try:
        fail()
    except ValueError:
        if path == "/flask":
            flask.warning("stock is low")
            flask.exception("Exception on %s", path)
        elif path == "/bare":
            current.write(traceback.format_exc())
        elif path == "/child":
            pid = os.fork()
            if pid == 0:
                flask.warning('of "a child"')
                ours.exception("another\nof\tit")
                os._exit(0)
            os.waitpid(pid, 0)
        elif path == "/debug":
            flask.debug("in detail")
        else:
            extra = {"customer": 7, "event": "forged", "items": {"tea": 2}, "note": "first\nsecond"}
            ours.error("an order\nis lost", extra=extra)
            ours.exception("why\nso")
    current = sys.stderr
    return plain(start_response, path)
