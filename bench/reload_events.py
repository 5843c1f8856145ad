"""The script that every server goes through, and the clients that keep it busy meanwhile."""

from __future__ import annotations

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import process
from client import free_port
from peers import BUILD, ROOT
from process import Server, ServerFailed, read_stat
from reload_peers import WORKERS, Peer, Place, Running

APPS = ROOT / "testapps"
CLIENT = BUILD / "reloadclient"
Result = dict[str, Any]

# Event, and its title in the table.
EVENTS = {
    "steady": "steady",
    "reload": "3 reloads",
    "workers": "a worker more, a worker less",
    "kill": "a worker is killed (KILL)",
    "upgrade": "binary upgrade",
    "recycle": "recycling by number of requests",
    "stop": "stop (TERM)",
}


@dataclass(frozen=True)
class Settings:
    """seconds: of the steady window, and what follows each event. patience: of a client, in seconds.

    streams: how many clients share a connection, where HTTP/2 is spoken.
    """

    gowsgi: pathlib.Path
    seconds: float = 3.0
    reloads: int = 3
    clients: int = 50
    streams: int = 7
    think_ms: int = 20
    pause_ms: int = 5
    patience: int = 10


class Client:
    """The Go program bench/reloadclient; its words are explained there."""

    def __init__(self, address: str, settings: Settings, *, http2: bool):
        command = [
            *(str(CLIENT), "-clients", str(settings.clients), "-think", f"{settings.think_ms}ms"),
            *("-pause", f"{settings.pause_ms}ms", "-patience", f"{settings.patience}s"),
            *("-streams", str(settings.streams if http2 else 0), address),
        ]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def say(self, words: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def ask(self, words: str) -> Any:
        assert self.process.stdout
        self.say(words)
        return json.loads(self.process.stdout.readline())

    def last(self) -> set[int]:
        """The processes that answered each client last."""
        return set(self.ask("present")["last"] or ())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


def build_client() -> None:
    done = subprocess.run(
        ["go", "build", "-o", str(CLIENT), "./bench/reloadclient"],
        cwd=ROOT,
        env={**os.environ, "CGO_ENABLED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"bench/reloadclient does not build: {done.stderr.strip()}")


@contextmanager
def started(peer: Peer, settings: Settings, venv: pathlib.Path, *options: str) -> Iterator[tuple[Running, Client]]:
    """A server, ready, and clients that keep it busy."""
    folder = BUILD / "reload" / peer.id
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    place = Place(f"127.0.0.1:{free_port()}", APPS, venv, settings.gowsgi, folder)
    command = peer.command(place)
    command[1:1] = options
    env = {name: os.environ[name] for name in ("HOME", "TMPDIR", "USER") if name in os.environ}
    env |= {"PATH": f"{venv / 'bin'}:{os.environ.get('PATH', os.defpath)}", "PYTHONPATH": str(APPS), "LANG": "C.UTF-8"}
    log = BUILD / "log" / f"reload-{peer.id}{'-recycle' if options else ''}.log"
    with closing(Server(command, env | {"VIRTUAL_ENV": str(venv)}, APPS, log)) as server:
        running = Running(server, place, server.process.pid)
        running.wait("it answers", lambda: answered_by(server, place.address) != 0, 30)
        # All workers, so that the connections can spread: but some servers do not spread a few.
        seen: set[int] = set()
        with suppress(ServerFailed):
            running.wait("", lambda: enlarge(seen, {answered_by(server, place.address)}) >= WORKERS, 3)
        with closing(Client(place.address, settings, http2=peer.http2)) as client:
            running.wait("clients are answered", lambda: client.ask("present")["requests"] > settings.clients, 10)
            yield running, client


def answered_by(server: Server, address: str) -> int:
    """The process that answers on a new connection; 0 if none does."""
    if not server.alive():
        raise ServerFailed(f"ended at start ({server.process.returncode}): {server.last_words()}")
    connection = http.client.HTTPConnection(address, timeout=5)
    try:
        connection.request("GET", "/lossless?id=x&blocks=0&pause=0", headers={"Connection": "close"})
        response = connection.getresponse()
        return int(response.read().split()[2]) if response.status == 200 else 0
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def one_peer(peer: Peer, settings: Settings, venv: pathlib.Path) -> tuple[dict[str, Result], dict[str, str]]:
    """What happened to the requests, by event, and why it did not happen, if it should have.

    An event that the server does not have is in neither.
    """
    try:
        windows = all_but_recycling(peer, settings, venv)
    except ServerFailed as why:
        return {}, {"": str(why)}
    if peer.recycle:
        try:
            windows["recycle"] = recycling(peer, settings, venv)
        except ServerFailed as why:
            return windows, {"recycle": str(why)}
    return windows, {}


def all_but_recycling(peer: Peer, settings: Settings, venv: pathlib.Path) -> dict[str, Result]:
    with started(peer, settings, venv) as (running, client):
        script = Script(running, client, settings)
        script.window("steady")
        time.sleep(settings.seconds)
        if peer.reload:
            script.window("reload")
            for _ in range(settings.reloads):
                script.replaced(peer.reload)
        if peer.grow and peer.shrink:
            script.window("workers")
            for change in (peer.grow, peer.shrink):
                change(running)
                time.sleep(settings.seconds)
        script.window("kill")
        time.sleep(1)
        os.kill(script.busiest(), signal.SIGKILL)
        time.sleep(settings.seconds)
        if peer.upgrade:
            script.window("upgrade")
            script.replaced(peer.upgrade)
        return script.stop()


def recycling(peer: Peer, settings: Settings, venv: pathlib.Path) -> Result:
    with started(peer, settings, venv, *peer.recycle) as (running, client):
        script = Script(running, client, settings)
        script.window("recycle")
        seen: set[int] = set()
        running.wait("recycling", lambda: enlarge(seen, client.last()) >= 4 * WORKERS)
        return script.end()["recycle"]


def enlarge(seen: set[int], found: set[int]) -> int:
    seen |= found
    return len(seen)


class Script:
    """Says what happens to the clients and to the server."""

    def __init__(self, running: Running, client: Client, settings: Settings):
        self.running, self.client, self.settings = running, client, settings

    def window(self, event: str) -> None:
        """Begins another one, once nobody waits for what happened in the last."""
        limit = self.settings.patience + 5
        self.running.wait("all clients are answered", lambda: self.client.ask("present")["waiting"] == 0, limit)
        self.client.say(f"window {event}")

    def living(self) -> set[int]:
        """The processes that answer clients."""
        return {pid for pid in self.client.last() if (stat := read_stat(pid)) and stat.state != "Z"}

    def busiest(self) -> int:
        """The process that has answered most in this window."""
        answers = self.client.ask("present")["workers"]
        return int(max(answers, key=answers.__getitem__))

    def replaced(self, happens: Callable[[Running], None]) -> None:
        """Makes it happen, and waits until the processes that answered are gone."""
        before = self.living()
        happens(self.running)
        self.running.wait("all workers are replaced", lambda: not before & self.living(), 30)
        time.sleep(self.settings.seconds)

    def stop(self) -> dict[str, Result]:
        # Whatever the server has started, and the master that an upgrade left.
        everyone = {(stat.pid, stat.start) for stat in process.tree(self.running.server.process.pid)}
        self.window("stop")
        self.client.say("stopping")
        self.running.signal(signal.SIGTERM)
        self.running.wait("its end", lambda: not any(lives(pid, start) for pid, start in everyone), 40)
        return self.end()

    def end(self) -> dict[str, Result]:
        """Ends the clients."""
        return {window["name"]: window for window in self.client.ask("stop")}


def lives(pid: int, start: int) -> bool:
    stat = read_stat(pid)
    return bool(stat and stat.start == start and stat.state != "Z")


def shown_command(peer: Peer, venv: pathlib.Path) -> str:
    """For a reader: paths from the tree's root, and always the same port."""
    place = Place("127.0.0.1:8000", APPS, venv, ROOT / "bin" / "gowsgi", BUILD / "reload" / peer.id)
    words = [f"'{word}'" if " " in word else word for word in peer.command(place)]
    return " ".join(words).replace(f"{ROOT}/", "")
