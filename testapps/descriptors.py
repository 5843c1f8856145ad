"""Tells how many descriptors it may have open.

/        its own limits, soft and hard
/child   those of a process that it starts
/hello   something small
/leave   opens files until that many descriptors are left: the parameter "left"
"""

import os
import resource
import subprocess
import sys

from contract import parameters, plain

TELL = "import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))"

held = []


def fill(left):
    try:
        while True:
            held.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    for _ in range(left):
        os.close(held.pop())


def application(environ, start_response):
    if environ["PATH_INFO"] == "/hello":
        return plain(start_response, "hello")
    if environ["PATH_INFO"] == "/leave":
        fill(int(parameters(environ)["left"]))
        return plain(start_response, "few are left")
    if environ["PATH_INFO"] == "/child":
        return plain(start_response, subprocess.check_output([sys.executable, "-c", TELL]).strip())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return plain(start_response, f"{soft} {hard}")
