"""Middleware of our own around every framework: it times what it wraps.

Proves that a middleware works as PEP 3333 describes it ("Middleware: Components
that Play Both Sides"): it wraps start_response, passes on write() and exc_info,
and passes on close(). Used as a factory, with the framework's own target as the
literal argument:

    timing:around("app:application")
"""

import importlib
import time


def around(target):
    """Return the application that ``module:callable`` names, timed."""
    module, name = target.split(":")
    return Timing(getattr(importlib.import_module(module), name))


class Timing:
    """Adds X-Elapsed to each response: seconds until the headers were there."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        started = time.perf_counter()

        def timed_start_response(status, headers, exc_info=None):
            headers = [*headers, ("X-Elapsed", f"{time.perf_counter() - started:.6f}")]
            if exc_info is None:
                return start_response(status, headers)
            return start_response(status, headers, exc_info)

        blocks = self.application(environ, timed_start_response)
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(blocks, wrapper):
            return blocks  # what the server can send as a file must reach it as it is
        return Timed(blocks)


class Timed:
    """The wrapped application's blocks, one for one."""

    def __init__(self, blocks):
        self.blocks = blocks
        self.iterator = None

    def __iter__(self):
        return self

    def __next__(self):
        if self.iterator is None:
            self.iterator = iter(self.blocks)
        return next(self.iterator)

    def close(self):
        """Close what was wrapped, if it can be closed."""
        if hasattr(self.blocks, "close"):
            self.blocks.close()
