"""Hooks of the module gowsgi: answers with what was called in this worker, in order.

/late     registers one more for the start
/wrong    registers what cannot be called: answers with the exception
"""

import sys

import gowsgi

CALLS = []


@gowsgi.on_worker_start
def first():
    CALLS.append("first")


gowsgi.on_worker_start(lambda: CALLS.append("second"))


@gowsgi.on_worker_stop
def last():
    sys.stderr.write("the last hook\n")


@gowsgi.on_worker_stop
def raises():
    raise ValueError("on purpose, at the end")


def application(environ, start_response):
    if environ["PATH_INFO"] == "/late":
        gowsgi.on_worker_start(lambda: CALLS.append("late"))
    elif environ["PATH_INFO"] == "/wrong":
        for hook in gowsgi.on_worker_start, gowsgi.on_worker_stop:
            try:
                hook(5)
            except Exception as error:
                CALLS.append(type(error).__name__)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [" ".join([*CALLS, first.__name__, raises.__name__]).encode()]
