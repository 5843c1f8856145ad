"""Tells how many descriptors it may have open.

/        its own limits, soft and hard
/child   those of a process that it starts
/hello   something small
"""

import resource
import subprocess
import sys

from contract import plain

TELL = "import resource; print(*resource.getrlimit(resource.RLIMIT_NOFILE))"


def application(environ, start_response):
    if environ["PATH_INFO"] == "/hello":
        return plain(start_response, "hello")
    if environ["PATH_INFO"] == "/child":
        return plain(start_response, subprocess.check_output([sys.executable, "-c", TELL]).strip())
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return plain(start_response, f"{soft} {hard}")
