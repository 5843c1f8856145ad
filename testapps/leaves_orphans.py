"""Leaves a process behind whose parent ends before it: process 1 inherits it.

/        starts one
/count   how many have been started
"""

import os

started = []


def application(environ, start_response):
    if environ["PATH_INFO"] == "/":
        started.append(leave_orphan())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d" % len(started)]


def leave_orphan():
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            os.execv("/bin/sleep", ["sleep", "0.2"])
        os._exit(0)
    os.waitpid(child, 0)
    return child
