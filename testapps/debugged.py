"""Stops in the debugger: with --debug, the terminal is the application's."""

import pdb


def application(environ, start_response):
    answer = 41
    pdb.set_trace()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % answer]
