"""Proves that a worker is in the application's own python, and leaves no trace of it.

GET /  what the process is, which of the worker's names other libraries could find,
       and LD_PRELOAD: here, when it was loaded, and in a child process.
"""

import ctypes
import json
import os
import subprocess
import sys

NAMES = ["gowsgi_start", "go_worker_main", "wsgi_request_init", "crosscall2", "x_cgo_init", "_cgo_panic"]


def found(name):
    return hasattr(ctypes.CDLL(None), name)


def command_line():
    with open("/proc/self/cmdline") as file:
        return file.read()


def preload(environment):
    return environment.get("LD_PRELOAD", "unset")


LOADED = preload(os.environ)


def application(environ, start_response):
    program = "import os; print(os.environ.get('LD_PRELOAD', 'unset'))"
    child = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    answer = {
        "program": os.readlink("/proc/self/exe"),
        "line": command_line(),
        "names": [name for name in NAMES if found(name)],
        "preload": [preload(os.environ), LOADED, child.stdout.strip()],
    }
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(answer).encode()]
