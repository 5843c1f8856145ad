"""Puts all that is given away beside the wheel, and checksums of all.

    python3 internal/dist/artefacts.py      after make wheel; writes to dist/

The Debian package and the program are those with the wheel's workers, so that
they run where it does. The same commit gives the same bytes.
"""

import gzip
import hashlib
import os
import platform
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import deb  # noqa: E402
import wheel  # noqa: E402

DIST = os.path.join(wheel.ROOT, "dist")


def source():
    """What git has of this commit: of the working tree's changes nothing."""
    name = "gowsgi-%s" % wheel.version()
    path = os.path.join(DIST, name + ".tar.gz")
    archive = subprocess.run(
        ["git", "archive", "--format=tar", "--prefix=%s/" % name, "HEAD"],
        cwd=wheel.ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    with (
        open(path, "wb") as out,
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=out, mtime=0) as packed,
    ):
        packed.write(archive.stdout)
    return path


def program():
    machine = deb.ARCHS[platform.machine()]
    built = os.path.join(wheel.BUILD, "gowsgi-" + machine)
    if not os.path.exists(built):
        sys.exit("artefacts: %s is not there: make wheel builds it" % os.path.relpath(built, wheel.ROOT))
    path = os.path.join(DIST, "gowsgi-%s-linux-%s" % (wheel.version(), machine))
    shutil.copy(built, path)
    return path


def wheels():
    start = "gowsgi_server-%s-" % wheel.version()
    return [os.path.join(DIST, name) for name in os.listdir(DIST) if name.startswith(start) and name.endswith(".whl")]


def write_checksums(paths):
    with open(os.path.join(DIST, "SHA256SUMS"), "w") as out:
        for path in sorted(paths):
            with open(path, "rb") as file:
                out.write("%s  %s\n" % (hashlib.sha256(file.read()).hexdigest(), os.path.basename(path)))


def main():
    os.makedirs(DIST, exist_ok=True)
    try:
        built = program()
        paths = [built, deb.make(built), source(), *wheels()]
    except subprocess.CalledProcessError as err:
        sys.exit("artefacts: %s ended with status %d" % (" ".join(err.cmd[:3]), err.returncode))
    write_checksums(paths)
    for path in sorted(paths):
        print("%s: %.1f MB" % (os.path.relpath(path, wheel.ROOT), os.path.getsize(path) / 1e6))


if __name__ == "__main__":
    main()
