"""A second application in the same interpreter, under two numbers: one may have two threads at once, the other one.

Proves that a request comes to the application whose number it has, and what it is told of threads.
"""

import threading
import time

lock = threading.Lock()
inside = {True: 0, False: 0}
most = {True: 0, False: 0}


def application(environ, start_response):
    shared = environ["wsgi.multithread"]
    with lock:
        inside[shared] += 1
        most[shared] = max(most[shared], inside[shared])
    time.sleep(0.001)
    with lock:
        inside[shared] -= 1
    start_response("200 OK", [("Content-Type", "text/plain")])
    return ["{} {}".format(shared, most[shared]).encode()]
