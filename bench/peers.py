"""Who is measured, and the command that starts each with one process and the threads of the load.

A peer is one way to run one server; several peers may share a family, which is one virtualenv.
"""

from __future__ import annotations

import os
import pathlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

BENCH = pathlib.Path(__file__).resolve().parent
ROOT = BENCH.parent
BUILD = ROOT / "build" / "bench"
APPS = BENCH / "apps"
# The last state before HTTP/1 of our own and the lane: what that was to make faster.
BEFORE = "83781c7"


@dataclass(frozen=True)
class Launch:
    """What a command is made of."""

    app: str
    port: int
    threads: int
    venv: pathlib.Path
    gowsgi: pathlib.Path

    @property
    def target(self) -> str:
        return f"{self.app}:application"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def tool(self, name: str) -> str:
        return str(self.venv / "bin" / name)


@dataclass(frozen=True)
class Peer:
    """threads: None for those of the load. pooled: runs that many Python threads, so it compares with gowsgi."""

    id: str
    title: str
    family: str
    command: Callable[[Launch], list[str]]
    distribution: str = ""
    threads: int | None = None
    pooled: bool = True
    env: dict[str, str] = field(default_factory=dict)
    note: str = ""
    needs: str = ""

    def threads_for(self, wanted: int) -> int:
        return wanted if self.threads is None else self.threads


def gowsgi(launch: Launch) -> list[str]:
    return [str(launch.gowsgi), *gowsgi_settings(launch)]


def before(launch: Launch) -> list[str]:
    return [str(BUILD / "before" / "bin" / "gowsgi"), *gowsgi_settings(launch)]


def gowsgi_settings(launch: Launch) -> list[str]:
    return [
        *(launch.target, "--bind", launch.address),
        *("--workers", "1", "--threads", str(launch.threads)),
        *("--venv", str(launch.venv), "--chdir", str(APPS)),
    ]


def nethttp(launch: Launch) -> list[str]:
    return [str(BUILD / "nethttp"), launch.address]


def granian(launch: Launch) -> list[str]:
    threads = ["--blocking-threads", str(launch.threads)] if launch.threads else []
    return [
        *(launch.tool("granian"), "--interface", "wsgi", "--no-ws", "--log-level", "warning"),
        *("--host", "127.0.0.1", "--port", str(launch.port), "--workers", "1", *threads, launch.target),
    ]


def gunicorn(launch: Launch) -> list[str]:
    return [
        *(launch.tool("gunicorn"), "--worker-class", "gthread", "--workers", "1", "--threads", str(launch.threads)),
        *("--bind", launch.address, "--keep-alive", "75", "--worker-connections", "2000"),
        *("--no-control-socket", "--log-level", "warning", launch.target),
    ]


def uwsgi(launch: Launch) -> list[str]:
    return [
        *(launch.tool("uwsgi"), "--http11-socket", launch.address, "--master", "--processes", "1"),
        *("--threads", str(launch.threads), "--module", launch.target),
        *("--need-app", "--die-on-term", "--disable-logging"),
    ]


def waitress(launch: Launch) -> list[str]:
    script = str(BENCH / "serve" / "waitress_serve.py")
    return [launch.tool("python"), script, launch.app, str(launch.port), str(launch.threads)]


def mod_wsgi(launch: Launch) -> list[str]:
    # Apache does not run Python as root, and another user could not read an interpreter under /root:
    # in a user namespace of its own it is not root, and still reads what root may.
    as_user: list[str] = []
    if os.geteuid() == 0:
        as_user = [shutil.which("unshare") or "unshare", "--user", "--map-user=33", "--map-group=33"]
    return [
        *(*as_user, launch.tool("mod_wsgi-express"), "start-server", launch.app, "--application-type", "module"),
        *("--host", "127.0.0.1", "--port", str(launch.port), "--processes", "1", "--threads", str(launch.threads)),
        *("--keep-alive-timeout", "75", "--enable-sendfile", "--disable-reloading"),
        *("--include-file", str(BENCH / "serve" / "mod_wsgi.conf"), "--python-path", str(APPS)),
        *("--server-root", str(BUILD / "mod_wsgi"), "--log-to-terminal", "--locale", "C.UTF-8"),
    ]


def bjoern(launch: Launch) -> list[str]:
    return [launch.tool("python"), str(BENCH / "serve" / "bjoern_serve.py"), launch.app, str(launch.port)]


def fastwsgi(launch: Launch) -> list[str]:
    return [
        *(launch.tool("fastwsgi"), "--host", "127.0.0.1", "--port", str(launch.port), "--loglevel", "0", launch.target)
    ]


def fastpysgi(launch: Launch) -> list[str]:
    return [*(launch.tool("fastpysgi"), "--host", "127.0.0.1", "--port", str(launch.port), launch.target)]


