"""Sleeps, as an application that waits for something does.

Proves what is shown of requests that run, and counted of those that are over. By path:

    /hello    something small
    /sleep    sleeps for "seconds", without the GIL
    /raise    raises
    /log      logs a line with gowsgi.LogHandler's logger "shop"
    /names    what the request is called, and for how long it waited, as JSON
"""

import json
import logging
import time

import gowsgi
from contract import parameters, plain

logger = logging.getLogger("shop")
logger.addHandler(gowsgi.LogHandler())


def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/sleep":
        time.sleep(float(parameters(environ)["seconds"]))
    elif path == "/raise":
        raise KeyError("wanted by the test")
    elif path == "/log":
        logger.warning("a line")
    elif path == "/names":
        names = "gowsgi.request_id", "gowsgi.queue_time", "HTTP_TRACEPARENT", "HTTP_TRACESTATE"
        return plain(start_response, json.dumps({name: environ.get(name) for name in names}))
    return plain(start_response, "hello")
