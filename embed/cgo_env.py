"""Run a command with cgo set up for this interpreter.

    python3.12 embed/cgo_env.py go test ./embed/...
    python3.12 embed/cgo_env.py --name           prints 3.12
    python3.12 embed/cgo_env.py --worker FILE    builds the worker

A worker is loaded into the application's python (cmd/gowsgi-worker/loaded.c)
and linked with none. Tests, and Go programs that embed an application, are
linked with libpython; so are workers on other systems than Linux.

cpy3 asks pkg-config for a module called "python3". No distribution's own file
fits it (they do not link libpython, and cpy3 needs stand-ins for functions that
CPython removed), so one is written to build/cgo/X.Y/python3.pc. Go's build
cache does not look into .pc files, nor into the headers of another package: the
interpreter's version and library and a checksum of gil's and crash's headers go
into CGO_CFLAGS too, or stale objects would be linked.

Checks everything the build needs first and names what is missing.
"""

import glob
import os
import shutil
import sys
import sysconfig
import zlib

OLDEST = (3, 10)
# What is loaded before a process starts has its place in the thread-local storage.
LOADED = "-ftls-model=initial-exec"
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def name():
    """X.Y, with a trailing t for a free-threaded build."""
    return sysconfig.get_config_var("LDVERSION").replace("d", "")


def missing(linked):
    """What the build cannot do without, each a sentence with the way out.

    linked: with libpython.
    """
    xy = "%d.%d" % sys.version_info[:2]
    if sys.version_info < OLDEST:
        yield "%s is CPython %s; gowsgi needs 3.10 or newer: set PYTHON=" % (sys.executable, xy)
        return
    if sys.implementation.name != "cpython":
        yield "%s is %s; gowsgi embeds CPython: set PYTHON=" % (sys.executable, sys.implementation.name)
        return
    if not shutil.which("go"):
        yield "go is not on PATH: install Go 1.26 or newer (https://go.dev/dl)"
    if not shutil.which(os.environ.get("CC", "gcc")):
        yield "no C compiler (%s): apt-get install gcc" % os.environ.get("CC", "gcc")
    if not shutil.which("pkg-config"):
        yield "pkg-config is not on PATH: apt-get install pkg-config"
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    if not os.path.exists(header):
        yield "CPython's headers are missing (%s): apt-get install python%s-dev" % (header, xy)
    if not linked:
        return
    if not sysconfig.get_config_var("Py_ENABLE_SHARED"):
        yield (
            "%s was built without a shared libpython: use Debian's python%s-dev, or build CPython with --enable-shared"
        ) % (sys.executable, xy)
    elif not os.path.exists(library()):
        yield "libpython is missing (%s): apt-get install libpython%s-dev" % (library(), xy)


def library():
    return os.path.join(sysconfig.get_config_var("LIBDIR"), sysconfig.get_config_var("LDLIBRARY"))


def link_flags():
    """libpython by file, with an rpath: tests run where it was found."""
    lib = sysconfig.get_config_var("LDLIBRARY")[len("lib") :].rpartition(".so")[0]
    return "-L{0} -Wl,-rpath,{0} -Wl,--enable-new-dtags -l{1}".format(sysconfig.get_config_var("LIBDIR"), lib)


def write_pkg_config(folder, name, include, libs):
    """python3.pc for CPython `name`: our Python.h first, then CPython's."""
    os.makedirs(folder, exist_ok=True)
    text = (
        "Name: python3\nDescription: CPython {name}, for embedding\nVersion: {name}\n"
        "Cflags: -I{root}/embed/compat -I{include}\nLibs: {libs}\n"
    ).format(name=name, root=ROOT, include=include, libs=libs)
    path = os.path.join(folder, "python3.pc")
    with open(path, "w") as out:
        out.write(text)


def headers():
    checksum = 0
    for folder in ("gil", os.path.join("internal", "crash")):
        for path in sorted(glob.glob(os.path.join(ROOT, folder, "*.h"))):
            with open(path, "rb") as header:
                checksum = zlib.crc32(header.read(), checksum)
    return checksum


def environment(folder):
    env = dict(os.environ)
    env["CGO_ENABLED"] = "1"
    env["PKG_CONFIG_PATH"] = folder + os.pathsep + env.get("PKG_CONFIG_PATH", "")
    stamp = "%s:%s" % (sysconfig.get_config_var("py_version") or sys.version.split()[0], library())
    env["CGO_CFLAGS"] = "%s -DGOWSGI_PYTHON=%s" % (env.get("CGO_CFLAGS", "-O2 -g"), stamp)
    env["CGO_CFLAGS"] += " -DGOWSGI_HEADERS=%08x" % headers()
    env["GOWSGI_TEST_PYTHON"] = sys.executable
    return env


def build_loaded(output, ldflags=""):
    """The command that builds a worker to be loaded into python."""
    names = os.path.join(ROOT, "cmd", "gowsgi-worker", "loaded.map")
    ldflags = ("%s -extldflags=-Wl,--version-script=%s" % (ldflags, names)).strip()
    build = ["go", "build", "-trimpath", "-tags", "loaded", "-buildmode", "c-shared", "-ldflags", ldflags]
    return [*build, "-o", output, "./cmd/gowsgi-worker"]


def main(args):
    loaded = sys.platform == "linux" and args[0] == "--worker"
    problems = list(missing(linked=not loaded and args != ["--name"]))
    if problems:
        sys.stderr.write("".join("gowsgi: cannot build: %s\n" % p for p in problems))
        return 1
    if args == ["--name"]:
        print(name())
        return 0
    folder = os.path.join(ROOT, "build", "cgo", name(), *["loaded"] * loaded)
    write_pkg_config(folder, name(), sysconfig.get_path("include"), "" if loaded else link_flags())
    env = environment(folder)
    if loaded:
        env["CGO_CFLAGS"] += " " + LOADED
        args = build_loaded(args[1])
    elif args[0] == "--worker":
        args = ["go", "build", "-trimpath", "-o", args[1], "./cmd/gowsgi-worker"]
    return os.execvpe(args[0], args, env)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