def peregrine(launch: Launch) -> list[str]:
    return [
        *(launch.tool("peregrine"), "--host", "127.0.0.1", "--port", str(launch.port), "--workers", "1"),
        *("--wsgi-threads", str(launch.threads), "--protocol", "wsgi", "--max-connections", "20000"),
        *("--keep-alive", "75000", "--log-level", "warning", launch.target),
    ]


def pyvoy(launch: Launch) -> list[str]:
    return [
        *(launch.tool("pyvoy"), "--interface", "wsgi", "--address", "127.0.0.1", "--port", str(launch.port)),
        *("--worker-threads", str(launch.threads), launch.target),
    ]


def caddysnake(launch: Launch) -> list[str]:
    return [
        *(launch.tool("caddysnake"), "--server-type", "wsgi", "--app", launch.target, "--listen", launch.address),
        *("--workers", "1", "--workers-runtime", "thread"),
    ]


PEERS: dict[str, Peer] = {
    peer.id: peer
    for peer in (
        Peer("nethttp", "net/http alone", "nethttp", nethttp, pooled=False, note="a Go program without Python"),
        Peer("gowsgi", "gowsgi", "gowsgi", gowsgi),
        Peer("gowsgi-1", "gowsgi, 1 thread", "gowsgi", gowsgi, threads=1),
        Peer(
            *("gowsgi-nolimit", "gowsgi, limit off", "gowsgi", gowsgi),
            env={"GOWSGI_LIMIT": "off"},
            note="all threads run at once: the adaptive limit is switched off",
        ),
        Peer("before", f"gowsgi at {BEFORE}", "before", before, note="as it was before HTTP/1 of its own and the lane"),
        Peer("granian", "Granian", "granian", granian, "granian", note="blocking threads as for everybody"),
        Peer("granian-1", "Granian, 1 thread", "granian", granian, "granian", threads=1),
        Peer(
            *("granian-default", "Granian, default", "granian", granian, "granian"),
            threads=0,
            pooled=False,
            note="without --blocking-threads: its own number of threads",
        ),
        Peer("gunicorn", "Gunicorn gthread", "gunicorn", gunicorn, "gunicorn"),
        Peer(
            *("uwsgi", "uWSGI", "uwsgi", uwsgi, "uwsgi"),
            note="http11-socket: a connection keeps its thread, so of N connections only as many as threads are served",
            needs="a C compiler",
        ),
        Peer("waitress", "Waitress", "waitress", waitress, "waitress", note="its queue-depth warnings are off"),
        Peer(
            *("mod_wsgi", "mod_wsgi", "mod_wsgi", mod_wsgi, "mod_wsgi"),
            note="mod_wsgi-express, daemon mode: Apache (event MPM) in front of one daemon process",
            needs="apache2 and apache2-dev: bench/install-peers.sh",
        ),
        Peer(
            *("bjoern", "bjoern", "bjoern", bjoern, "bjoern"),
            threads=1,
            pooled=False,
            note="has no threads: one request at a time",
            needs="libev-dev: bench/install-peers.sh",
        ),
        Peer(
            *("fastwsgi", "FastWSGI", "fastwsgi", fastwsgi, "fastwsgi"),
            threads=1,
            pooled=False,
            note="has no threads: one request at a time",
        ),
        Peer(
            *("fastpysgi", "fastpysgi", "fastpysgi", fastpysgi, "fastpysgi"),
            threads=1,
            pooled=False,
            note="has no threads: one request at a time",
        ),
        Peer(
            *("peregrine", "Peregrine", "peregrine", peregrine, "peregrine-server"),
            needs="CPython 3.11 or newer and glibc 2.35 or newer",
        ),
        Peer("pyvoy", "pyvoy", "pyvoy", pyvoy, "pyvoy", note="Envoy with CPython inside"),
        Peer(
            *("caddysnake", "caddysnake", "caddysnake", caddysnake, "caddysnake"),
            note="has no setting for threads: one worker in its thread runtime, which starts as many as it likes",
        ),
    )
}

# The peers of a load that asks for no special ones.
EVERYWHERE = tuple(peer for peer in PEERS if peer not in ("nethttp", "gowsgi-1", "gowsgi-nolimit", "before"))


def environment(peer: Peer, venv: pathlib.Path) -> dict[str, str]:
    """Nothing of the caller's settings reaches a server."""
    env = {name: os.environ[name] for name in ("HOME", "TMPDIR", "USER") if name in os.environ}
    path = f"{venv / 'bin'}:{os.environ.get('PATH', os.defpath)}"
    return env | {"PATH": path, "VIRTUAL_ENV": str(venv), "PYTHONPATH": str(APPS), "LANG": "C.UTF-8"} | peer.env


def select(names: list[str]) -> list[str]:
    """The ids of peers named by id or by family; KeyError for a name that is neither."""
    chosen = []
    for name in names:
        found = [peer.id for peer in PEERS.values() if name in (peer.id, peer.family)]
        if not found:
            raise KeyError(name)
        # "granian" is both a peer and a family: the family is meant.
        chosen += [peer for peer in found if peer not in chosen]
    return chosen
