"""A file that is no module by its name: mod_wsgi's way.

Proves that it finds its neighbours (its folder is on sys.path), knows its file, and
is a module whose classes can be pickled, though not one that others import by accident.
"""

import inspect
import pathlib
import pickle
import sys

import startup_targets


class Part:
    """To be pickled."""


def is_module():
    return (
        vars(sys.modules[__name__]) is globals()
        and "startup_file" not in sys.modules
        and isinstance(pickle.loads(pickle.dumps(Part())), Part)
        and "To be pickled" in inspect.getsource(Part)
    )


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    text = f"{pathlib.Path(__file__).name} {is_module()} {callable(startup_targets.app)}"
    return [text.encode()]


def second(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"second"]
