"""What a peer runs from: a virtualenv of its own, made once and kept under build/bench/."""

from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys

from peers import BEFORE, BENCH, BUILD, PEERS, ROOT

REQUIREMENTS = BENCH / "requirements"
DOWNLOAD = BUILD / "download.bin"


class Missing(Exception):
    """A peer that cannot be had on this machine; the text says why."""


def prepare(family: str, gowsgi: pathlib.Path) -> pathlib.Path:
    """The virtualenv of family, made if need be; raises Missing."""
    if family == "nethttp":
        return build_nethttp()
    if family == "before":
        build_before()
        family = "gowsgi"  # the same applications
    elif family == "gowsgi" and not os.access(gowsgi, os.X_OK):
        raise Missing(f"{gowsgi} is not there: make build")
    venv = BUILD / "venv" / family
    stamp = venv / "gowsgi-bench-stamp"
    wanted = fingerprint(family)
    if not stamp.is_file() or stamp.read_text() != wanted:
        make_virtualenv(family, venv)
        stamp.write_text(wanted)
    if family == "mod_wsgi" and not shutil.which("apache2") and not shutil.which("httpd"):
        raise Missing("no Apache on this machine (apache2: bench/install-peers.sh)")
    return venv


def fingerprint(family: str) -> str:
    digest = hashlib.sha256(f"{sys.executable} {sys.version}".encode())
    for name in ("apps", family):
        digest.update((REQUIREMENTS / f"{name}.txt").read_bytes())
    return digest.hexdigest()


def make_virtualenv(family: str, venv: pathlib.Path) -> None:
    print(f"  making the virtualenv of {family} …", file=sys.stderr, flush=True)
    shutil.rmtree(venv, ignore_errors=True)
    log = BUILD / "log" / f"install-{family}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    steps = (
        [sys.executable, "-m", "venv", str(venv)],
        [
            *(str(venv / "bin" / "python"), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"),
            *("-r", str(REQUIREMENTS / f"{family}.txt")),
        ],
    )
    with open(log, "wb") as output:
        for step in steps:
            try:
                subprocess.run(step, stdout=output, stderr=subprocess.STDOUT, check=True, timeout=900)
            except (OSError, subprocess.SubprocessError) as error:
                needs = next((peer.needs for peer in PEERS.values() if peer.family == family and peer.needs), "")
                hint = f" (it needs {needs})" if needs else ""
                raise Missing(f"not installed: {reason(log) or error}{hint}; {log.relative_to(ROOT)}") from error


def reason(log: pathlib.Path) -> str:
    """The line of a log that names the trouble: of pip's the compiler's before its own."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    not_found = ("ERROR: Could not find", "ERROR: No matching")
    for mark in ("fatal error:", "RuntimeError:", *not_found, "error:", "ERROR:", "fatal:"):
        for line in lines:
            if mark in line:
                return line[:160]
    return ""


def build_nethttp() -> pathlib.Path:
    if not shutil.which("go"):
        raise Missing("no Go on this machine")
    BUILD.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["go", "build", "-o", str(BUILD / "nethttp"), "./bench/nethttp"],
        cwd=ROOT,
        env={**os.environ, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise Missing(f"bench/nethttp does not build: {done.stderr.strip()[-160:]}")
    return BUILD


def build_before() -> None:
    """gowsgi of an older commit, from a copy of its sources: build/bench/before/bin/gowsgi."""
    tree = BUILD / "before"
    stamp, wanted = tree / "gowsgi-bench-stamp", f"{BEFORE} {sys.executable} {sys.version}"
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    print(f"  building gowsgi at {BEFORE} …", file=sys.stderr, flush=True)
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    sources, log = tree / "sources.tar", BUILD / "log" / "install-before.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    steps = (
        ["git", "-C", str(ROOT), "archive", "--output", str(sources), BEFORE],
        ["tar", "-x", "-C", str(tree), "-f", str(sources)],
        ["make", "-C", str(tree), "build", f"PYTHON={sys.executable}"],
    )
    with open(log, "wb") as output:
        for step in steps:
            try:
                subprocess.run(step, stdout=output, stderr=subprocess.STDOUT, check=True, timeout=900)
            except (OSError, subprocess.SubprocessError) as error:
                raise Missing(f"not built: {reason(log) or error} ({log.relative_to(ROOT)})") from error
    sources.unlink()
    stamp.write_text(wanted)


def make_download() -> None:
    """The file that bench/apps/download_file.py serves: 10 MB, written out, so no hole."""
    if not DOWNLOAD.is_file() or DOWNLOAD.stat().st_size != 10_000_000:
        DOWNLOAD.parent.mkdir(parents=True, exist_ok=True)
        DOWNLOAD.write_bytes(os.urandom(1_000_000) * 10)


def versions(venv: pathlib.Path, names: list[str]) -> dict[str, str]:
    """The installed versions of distributions in venv; those that are not there are left out."""
    code = (
        "import importlib.metadata as m, json, sys\n"
        "print(json.dumps({d: m.version(d) for d in sys.argv[1:] if list(m.distributions(name=d))}))"
    )
    done = subprocess.run(
        [str(venv / "bin" / "python"), "-c", code, *names], capture_output=True, text=True, timeout=60, check=False
    )
    return json.loads(done.stdout) if done.returncode == 0 else {}
