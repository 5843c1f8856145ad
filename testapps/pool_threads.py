"""Shows on which thread it runs, and what it finds there.

Proves that requests run on a fixed set of threads, each of which keeps its
threading.local and its contextvars, and that they share the interpreter fairly. By
path:

    /         JSON: process, thread, and how often it was used by local and contextvar
    /wait     the same, after waiting at the gate; the journal says "called"
    /meet     waits until n requests are inside at once
    /compute  computes until the file of the parameter "until" exists
    /call     asks the server itself for the parameter "url"
    /hello    something small
    /import   what cannot be used that belongs to the thread which imported the application
"""

import asyncio
import contextvars
import json
import os
import pathlib
import sqlite3
import threading
import urllib.request

from contract import note, parameters, plain, wait

local = threading.local()
variable = contextvars.ContextVar("variable", default=0)
barriers = {}
bound, shared = sqlite3.connect(":memory:"), sqlite3.connect(":memory:", check_same_thread=False)
barriers_lock = threading.Lock()


def here():
    local.count = getattr(local, "count", 0) + 1
    variable.set(variable.get() + 1)
    return {
        "process": os.getpid(),
        "thread": threading.get_ident(),
        "local": local.count,
        "context": variable.get(),
        "name": threading.current_thread().name,
        "main": threading.current_thread() is threading.main_thread(),
    }


def meet(query):
    with barriers_lock:
        barrier = barriers.setdefault(query["id"], threading.Barrier(int(query["n"])))
    barrier.wait(20)
    return "met"


def compute(until):
    rounds = 0
    while rounds % 1000 or not until.exists():
        rounds += 1
    return str(rounds)


def imported():
    failed = []
    for use in (lambda: bound.execute("select 1"), lambda: shared.execute("select 1"), asyncio.get_event_loop):
        try:
            use()
        except (sqlite3.ProgrammingError, RuntimeError) as error:
            failed.append(type(error).__name__)
    return failed


def application(environ, start_response):
    path, query = environ["PATH_INFO"], parameters(environ)
    if path == "/hello":
        return plain(start_response, "hello")
    if path == "/import":
        return plain(start_response, imported())
    if path == "/meet":
        return plain(start_response, meet(query))
    if path == "/compute":
        note(environ, "called")
        return plain(start_response, compute(pathlib.Path(query["until"])))
    if path == "/call":
        with urllib.request.urlopen(query["url"], timeout=20) as response:
            return plain(start_response, b"called: " + response.read())
    if path == "/wait":
        note(environ, "called")
        wait(environ)
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(here()).encode()]
