# Run by whatever interpreter was named, as old as 2.7, to say what it is.
import sys

sys.path[:] = [p for p in sys.path if p]  # the current folder may hold a json.py

import json  # noqa: E402
import os  # noqa: E402
import platform  # noqa: E402
import sysconfig  # noqa: E402


def octets(path):
    """A path with a character for each byte: JSON has no other bytes."""
    return os.fsencode(path).decode("latin-1") if path and hasattr(os, "fsencode") else path


def program():
    """The file that runs: sys.executable may be a link to it or a script."""
    try:
        path = os.readlink("/proc/self/exe")
    except (AttributeError, OSError):
        path = ""
    return path if os.path.exists(path) else os.path.realpath(sys.executable)


def c_library():
    """The name and version of the GNU C library; empty if it is another one."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return ""


answer = {
    "executable": octets(sys.executable),
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "version_info": list(sys.version_info[:2]),
    "ldversion": sysconfig.get_config_var("LDVERSION") or "%d.%d" % sys.version_info[:2],
    "prefix": octets(sys.prefix),
    "program": octets(program()),
    "c_library": c_library(),
}
sys.stdout.write("\ngowsgi:" + json.dumps(answer) + "\n")
