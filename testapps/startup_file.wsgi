"""A file that is no module by its name: mod_wsgi's way.

Proves that it finds its neighbours (its folder is on sys.path) and knows its file.
"""

import pathlib

import startup_targets


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    text = f"{pathlib.Path(__file__).name} {__name__} {callable(startup_targets.app)}"
    return [text.encode()]


def second(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"second"]
