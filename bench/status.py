"""Measures what it costs to be measured: `python3 bench/status.py`.

Hello's CPU with metrics off, off once more (what two equal ones differ by), on, and on while somebody
scrapes; and what `gowsgi status --watch` costs a worker that has nothing else to do.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import pathlib
import statistics
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import envs
import machine
import tables
import turns
from client import free_port, wait_until_ready
from loads import LOADS
from measure import Settings, run_main, say
from peers import APPS, BENCH, BUILD, PEERS, ROOT, Launch, environment, gowsgi
from process import Server, ServerFailed

RESULTS = BENCH / "results" / "status.json"
LAST = BUILD / "status.json"
LOAD = LOADS["hello"]
# A Prometheus asks every 15 s or so. This one is in a hurry.
SCRAPE_EVERY = 1.0

# By their names: the settings, and whether they are scraped.
METRICS = {
    "off": ([], False),
    "off again": ([], False),
    "on": (["--metrics", "127.0.0.1:{port}"], False),
    "scraped": (["--metrics", "127.0.0.1:{port}"], True),
}
PLAIN = ("off", "off again")


def arguments(args: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures what metrics and gowsgi status --watch cost.")
    parser.add_argument("--seconds", type=int, default=10, help="of load in each round, for each (default: 10)")
    parser.add_argument("--warmup", type=int, default=2, help="seconds of load before each round (default: 2)")
    parser.add_argument("--rounds", type=int, default=8, help="default: 8")
    parser.add_argument("--quick", action="store_true", help="two rounds of one second: does it work?")
    parser.add_argument("--gowsgi", type=pathlib.Path, default=ROOT / "bin" / "gowsgi", help="the program to measure")
    parser.add_argument("--out", type=pathlib.Path, help="where the results go")
    options = parser.parse_args(args)
    if min(options.seconds, options.warmup, options.rounds) < 1:
        parser.error("--seconds, --warmup and --rounds are at least 1")
    if options.quick:
        options.seconds, options.warmup, options.rounds = 1, 1, 2
    return options


@contextlib.contextmanager
def served(settings: Settings, venv: pathlib.Path, name: str, more: list[str]) -> Iterator[tuple[Server, int]]:
    """gowsgi with hello, and its port."""
    port = free_port()
    command = [*gowsgi(Launch(LOAD.app, port, LOAD.threads, venv, settings.gowsgi)), *more]
    log = BUILD / "log" / f"status-{name.replace(' ', '-')}.log"
    with closing(Server(command, environment(PEERS["gowsgi"], venv), APPS, log)) as server:
        if not LOAD.right(wait_until_ready(server, port, LOAD.upload)):
            raise ServerFailed("wrong answer")
        yield server, port


@contextlib.contextmanager
def again_and_again(do: Callable[[], object], pause: float) -> Iterator[None]:
    """Does it in a thread until the block is over. What goes wrong there is raised at its end."""
    over = threading.Event()
    failures: list[Exception] = []

    def loop() -> None:
        try:
            while not over.is_set():
                do()
                over.wait(pause)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failures:
        raise failures[0]


def scrape(port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as response:
        if b"gowsgi_requests_total" not in response.read():
            raise ServerFailed("the metrics have no requests")


@contextlib.contextmanager
def with_metrics(settings: Settings, venv: pathlib.Path, name: str) -> Iterator[tuple[Server, int]]:
    more, scraped = METRICS[name]
    address = free_port()
    with served(settings, venv, name, [word.format(port=address) for word in more]) as server:
        does = again_and_again(functools.partial(scrape, address), SCRAPE_EVERY)
        with does if scraped else contextlib.nullcontext():
            yield server


def measure_metrics(settings: Settings, venv: pathlib.Path) -> dict[str, Any]:
    started = functools.partial(with_metrics, settings, venv)
    rounds = (settings.seconds, settings.rounds, settings.warmup)
    return turns.compare(list(METRICS), PLAIN, started, LOAD.connections, *rounds)


@contextlib.contextmanager
def watched(settings: Settings, control: str) -> Iterator[None]:
    """Somebody runs `gowsgi status --watch` meanwhile."""
    command = [str(settings.gowsgi), "status", "--watch", "--json", "--control", control]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()  # it has had its first answer
        drain = threading.Thread(target=watcher.stdout.read)
        drain.start()
        try:
            yield
            if watcher.poll() is not None:
                raise ServerFailed(f"gowsgi status --watch ended with {watcher.returncode}")
        finally:
            watcher.terminate()
            drain.join()


def measure_watch(settings: Settings, venv: pathlib.Path) -> dict[str, Any]:
    """Of one worker, in turn: cores that it uses unwatched, and watched."""
    used: dict[str, list[float]] = {"unwatched": [], "watched": []}
    # At least two questions in each round.
    seconds = max(settings.seconds, 5)
    control = f"unix:{BUILD / 'status.control'}"
    with served(settings, venv, "watch", ["--control", control]) as (server, _port):
        worker = server.worker().pid
        for _ in range(settings.rounds):
            for name, rounds in used.items():
                with watched(settings, control) if name == "watched" else contextlib.nullcontext():
                    before, began = turns.run_time(worker), time.monotonic()
                    time.sleep(seconds)
                    rounds.append((turns.run_time(worker) - before) / (time.monotonic() - began))
            say(f"  {used['unwatched'][-1]:.4%} of a core unwatched, {used['watched'][-1]:.4%} watched")
    unwatched, with_watch = (statistics.median(rounds) for rounds in used.values())
    return {"unwatched": unwatched, "watched": with_watch, "costs": with_watch - unwatched, "rounds": used}


def main(args: list[str]) -> int:
    options = arguments(args)
    settings = Settings(options.seconds, options.rounds, options.warmup, options.gowsgi.resolve())
    try:
        venv = envs.prepare("gowsgi", settings.gowsgi)
    except envs.Missing as why:
        say(f"gowsgi: {why}")
        return 1
    say("Hello, with metrics off and on")
    metrics = measure_metrics(settings, venv)
    say("A worker that is watched")
    watch = measure_watch(settings, venv)
    results = {
        "machine": machine.describe(),
        "versions": machine.tools()
        | {"gowsgi": machine.first_line(str(settings.gowsgi), "--version").removeprefix("gowsgi ")},
        "settings": {
            "seconds": settings.seconds,
            "rounds": settings.rounds,
            "warmup": settings.warmup,
            "scrape_every": SCRAPE_EVERY,
        },
        "metrics": metrics,
        "watch": watch,
    }
    out = options.out or (LAST if options.quick else RESULTS)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    print(tables.plain(turns.rows("metrics", metrics, "off")))
    print(f"gowsgi status --watch costs a worker {watch['costs']:.4%} of a core ({watch['unwatched']:.4%} without).")
    say(f"Results: {out}")
    return 0


if __name__ == "__main__":
    run_main(main)
