"""nginx and a Python server behind it as one process tree: `behind_nginx.py NGINX.CONF COMMAND…`."""

import signal
import subprocess
import sys

configuration, *command = sys.argv[1:]
both = [subprocess.Popen(["nginx", "-c", configuration]), subprocess.Popen(command)]


def stop(*_: object) -> None:
    for process in both:
        process.terminate()


signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
sys.exit(max(abs(process.wait()) for process in both))
