"""Measures whether it matters how gowsgi came to the machine: `make bench-installed`.

The CPU of a request to the program that `make build` made, twice (what two equal ones differ by), to the one
that pip installed from the wheel, and to an executable that `gowsgi build` made of the site.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import pathlib
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import envs
import machine
import tables
import turns
from client import free_port, wait_until_ready
from loads import LOADS, Load
from measure import run_main, say
from peers import APPS, BENCH, BUILD, PEERS, ROOT, Launch, environment, gowsgi_settings
from process import Server, ServerFailed

RESULTS = BENCH / "results" / "installed.json"
FOLDER = BUILD / "installed"
NAMES = ("program", "again", "wheel", "bundle")
PLAIN = ("program", "again")


def do(*command: str | pathlib.Path) -> None:
    log = FOLDER / "log"
    with open(log, "wb") as output:
        done = subprocess.run(command, cwd=APPS, stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise envs.Missing(f"{command[0]} ended with status {done.returncode}: {envs.reason(log)}")


def the_wheel() -> pathlib.Path:
    wheels = sorted((ROOT / "dist").glob("gowsgi_server-*_x86_64.whl"))
    if len(wheels) != 1:
        raise envs.Missing(f"{ROOT / 'dist'} has {len(wheels)} wheels, not one: make wheel")
    return wheels[0]


def install(wheel: pathlib.Path, venv: pathlib.Path) -> pathlib.Path:
    """The program that the wheel brings into the virtualenv of the applications, of which it is a part then."""
    pip = (venv / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    do(*pip, "--force-reinstall", wheel)
    return venv / "bin" / "gowsgi"


def build(gowsgi: pathlib.Path, venv: pathlib.Path, load: Load) -> pathlib.Path:
    file = FOLDER / load.app
    do(gowsgi, "build", "-o", file, "--venv", venv, "--chdir", APPS, f"{load.app}:application")
    return file


@contextlib.contextmanager
def started(
    commands: dict[str, Callable[[int], Sequence[str]]], load: Load, venv: pathlib.Path, name: str
) -> Iterator[tuple[Server, int]]:
    port = free_port()
    log = BUILD / "log" / f"installed-{name}.log"
    with closing(Server(list(commands[name](port)), environment(PEERS["gowsgi"], venv), APPS, log)) as server:
        if not load.right(wait_until_ready(server, port, load.upload)):
            raise ServerFailed("wrong answer")
        yield server, port


def measure(options: argparse.Namespace, venv: pathlib.Path, wheel: pathlib.Path, load: Load) -> dict[str, Any]:
    say(load.title)
    program, installed = options.gowsgi.resolve(), install(wheel, venv)
    bundle = build(program, venv, load)

    def settings(port: int) -> list[str]:
        return gowsgi_settings(Launch(load.app, port, load.threads, venv, program))

    def of_bundle(port: int) -> list[str]:
        return [str(bundle), "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", str(load.threads)]

    commands: dict[str, Callable[[int], Sequence[str]]] = {
        "program": lambda port: [str(program), *settings(port)],
        "again": lambda port: [str(program), *settings(port)],
        "wheel": lambda port: [str(installed), *settings(port)],
        "bundle": of_bundle,
    }
    start = functools.partial(started, commands, load, venv)
    return turns.compare(NAMES, PLAIN, start, load.connections, options.seconds, options.rounds, warmup=2)


def main(args: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Measures whether it matters how gowsgi came to the machine.")
    parser.add_argument("--gowsgi", type=pathlib.Path, default=ROOT / "bin" / "gowsgi", help="what make build made")
    parser.add_argument("--loads", default="hello,django", help="with commas between them (default: hello,django)")
    parser.add_argument("--seconds", type=int, default=8, help="of load in each round, for each (default: 8)")
    parser.add_argument("--rounds", type=int, default=4, help="default: 4")
    parser.add_argument("--try", dest="trial", action="store_true", help="keep nothing")
    options = parser.parse_args(args)
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        wheel, venv = the_wheel(), envs.prepare("gowsgi", options.gowsgi)
        found = {name: measure(options, venv, wheel, LOADS[name]) for name in options.loads.split(",")}
    except envs.Missing as why:
        say(f"gowsgi: {why}")
        return 1
    results = {
        "machine": machine.describe(),
        "versions": machine.tools() | {"wheel": wheel.name},
        "settings": {"seconds": options.seconds, "rounds": options.rounds},
        "loads": found,
    }
    if not options.trial:
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    for name, figures in found.items():
        print(tables.plain(turns.rows(name, figures, "program")))
    return 0


if __name__ == "__main__":
    run_main(main)
