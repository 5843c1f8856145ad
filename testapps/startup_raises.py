"""Raises while it is imported. $RAISES chooses how."""

import os


def fail():
    kind = os.environ.get("RAISES", "error")
    if kind == "exit":
        raise SystemExit(0)
    if kind == "interrupt":
        raise KeyboardInterrupt
    if kind == "import":
        import no_such_dependency  # noqa: F401
    raise RuntimeError("deliberate, at import")


fail()
