"""Loads, and tells what it sees of the world while it does: for gowsgi --check-config.

Proves that the application is loaded, and cleaned up after, without being served. $IMPORT
says what else happens at import: "hangs", "dies", "thread" (one that is never joined) or
"orphan" (a process that outlives the worker and holds standard error).
"""

import atexit
import os
import signal
import subprocess
import sys
import threading
import time

atexit.register(print, "atexit ran", file=sys.stderr)
print("user", os.getuid(), "home", os.environ.get("HOME"), file=sys.stderr)

what = os.environ.get("IMPORT")
if what == "hangs":
    time.sleep(600)
elif what == "dies":
    os.kill(os.getpid(), signal.SIGKILL)
elif what == "thread":
    threading.Thread(target=time.sleep, args=(600,)).start()
elif what == "orphan":
    subprocess.Popen(["sleep", "1"])


def application(environ, start_response):
    """Answer with who the worker is."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    umask = os.umask(0)
    os.umask(umask)
    text = f"{os.getuid()} {os.getgid()} {os.getgroups()} {os.environ['HOME']} {umask:o}"
    return [text.encode()]
