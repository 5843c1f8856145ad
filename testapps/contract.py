"""What the applications that prove the contract have in common. No application itself.

A test talks to an application through more than HTTP, because much of the contract
happens when no response can tell of it:

journal: a file, named by $JOURNAL, that notes() and the test share. Each line starts
    with the id of the request, the parameter "id" of its query, so that many requests
    at once can be told apart, in whichever process they run.
gate: a named pipe, the parameter "gate". An application waits at it until the test
    lets one through: without a sleep, and without the GIL.
"""

import os
from urllib.parse import parse_qsl


def parameters(environ):
    """Return the query as a dict; the last of several values counts."""
    return dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True))


def note(environ, text):
    """Add a line to the journal."""
    note_for(parameters(environ).get("id", "-"), text)


def note_for(key, text):
    """Add a line to the journal, for who has no environ at hand."""
    journal = os.open(os.environ["JOURNAL"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(journal, f"{key} {text}\n".encode())
    finally:
        os.close(journal)


def wait(environ):
    """Wait at the gate until the test lets one through, or has ended."""
    wait_at(parameters(environ)["gate"])


def wait_at(path):
    """Wait at the gate of that path."""
    gate = os.open(path, os.O_RDONLY)  # at once: the test has it open
    try:
        os.read(gate, 1)
    finally:
        os.close(gate)


def plain(start_response, body, status="200 OK"):
    """Answer with a text; the least that a response can be."""
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [body if isinstance(body, bytes) else str(body).encode()]
