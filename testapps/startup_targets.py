"""Offers applications in every way that a target can name them, and some that are none.

Proves how targets are found: default names, attributes, dotted attributes, factories
with literal arguments, callable objects. $TARGET_FAILS makes make() raise.
"""

import os


def named(name):
    """Return an application that answers with that name."""

    def application(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain; charset=utf-8")])
        return [name.encode()]

    return application


application = named("application")
app = named("app")
other = named("other")
number = 5


class Holder:
    """Something with attributes."""

    class Inner:
        """One level further down."""

        wsgi = staticmethod(named("Holder.Inner.wsgi"))


class Callable:
    """An application that is an object."""

    def __call__(self, environ, start_response):
        return named("Callable")(environ, start_response)


instance = Callable()


def make(*args, **kwargs):
    """Return an application that answers with the arguments."""
    if "TARGET_FAILS" in os.environ:
        raise RuntimeError("the factory failed on purpose")
    return named(f"make {args!r} {sorted(kwargs.items())!r}")


def make_one(name, *, debug=False):
    """Take one argument exactly."""
    return named(f"{name} {debug}")


def make_none():
    """Forget to return."""
