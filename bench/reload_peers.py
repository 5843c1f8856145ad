"""How each server of the reload benchmark is started, and what each event is to it."""

from __future__ import annotations

import os
import pathlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from process import Server, ServerFailed

WORKERS = 2
THREADS = 8
# A worker is replaced after so many requests, and a few more so that not all are at once.
MAX_REQUESTS, JITTER = 1000, 200


@dataclass(frozen=True)
class Place:
    """What a command is made of. folder: of this run alone, for pid files and the like."""

    address: str
    apps: pathlib.Path
    venv: pathlib.Path
    gowsgi: pathlib.Path
    folder: pathlib.Path

    def tool(self, name: str) -> str:
        return str(self.venv / "bin" / name)

    @property
    def pid_file(self) -> pathlib.Path:
        return self.folder / "pid"


@dataclass
class Running:
    """A started server. main: the process that takes signals, which an upgrade may change."""

    server: Server
    place: Place
    main: int

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.main, number)

    def wait(self, what: str, condition: Callable[[], bool], timeout: float = 20.0) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > deadline:
                raise ServerFailed(f"not within {timeout:.0f} s: {what}; {self.server.last_words()}")
            time.sleep(0.01)


Action = Callable[[Running], None]


@dataclass(frozen=True)
class Peer:
    """recycle: options that have workers replaced after some requests. None, or (): it has no such thing.

    http2: the clients speak that, and know so beforehand (RFC 9113, 3.3).
    """

    id: str
    title: str
    family: str
    command: Callable[[Place], list[str]]
    reload: Action | None
    recycle: tuple[str, ...] = ()
    grow: Action | None = None
    shrink: Action | None = None
    upgrade: Action | None = None
    distribution: str = ""
    notes: dict[str, str] = field(default_factory=dict)
    http2: bool = False

    def with_http2(self, *options: str) -> Peer:
        """The same one, which speaks HTTP/2 by these options. What was noted of it is not said twice."""

        def command(place: Place) -> list[str]:
            program, *others = self.command(place)
            return [program, *options, *others]

        return replace(self, id=f"{self.id}-http2", command=command, notes={}, http2=True)


def sends(number: signal.Signals) -> Action:
    return lambda running: running.signal(number)


def writes(word: str) -> Action:
    """For uWSGI's master FIFO."""

    def write(running: Running) -> None:
        # Not opened for reading as well: without a reader this fails rather than waits.
        fifo = os.open(running.place.folder / "fifo", os.O_WRONLY | os.O_NONBLOCK)
        try:
            os.write(fifo, word.encode())
        finally:
            os.close(fifo)

    return write


