"""Makes the wheel: gowsgi, with workers for every CPython of cpython.py.

    python3 internal/dist/wheel.py [amd64|arm64]    writes dist/gowsgi_server-….whl

Workers are linked with zig's C compiler, which knows the symbols of an old
glibc, on any machine. The same sources give the same bytes.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "dist")
sys.path[:0] = [HERE, os.path.join(ROOT, "embed")]

import cgo_env  # noqa: E402
import cpython  # noqa: E402

GLIBC = "2.28"
# As Go calls it, and as everybody else does.
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
ZIG = "ziglang==0.17.1"
# The date of all files in the wheel, unless SOURCE_DATE_EPOCH says another; zip knows none before 1980.
EPOCH = (1980, 1, 1, 0, 0, 0)
EXPERIMENT = "norandomizedheapbase64"  # of the programs without C: see docs/design.md, 2
LINKED = ["./cmd/gowsgi", "./cmd/gowsgi-worker"]  # what is linked to gowsgi-head is in gowsgi, too


def run(args, **env):
    subprocess.run(args, cwd=ROOT, env=dict(os.environ, **env), check=True)


def output(args, **env):
    return subprocess.run(
        args, cwd=ROOT, env=dict(os.environ, **env), check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def version():
    """The one place where the version stands."""
    with open(os.path.join(ROOT, "internal", "version", "version.go")) as source:
        return re.search(r'Version = "(.+)"', source.read()).group(1)


def platform(machine):
    return "manylinux_%s_%s" % (GLIBC.replace(".", "_"), MACHINES[machine])


def compiler(machine):
    """zig, in a virtualenv of its own."""
    venv = os.path.join(BUILD, "zig")
    if not os.path.exists(os.path.join(venv, "bin", "python-zig")):
        run([sys.executable, "-m", "venv", venv])
        run([os.path.join(venv, "bin", "pip"), "install", "-q", "--disable-pip-version-check", ZIG])
    return "%s/bin/python-zig cc -target %s-linux-gnu.%s" % (venv, MACHINES[machine], GLIBC)


def workers(machine):
    """The folder where they are built."""
    return os.path.join(BUILD, "workers", machine)


def build_worker(name, machine, cc):
    """gowsgi-worker-X.Y, which is loaded into the application's python."""
    files = cpython.fetch(name, os.path.join(BUILD, "cpython"))
    folder = os.path.join(BUILD, "cgo", name)
    cgo_env.write_pkg_config(folder, name, os.path.join(files, "include", "python" + name), "")
    worker = os.path.join(workers(machine), "gowsgi-worker-" + name)
    print("building the worker for CPython %s" % name, flush=True)
    run(
        cgo_env.build_loaded(worker, "-s -w -buildid="),
        CGO_ENABLED="1",
        GOARCH=machine,
        CC=cc,
        PKG_CONFIG_PATH=folder,
        PKG_CONFIG_LIBDIR=folder,
        # Go looks into neither the .pc file nor another package's headers: see cgo_env.
        # glibc's features.h sets _POSIX_C_SOURCE before CPython's pyconfig.h does.
        CGO_CFLAGS="-O2 -Wno-macro-redefined -DGOWSGI_PYTHON=%s -DGOWSGI_HEADERS=%08x %s"
        % (os.path.basename(cpython.JARS[name][0]), cgo_env.headers(), cgo_env.LOADED),
        CGO_LDFLAGS="-O2",  # Go's own has a -g as well
    )
    return worker


def build_program(machine, built):
    """gowsgi, with these workers, and what bundles begin with, inside in place of those of make build."""
    head = os.path.join(BUILD, "head", machine, "gowsgi-head")
    linked = ["go", "build", "-trimpath", "-ldflags", "-s -w -buildid="]
    run([*linked, "-o", head, "./cmd/gowsgi-head"], CGO_ENABLED="0", GOARCH=machine, GOEXPERIMENT=EXPERIMENT)
    replace = {}
    for kind, programs, inside in (
        ("workers", built, ("python", "workers")),
        ("head", [head], ("bundle", "build", "head")),
    ):
        packed = os.path.join(BUILD, "packed", machine, kind)
        os.makedirs(packed, exist_ok=True)
        run(["go", "run", "./internal/python/pack", packed, *programs])
        inside = os.path.join(ROOT, "internal", *inside)
        replace.update({os.path.join(inside, name): "" for name in os.listdir(inside) if name.endswith(".gz")})
        replace.update({os.path.join(inside, name): os.path.join(packed, name) for name in os.listdir(packed)})
    overlay = os.path.join(BUILD, "overlay.json")
    with open(overlay, "w") as out:
        json.dump({"Replace": replace}, out)
    program = os.path.join(BUILD, "gowsgi-" + machine)
    run(
        [*linked, "-overlay", overlay, "-o", program, "./cmd/gowsgi"],
        CGO_ENABLED="0",
        GOARCH=machine,
        GOEXPERIMENT=EXPERIMENT,
    )
    return program


