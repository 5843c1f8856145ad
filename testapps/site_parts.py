"""What the framework sites have in common and no framework has an opinion on.

Each site answers the same paths, so that one list of checks (frameworks_test.go)
fits all of them:

    GET  /                  a page that names the framework
    GET  /whoami/<number>   ?q=, X-Client and the cookie "flavour", as who_am_i says
    GET  /flavour?set=      sets the cookies "flavour" and "other"
    POST /login             user= into the session, then to /me
    GET  /me                the session's user and visits; 403 without
    POST /logout            ends the session, then to /
    POST /form              name= and text=, as form_text says
    POST /upload            note= and the file "file", as upload_text says
    GET  /stream/<count>    that many numbered lines, one block each
    GET  /lockstep?pipe=    blocks that wait for the client, see lockstep
    GET  /download          the file download.bin of the data folder
    GET  /broken            raises mistake()
    anything else           the framework's 404 with NOT_FOUND in it
"""

import hashlib
import hmac
import os
import pathlib
import sys
import time

DATA = pathlib.Path(os.environ.get("SITE_DATA", "."))
DOWNLOAD = DATA / "download.bin"
SECRET = "only for tests, and as long as some frameworks insist on"

NOT_FOUND = "There is no such page here."
BROKEN = "Something broke."


def who_am_i(number, q, client, flavour):
    """Return a line of four values of one request.

    Each argument is a function that asks the framework for the value. Between
    them other threads get their turn, so that a value which belongs to another
    request would show.
    """
    values = []
    for name, value in (("number", number), ("q", q), ("client", client), ("flavour", flavour)):
        values.append(f"{name}={value()}")
        time.sleep(0.001)
    return " ".join(values)


def form_text(name, text):
    """Return the two fields of the form."""
    return f"name={name} text={text}"


def upload_text(note, name, content_type, file):
    """Return what an upload was, from a binary file read in pieces."""
    digest, size = hashlib.sha256(), 0
    while piece := file.read(8192):
        digest.update(piece)
        size += len(piece)
    return f"note={note} name={name} type={content_type} size={size} sha256={digest.hexdigest()}"


def sign(text):
    """Return text with its signature: the session of a framework that brings none."""
    return text + "." + hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()


def verify(signed):
    """Return the text if its signature is right; otherwise nothing."""
    text = signed.rpartition(".")[0]
    return text if hmac.compare_digest(sign(text), signed) else ""


def lines(count):
    """Yield numbered lines; the log says when the iterator was closed."""
    try:
        for i in range(count):
            yield f"line {i}\n".encode()
    finally:
        print(f"stream of {count} lines closed", file=sys.stderr, flush=True)


def lockstep(pipe):
    """Yield three blocks; after each, wait for a line in the named pipe.

    Whoever writes the line does so when the block has arrived.
    """
    with pathlib.Path(pipe).open(encoding="ascii") as gate:
        for i in range(3):
            yield f"block {i}\n".encode()
            gate.readline()


class DeliberateError(Exception):
    """What /broken raises."""


def mistake():
    """Fail, as an application does."""
    raise DeliberateError("a deliberate mistake")