def read_pid(file: pathlib.Path) -> int:
    """0 while there is none."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0


def gowsgi_upgrade(running: Running) -> None:
    old = running.main
    running.signal(signal.SIGUSR2)
    running.wait("another process in the pid file", lambda: read_pid(running.place.pid_file) not in (0, old))
    running.main = read_pid(running.place.pid_file)


def gunicorn_upgrade(running: Running) -> None:
    """As its documentation has it: USR2, and TERM for the old one once the new one serves."""
    old, file = running.main, running.place.pid_file.with_name("pid.2")
    running.signal(signal.SIGUSR2)
    running.wait("a second pid file", lambda: read_pid(file) not in (0, old))
    new = read_pid(file)
    # It does not say when its workers have loaded the application: when the log has as many as there should be.
    booted = "Booting worker with pid"
    running.wait("the new workers", lambda: running.server.log.read_text().count(booted) >= 2 * WORKERS)
    running.signal(signal.SIGTERM)
    running.main = new


def uwsgi_reload(running: Running) -> None:
    """Waits for its end, as another one would be refused until then."""
    through = "chain reloading complete"
    before = running.server.log.read_text().count(through)
    writes("c")(running)
    running.wait(through, lambda: running.server.log.read_text().count(through) > before, 30)


def gowsgi(place: Place) -> list[str]:
    return [
        *(str(place.gowsgi), "lossless:application", "--bind", place.address, "--pid", str(place.pid_file)),
        *("--workers", str(WORKERS), "--threads", str(THREADS), "--venv", str(place.venv), "--chdir", str(place.apps)),
    ]


def gunicorn(place: Place) -> list[str]:
    return [
        *(place.tool("gunicorn"), "--worker-class", "gthread", "--workers", str(WORKERS), "--threads", str(THREADS)),
        *("--bind", place.address, "--keep-alive", "75", "--pid", str(place.pid_file), "--no-control-socket"),
        "lossless:application",
    ]


def granian(place: Place) -> list[str]:
    host, port = place.address.split(":")
    return [
        *(place.tool("granian"), "--interface", "wsgi", "--no-ws", "--host", host, "--port", port),
        *("--workers", str(WORKERS), "--blocking-threads", str(THREADS), "--respawn-failed-workers"),
        "lossless:application",
    ]


def uwsgi(place: Place) -> list[str]:
    return [
        *(place.tool("uwsgi"), "--http", place.address, "--http-keepalive", "--master", "--lazy-apps"),
        *("--processes", str(WORKERS + 1), "--cheaper", "1", "--cheaper-initial", str(WORKERS)),
        *("--cheaper-algo", "manual", "--threads", str(THREADS), "--module", "lossless:application", "--need-app"),
        *("--disable-logging", "--master-fifo", str(place.folder / "fifo"), "--min-worker-lifetime", "0"),
        *("--hook-master-start", "unix_signal:15 gracefully_kill_them_all"),
    ]


HTTP1: dict[str, Peer] = {
    peer.id: peer
    for peer in (
        Peer(
            *("gowsgi", "gowsgi", "gowsgi", gowsgi),
            reload=sends(signal.SIGHUP),
            recycle=("--max-requests", str(MAX_REQUESTS), "--max-requests-jitter", str(JITTER)),
            grow=sends(signal.SIGTTIN),
            shrink=sends(signal.SIGTTOU),
            upgrade=gowsgi_upgrade,
        ),
        Peer(
            *("gunicorn", "Gunicorn gthread", "gunicorn", gunicorn),
            distribution="gunicorn",
            reload=sends(signal.SIGHUP),
            recycle=("--max-requests", str(MAX_REQUESTS), "--max-requests-jitter", str(JITTER)),
            grow=sends(signal.SIGTTIN),
            shrink=sends(signal.SIGTTOU),
            upgrade=gunicorn_upgrade,
            notes={"upgrade": "USR2, and TERM for the old master once the new one has started its workers"},
        ),
        Peer(
            *("granian", "Granian", "granian", granian),
            distribution="granian",
            reload=sends(signal.SIGHUP),
            notes={
                "recycle": "has no limit of requests; it can replace workers by age, from 60 s on, and by memory",
                "workers": "its number of workers is fixed",
                "upgrade": "has no such thing",
                "kill": "with --respawn-failed-workers; without, the loss of a worker ends the server",
            },
        ),
        Peer(
            *("uwsgi", "uWSGI", "uwsgi", uwsgi),
            distribution="uwsgi",
            reload=uwsgi_reload,
            # It has a difference from worker to worker in the place of a jitter.
            recycle=("--max-requests", str(MAX_REQUESTS), "--max-requests-delta", str(JITTER)),
            grow=writes("+"),
            shrink=writes("-"),
            upgrade=writes("r"),
            notes={
                "": "--http: its own router holds the clients' connections and hands requests to the workers",
                "reload": "chain reload, one worker after the other (c on the master FIFO, with --lazy-apps)",
                "workers": "+ and - on the master FIFO, with --cheaper-algo manual",
                "upgrade": "its graceful reload (r on the master FIFO, or HUP) executes the program anew",
                "stop": "TERM with the hook gracefully_kill_them_all; without the hook it is a brutal reload",
            },
        ),
    )
}

# Those that speak HTTP/2 without TLS.
HTTP2: dict[str, Peer] = {
    peer.id: peer
    for peer in (
        HTTP1["gowsgi"].with_http2("--http2-cleartext", "prior-knowledge"),
        HTTP1["gunicorn"].with_http2("--http-protocols", "h1,h2", "--http2-cleartext", "both"),
        HTTP1["granian"].with_http2("--http", "auto"),
    )
}

PEERS = HTTP1 | HTTP2
