"""python -m gowsgi_server does what the command gowsgi of this environment does."""

import os
import sys
import sysconfig


def command():
    """The program that was installed with this package."""
    schemes = [None, sysconfig.get_preferred_scheme("user")]
    folders = [sysconfig.get_path("scripts", scheme) if scheme else sysconfig.get_path("scripts") for scheme in schemes]
    # pip install --target DIR puts it beside the package.
    folders.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bin"))
    for folder in folders:
        path = os.path.join(folder, "gowsgi")
        if os.access(path, os.X_OK):
            return path
    sys.exit("gowsgi: the program is in none of %s: install gowsgi-server again" % ", ".join(folders))


if __name__ == "__main__":
    path = command()
    os.execv(path, [path, *sys.argv[1:]])
