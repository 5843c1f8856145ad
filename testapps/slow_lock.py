"""Waits for a lock that another request keeps.

Proves what is seen of requests that hold each other up (docs/when-it-is-slow.md). By
path:

    /hello    something small
    /report   keeps the lock for "seconds"
    /basket   needs the lock for a moment
"""

import threading
import time

from contract import parameters, plain

lock = threading.Lock()


def write_report(seconds):
    with lock:  # for much longer than it is needed: the sin
        time.sleep(seconds)


def read_basket():
    with lock:
        return "hello"


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/report":
        write_report(float(parameters(environ)["seconds"]))
    elif path == "/basket":
        read_basket()
    return plain(start_response, "hello")
