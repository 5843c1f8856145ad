"""An application for --preload: what it makes while it is loaded, and what each worker has of its own.

    /            process id, and that of the process that loaded it
    /seeds       what each worker drew first: random, uuid4, uuid1, clock sequences, ssl, tempfile, secrets; a word each
    /hooks       what was called in this worker, in order
    /argv        sys.argv, sys.executable, umask, working directory
    /signals     what was installed for SIGUSR1 and SIGTERM, and whether faulthandler is on
    /crash       reads address 0
    /sleeps      never answers in time, and says when it was interrupted
    /prints      prints a line

All generators have been used before the fork: a worker that did not begin anew would draw what the others draw.
"""

import ctypes
import faulthandler
import os
import random
import secrets
import ssl
import sys
import tempfile
import time
import uuid

try:
    import gowsgi
except ImportError:  # in the test's own hands
    gowsgi = None

LOADED_BY = os.getpid()
CALLS = []
print("loading")
if os.environ.get("FAULTHANDLER"):
    faulthandler.enable()
if os.environ.get("USR1"):
    faulthandler.register(10, chain=False)


def draw():
    with tempfile.NamedTemporaryFile() as file:
        name = os.path.basename(file.name)
    return [
        repr(random.random()),
        str(uuid.uuid4()),
        str(uuid.uuid1()),
        "-".join(str(uuid.uuid1().clock_seq) for _ in range(3)),
        ssl.RAND_bytes(8).hex(),
        name,
        secrets.token_hex(8),
    ]


draw()
SEEDS = []


@gowsgi.on_worker_start
def first():
    CALLS.append("start %d" % os.getpid())
    SEEDS.extend(draw())
    if os.environ.get("START_RAISES"):
        raise RuntimeError("on purpose, in the hook")


@gowsgi.on_worker_start
def second():
    CALLS.append("second")


@gowsgi.on_worker_stop
def last():
    sys.stderr.write("stop hook %d\n" % os.getpid())
    sys.stderr.flush()


@gowsgi.on_worker_stop
def raises():
    raise ValueError("on purpose, at the end")


os.register_at_fork(
    before=lambda: CALLS.append("before"),
    after_in_parent=lambda: CALLS.append("parent"),
    after_in_child=lambda: CALLS.append("child"),
)


def signals():
    """Return the handler that the system has for SIGUSR1, as far as it tells: caught or not."""
    with open("/proc/self/status") as status:
        caught = int(next(line for line in status if line.startswith("SigCgt:")).split()[1], 16)
    return "%d %d %s" % (caught >> 9 & 1, caught >> 14 & 1, faulthandler.is_enabled())


def sleeps():
    try:
        while True:
            time.sleep(0.01)
    except gowsgi.RequestTimeout:
        sys.stderr.write("interrupted\n")
        raise


PAGES = {
    "/": lambda: "%d %d" % (os.getpid(), LOADED_BY),
    "/seeds": lambda: " ".join([str(os.getpid()), *SEEDS]),
    "/hooks": lambda: ", ".join(CALLS),
    "/argv": lambda: "%s %s %o %s" % (sys.argv, sys.executable, os.umask(os.umask(0)), os.getcwd()),
    "/signals": signals,
    "/crash": lambda: ctypes.string_at(0),
    "/sleeps": sleeps,
    "/prints": lambda: print("printed in a request") or "printed",
    "/late": lambda: gowsgi.on_worker_start(lambda: CALLS.append("late")) and ", ".join(CALLS),
}


def application(environ, start_response):
    body = PAGES[environ["PATH_INFO"]]().encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
