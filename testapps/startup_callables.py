"""What can be named as an application, and is one or is not.

Proves that gowsgi says so of an ASGI application and of a factory without its
parentheses, and takes nothing else for one. Targets that serve answer with the name
that they have here; those that cannot are in REFUSED.
"""

import functools


def answer(start_response, name):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [name.encode()]


def function(environ, start_response):
    return answer(start_response, "function")


def with_default(environ, start_response, name="with_default"):
    return answer(start_response, name)


def all_defaults(environ=None, start_response=None):
    return answer(start_response, "all_defaults")


def stars(*args, **kwargs):
    return answer(args[1], "stars")


def generator(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    yield b"generator"


class ByInit:
    def __init__(self, environ, start_response):
        self.blocks = answer(start_response, "ByInit")

    def __iter__(self):
        return iter(self.blocks)


class ByNew:
    def __new__(cls, environ, start_response):
        return answer(start_response, "ByNew")


class Meta(type):
    def __call__(cls, environ, start_response):
        return answer(start_response, "ByMeta")


class ByMeta(metaclass=Meta):
    def __init__(self):
        raise AssertionError


class Holder:
    def __call__(self, environ, start_response):
        return answer(start_response, "instance")

    def method(self, environ, start_response):
        return answer(start_response, "method")

    @classmethod
    def class_method(cls, environ, start_response):
        return answer(start_response, "class_method")

    @staticmethod
    def static_method(environ, start_response):
        return answer(start_response, "static_method")

    def _three(self, first, environ, start_response):
        return answer(start_response, first)

    partial_method = functools.partialmethod(_three, "partial_method")


instance = Holder()
method, class_method, static_method = instance.method, Holder.class_method, instance.static_method
partial_method = instance.partial_method
partial = functools.partial(lambda name, environ, start_response: answer(start_response, name), "partial")
keyword_partial = functools.partial(with_default, name="keyword_partial")


def responder(view):
    """Make an application of a view, as werkzeug's Request.application does."""

    @functools.wraps(view)
    def application(*args):
        return answer(args[-1], view(args[-2]))

    return application


@responder
def wrapped_view(request):
    return "wrapped_view"


@responder
def create_wrapped(config=None):
    return "create_wrapped"


class Signed:
    """Says something else of itself than it does, as some decorators do."""

    __signature__ = None

    def __call__(self, *args):
        return answer(args[-1], "signed")


signed = Signed()


class Strange:
    """Answers to every name, wrongly."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __call__(self, *args):
        return answer(args[1], "strange")


strange = Strange()

# ---- what is none ----


def create_app():
    return function


def create_with_default(config=None):
    return function


def create_with_defaults(config=None, debug=False):
    return function


def make_keyword(*, debug=False):
    return function


def configured(config):
    return function


class Maker:
    def __call__(self, environ, start_response):
        return answer(start_response, "made")


async def asgi(scope, receive, send):
    raise AssertionError


class Asgi3:
    async def __call__(self, scope, receive, send):
        raise AssertionError


class Asgi2:
    def __init__(self, scope):
        raise AssertionError

    async def __call__(self, receive, send):
        raise AssertionError


def asgi2(scope):
    raise AssertionError


async def coroutine(environ, start_response):
    return answer(start_response, "coroutine")


async def stream(environ, start_response):
    yield b"stream"


asgi3 = Asgi3()
asgi_partial = functools.partial(asgi, {})


def make_asgi():
    return asgi3
