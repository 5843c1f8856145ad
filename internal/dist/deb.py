"""Makes the Debian package of a gowsgi that was built.

    python3 internal/dist/deb.py PROGRAM      writes dist/gowsgi_VERSION_ARCH.deb

The same program and sources give the same bytes.
"""

import gzip
import os
import platform
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

import wheel  # noqa: E402

NFPM = "github.com/goreleaser/nfpm/v2/cmd/nfpm@v2.43.4"
ARCHS = {"x86_64": "amd64", "aarch64": "arm64"}
# The date of all that is in the package, unless SOURCE_DATE_EPOCH says another.
EPOCH = "315532800"


def pages(folder):
    """The manual page, completions and licences, in a folder of their own."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    wheel.run(["go", "run", "./internal/dist/pages", folder], CGO_ENABLED="0")
    manual = os.path.join(folder, "gowsgi.1")
    with (
        open(manual, "rb") as source,
        open(manual + ".gz", "wb") as out,
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=out, mtime=0) as packed,
    ):
        packed.write(source.read())
    with open(os.path.join(wheel.ROOT, "LICENSE"), "rb") as own, open(os.path.join(folder, "copyright"), "wb") as out:
        out.write(own.read() + b"\n\n" + wheel.third_party())


def make(program):
    folder = os.path.join(wheel.BUILD, "deb")  # where nfpm.yaml looks
    pages(folder)
    shutil.copyfile(program, os.path.join(folder, "gowsgi"))
    arch = ARCHS[platform.machine()]
    target = os.path.join(wheel.ROOT, "dist", "gowsgi_%s_%s.deb" % (wheel.version(), arch))
    os.makedirs(os.path.dirname(target), exist_ok=True)
    wheel.run(
        ["go", "run", NFPM, "package", "-f", "internal/dist/deb/nfpm.yaml", "-p", "deb", "-t", target],
        GOWSGI_ARCH=arch,
        GOWSGI_VERSION=wheel.version(),
        SOURCE_DATE_EPOCH=os.environ.get("SOURCE_DATE_EPOCH", EPOCH),
    )
    return target


def main():
    if len(sys.argv) != 2 or not os.path.exists(sys.argv[1]):
        sys.exit("usage: deb.py PROGRAM, a gowsgi that make build or make wheel has built")
    try:
        path = make(sys.argv[1])
    except subprocess.CalledProcessError as err:
        sys.exit("deb: %s ended with status %d" % (" ".join(err.cmd[:3]), err.returncode))
    print("%s: %.1f MB" % (os.path.relpath(path, wheel.ROOT), os.path.getsize(path) / 1e6))


if __name__ == "__main__":
    main()
