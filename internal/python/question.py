# Run by whatever interpreter was named, as old as 2.7, to say what it is.
import sys

sys.path[:] = [p for p in sys.path if p]  # the current folder may hold a json.py

import json  # noqa: E402
import os  # noqa: E402
import platform  # noqa: E402
import sysconfig  # noqa: E402

base = getattr(sys, "base_prefix", sys.prefix)
multiarch = sysconfig.get_config_var("MULTIARCH") or ""
# LIBDIR is where the library was when Python was built; the others are where it
# is if somebody moved it (conda, uv, relocatable builds).
folders = [sysconfig.get_config_var("LIBDIR")]
folders += [os.path.join(base, lib) for lib in ("lib", getattr(sys, "platlibdir", "lib"))]
folders = [folder for folder in folders if folder]
folders += [os.path.join(folder, multiarch) for folder in folders if multiarch]


def octets(path):
    """A path with a character for each byte: JSON has no other bytes."""
    return os.fsencode(path).decode("latin-1") if path and hasattr(os, "fsencode") else path


answer = {
    "executable": octets(sys.executable),
    "implementation": platform.python_implementation(),
    "version": platform.python_version(),
    "version_info": list(sys.version_info[:2]),
    "ldversion": sysconfig.get_config_var("LDVERSION") or "%d.%d" % sys.version_info[:2],
    "prefix": octets(sys.prefix),
    "base_prefix": octets(base),
    "library": sysconfig.get_config_var("INSTSONAME") or "",
    "folders": [octets(folder) for folder in folders],
}
sys.stdout.write("\ngowsgi:" + json.dumps(answer) + "\n")
