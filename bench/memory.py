"""Measures where a site's memory goes: by workers, by threads, and shared. `make bench-memory` runs it.

docs/memory.md explains, and holds the tables. A few minutes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import pathlib
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import envs
import machine
import tables
from measure import run_main, say
from peers import APPS, BENCH, BUILD, PEERS, ROOT, Launch, environment
from process import Server, ServerFailed

RESULTS = BENCH / "results" / "memory.json"
DOCUMENT = ROOT / "docs" / "memory.md"

APPLICATIONS = {"django_page": "a small Django site", "strings": "1.5 million strings"}
WORKERS, THREADS = 4, 8
REQUESTS = 4000  # so that each thread of each worker has served
CLIENTS = 16


@dataclass(frozen=True)
class Way:
    """A way to serve; family is whose virtualenv it runs in."""

    title: str
    family: str
    command: Callable[[Launch, int], list[str]]


def gowsgi(*more: str) -> Callable[[Launch, int], list[str]]:
    return lambda launch, workers: [
        *(str(launch.gowsgi), launch.target, "--bind", launch.address, "--log-level", "warning"),
        *("--workers", str(workers), "--threads", str(launch.threads)),
        *("--venv", str(launch.venv), "--chdir", str(APPS), *more),
    ]


def gunicorn(*more: str) -> Callable[[Launch, int], list[str]]:
    return lambda launch, workers: [
        *(launch.tool("gunicorn"), "--worker-class", "gthread", "--workers", str(workers)),
        *("--threads", str(launch.threads), "--bind", launch.address, "--keep-alive", "75"),
        *("--no-control-socket", "--log-level", "warning", *more, launch.target),
    ]


def uwsgi(*more: str) -> Callable[[Launch, int], list[str]]:
    return lambda launch, workers: [
        *(launch.tool("uwsgi"), "--http11-socket", launch.address, "--master", "--processes", str(workers)),
        *("--threads", str(launch.threads), "--module", launch.target),
        *("--need-app", "--die-on-term", "--disable-logging", *more),
    ]


def granian(launch: Launch, workers: int) -> list[str]:
    return [
        *(launch.tool("granian"), "--interface", "wsgi", "--no-ws", "--log-level", "warning"),
        *("--host", "127.0.0.1", "--port", str(launch.port), "--workers", str(workers)),
        *("--blocking-threads", str(launch.threads), launch.target),
    ]


WAYS = {
    "gowsgi": Way("gowsgi", "gowsgi", gowsgi()),
    "gowsgi-preload": Way("gowsgi --preload", "gowsgi", gowsgi("--preload")),
    "gunicorn": Way("Gunicorn", "gunicorn", gunicorn()),
    "gunicorn-preload": Way("Gunicorn --preload", "gunicorn", gunicorn("--preload")),
    "uwsgi": Way("uWSGI", "uwsgi", uwsgi()),
    "uwsgi-lazy": Way("uWSGI --lazy-apps", "uwsgi", uwsgi("--lazy-apps")),
    "granian": Way("Granian", "granian", granian),
}

# gowsgi alone: what a worker and what a thread costs.
SERIES = [
    ("gowsgi", 1, 8),
    ("gowsgi", 2, 8),
    ("gowsgi", 4, 8),
    ("gowsgi", 1, 1),
    ("gowsgi", 1, 32),
    ("gowsgi-preload", 1, 8),
    ("gowsgi-preload", 2, 8),
    ("gowsgi-preload", 4, 8),
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port: int, count: int) -> None:
    """Ask count times, on a new connection each twentieth time, so that all workers get some."""
    connection = None
    for number in range(count):
        if number % 20 == 0:
            if connection:
                connection.close()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/%d" % number)
        response = connection.getresponse()
        response.read()
        if response.status not in (200, 404):
            raise ServerFailed(f"answered {response.status}")
    if connection:
        connection.close()


def wait_ready(server: Server, port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            ask(port, 1)
            return
        except OSError:
            if not server.alive() or time.monotonic() > deadline:
                raise ServerFailed(server.last_words()) from None
            time.sleep(0.05)


def measure_one(way: Way, app: str, workers: int, threads: int, program: pathlib.Path) -> dict[str, Any]:
    venv = envs.prepare(way.family, program)
    launch = Launch(app, free_port(), threads, venv, program)
    command = way.command(launch, workers)
    server = Server(command, environment(PEERS[way.family], venv), APPS, BUILD / "log" / "memory.log")
    try:
        wait_ready(server, launch.port)
        clients = [threading.Thread(target=ask, args=(launch.port, REQUESTS // CLIENTS)) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        memory = server.memory()
    finally:
        server.close()
    return {"pss": memory.pss, "rss": memory.rss}


def measure(program: pathlib.Path) -> dict[str, Any]:
    results: dict[str, Any] = {"machine": machine.describe(), "versions": machine.tools(), "servers": {}, "series": []}
    for name in ("wrk", "Apache"):
        results["versions"].pop(name)  # no part of this
    for id, way in WAYS.items():
        say(way.title)
        row: dict[str, Any] = {}
        for app in APPLICATIONS:
            try:
                row[app] = measure_one(way, app, WORKERS, THREADS, program)
            except (ServerFailed, envs.Missing) as why:
                row["missing"] = str(why)
                break
            say(f"  {app:12} PSS {row[app]['pss'] / 1e6:.0f} MB, RSS {row[app]['rss'] / 1e6:.0f} MB")
        peer = PEERS[way.family]
        if peer.distribution and "missing" not in row:
            results["versions"] |= envs.versions(BUILD / "venv" / way.family, [peer.distribution])
        results["servers"][id] = row
    for id, workers, threads in SERIES:
        found = measure_one(WAYS[id], "django_page", workers, threads, program)
        say(f"{WAYS[id].title}, {workers} x {threads}: PSS {found['pss'] / 1e6:.1f} MB")
        results["series"].append({"way": id, "workers": workers, "threads": threads, **found})
    return results


def markdown(results: dict[str, Any]) -> str:
    m = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items() if version)
    rows = [["", *(f"{title}, PSS MB" for title in APPLICATIONS.values())]]
    for id, row in results["servers"].items():
        if "missing" not in row:
            rows.append([WAYS[id].title, *(tables.megabytes(row[app]["pss"]) for app in APPLICATIONS)])
    series = [["the Django site under", "workers", "threads", "PSS MB"]]
    for row in results["series"]:
        series.append([WAYS[row["way"]].title, str(row["workers"]), str(row["threads"]), tables.megabytes(row["pss"])])
    missing = [
        f"- {WAYS[id].title} is missing: {row['missing']}."
        for id, row in results["servers"].items()
        if "missing" in row
    ]
    head = (
        f"{m['date'][:10]}, commit {m['commit']}{' with changes' if m['changed'] else ''}: {m['cpu']}, "
        f"{m['cores']} cores, {m['system']}, {m['kernel']}. {WORKERS} workers with {THREADS} threads after "
        f"{REQUESTS:,} requests; all processes of a server together. {versions}."
    )
    parts = [head, tables.markdown_table(rows), "\n".join(missing), tables.markdown_table(series)]
    return "\n\n".join(part for part in parts if part)


def main(args: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Measures where a site's memory goes.")
    parser.add_argument("--gowsgi", type=pathlib.Path, default=ROOT / "bin" / "gowsgi", help="the program to measure")
    parser.add_argument("--render", action="store_true", help=f"measure nothing: {RESULTS.name} into {DOCUMENT.name}")
    options = parser.parse_args(args)
    if options.render:
        results = json.loads(RESULTS.read_text())
    else:
        results = measure(options.gowsgi.resolve())
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    tables.put(DOCUMENT, "memory", markdown(results))
    print(markdown(results))
    return 0


if __name__ == "__main__":
    run_main(main)
