"""Keeps what belongs to a request and uses it in a later one.

Proves that start_response, write, wsgi.input, wsgi.errors and wsgi.early_hints expire
with their request: using them raises RuntimeError. By path:

    /keep  keeps all five, and an iterator over wsgi.input
    /use   uses them, and tells for each what happened
    /drop  forgets them
"""

from contract import plain

kept = {}


def try_to(use):
    try:
        return f"returned {use()!r}"
    except RuntimeError as error:
        return f"RuntimeError: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


USES = {
    "start_response": lambda: kept["start_response"]("200 OK", []),
    "write": lambda: kept["write"](b"late"),
    "input.read": lambda: kept["input"].read(),
    "input.readline": lambda: kept["input"].readline(),
    "input.readlines": lambda: kept["input"].readlines(),
    "input.__next__": lambda: next(kept["input"]),
    "input.tell": lambda: kept["input"].tell(),
    "input.seek": lambda: kept["input"].seek(0),
    "iterator": lambda: next(kept["iterator"]),
    "errors.write": lambda: kept["errors"].write("late\n"),
    "errors.flush": lambda: kept["errors"].flush(),
    "errors.writelines": lambda: kept["errors"].writelines(["late\n"]),
    "early_hints": lambda: kept["early_hints"]([("Link", "late")]),
}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/use":
        return plain(start_response, "\n".join(f"{name}: {try_to(use)}" for name, use in USES.items()))
    if path == "/drop":
        kept.clear()
        return plain(start_response, "dropped")
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    stream = environ["wsgi.input"]
    kept.update(start_response=start_response, write=write, input=stream)
    kept.update(iterator=iter(stream), errors=environ["wsgi.errors"], early_hints=environ["wsgi.early_hints"])
    return [b"kept ", stream.read(4)]