def licences():
    """The licence texts of what is linked: Go's, and those of its modules."""
    yield "Go", os.path.join(output(["go", "env", "GOROOT"]).strip(), "LICENSE")
    template = "{{with .Module}}{{.Path}}\t{{.Version}}\t{{.Dir}}\t{{.Main}}{{end}}"
    lines = output(["go", "list", "-deps", "-f", template, *LINKED], CGO_ENABLED="0").splitlines()
    lines += output(["go", "list", "-e", "-deps", "-f", template, LINKED[1]], CGO_ENABLED="1").splitlines()
    for line in sorted(set(filter(None, lines))):
        path, number, folder, main = line.split("\t")
        if main == "true":
            continue
        texts = [name for name in sorted(os.listdir(folder)) if re.match(r"(?i)(licen[cs]e|copying|notice)", name)]
        if not texts:
            raise cpython.Failed("%s %s has no licence text: it cannot be given away" % (path, number))
        for name in texts:
            yield "%s %s" % (path, number), os.path.join(folder, name)


def third_party():
    texts = []
    for what, path in licences():
        with open(path, encoding="utf-8", errors="replace") as file:
            texts.append("%s\n%s\n\n%s\n" % (what, "=" * len(what), file.read().strip()))
    return "\n\n".join(texts).encode()


def metadata():
    with open(os.path.join(HERE, "METADATA")) as head, open(os.path.join(HERE, "description.md")) as text:
        return (head.read().rstrip().replace("VERSION", version()) + "\n\n" + text.read()).encode()


def contents(program, machine):
    """(name in the wheel, bytes, mode), in order."""
    info = "gowsgi_server-%s.dist-info/" % version()
    package = os.path.join(HERE, "gowsgi_server")
    for name in sorted(os.listdir(package)):
        if name.endswith(".py"):
            with open(os.path.join(package, name), "rb") as file:
                yield "gowsgi_server/" + name, file.read(), 0o644
    with open(program, "rb") as file:
        yield "gowsgi_server-%s.data/scripts/gowsgi" % version(), file.read(), 0o755
    yield info + "METADATA", metadata(), 0o644
    wheel = "Wheel-Version: 1.0\nGenerator: gowsgi\nRoot-Is-Purelib: false\nTag: py3-none-%s\n" % platform(machine)
    yield info + "WHEEL", wheel.encode(), 0o644
    with open(os.path.join(ROOT, "LICENSE"), "rb") as file:
        yield info + "licenses/LICENSE", file.read(), 0o644
    yield info + "licenses/THIRD-PARTY", third_party(), 0o644


def write_wheel(path, files):
    """PEP 427, with a RECORD. The date is fixed, the order too."""
    info = "gowsgi_server-%s.dist-info/" % version()
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as wheel:

        def add(name, data, mode):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            wheel.writestr(entry, data)

        for name, data, mode in files:
            add(name, data, mode)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append("%s,sha256=%s,%d" % (name, digest, len(data)))
        record.append(info + "RECORD,,")
        add(info + "RECORD", ("\n".join(record) + "\n").encode(), 0o644)


def main(machine="amd64"):
    os.makedirs(os.path.join(ROOT, "dist"), exist_ok=True)
    try:
        if machine not in MACHINES:
            raise cpython.Failed("%s is no machine that a wheel can be made for: %s" % (machine, " or ".join(MACHINES)))
        cc = compiler(machine)
        program = build_program(machine, [build_worker(name, machine, cc) for name in cpython.JARS])
        path = os.path.join(ROOT, "dist", "gowsgi_server-%s-py3-none-%s.whl" % (version(), platform(machine)))
        write_wheel(path + ".unfinished", contents(program, machine))
        os.rename(path + ".unfinished", path)
    except cpython.Failed as err:
        sys.exit("wheel: %s" % err)
    except subprocess.CalledProcessError as err:
        sys.exit("wheel: %s ended with status %d" % (" ".join(err.cmd[:3]), err.returncode))
    print("%s: %.1f MB" % (os.path.relpath(path, ROOT), os.path.getsize(path) / 1e6))


if __name__ == "__main__":
    main(*sys.argv[1:])
