"""Measures gowsgi beside its peers: `python3 bench/run.py`, what `make bench` runs. bench/README.md explains."""

from __future__ import annotations

import argparse
import json
import pathlib
import resource
import shutil
import sys
from typing import Any

import envs
import lines
import machine
import tables
from loads import LOADS
from measure import Settings, contenders, run_load, run_main, say
from peers import BENCH, BUILD, PEERS, ROOT, select

LATEST = BENCH / "results" / "latest.json"
LAST = BUILD / "last.json"
DISTRIBUTIONS = ["Django", "Flask"]


def arguments(args: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Measures gowsgi beside its peers.",
        epilog=f"Peers: {', '.join(PEERS)}. Loads: {', '.join(LOADS)}. A complete run is kept as "
        f"{LATEST.relative_to(ROOT)} and put into the READMEs; any other as {LAST.relative_to(ROOT)}.",
    )
    parser.add_argument("--peers", help="only these, by name or family (with commas between them)")
    parser.add_argument("--loads", help="only these (with commas between them)")
    parser.add_argument("--seconds", type=int, default=5, help="of load in each round (default: 5)")
    parser.add_argument("--warmup", type=int, default=2, help="seconds of load before each round (default: 2)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--quick", action="store_true", help="one round of one second; growth to 100,000")
    parser.add_argument("--gowsgi", type=pathlib.Path, default=ROOT / "bin" / "gowsgi", help="the program to measure")
    parser.add_argument("--out", type=pathlib.Path, help="where the results go")
    parser.add_argument("--render", action="store_true", help="measure nothing: tables from the results (of --from)")
    parser.add_argument("--from", dest="source", type=pathlib.Path, default=LATEST, help="results for --render")
    parser.add_argument("--install", action="store_true", help="measure nothing: only make the virtualenvs")
    options = parser.parse_args(args)
    if min(options.seconds, options.warmup, options.rounds) < 1:
        parser.error("--seconds, --warmup and --rounds are at least 1")
    options.loads = options.loads.split(",") if options.loads else list(LOADS)
    if unknown := [name for name in options.loads if name not in LOADS]:
        parser.error(f"no such load: {', '.join(unknown)}; there are: {', '.join(LOADS)}")
    try:
        options.peers = select(options.peers.split(",")) if options.peers else list(PEERS)
    except KeyError as unknown_peer:
        parser.error(f"no such peer: {unknown_peer.args[0]}; there are: {', '.join(PEERS)}")
    options.complete = not options.quick and options.peers == list(PEERS) and options.loads == list(LOADS)
    return options


def prepare(families: list[str], gowsgi: pathlib.Path) -> dict[str, pathlib.Path | str]:
    """A virtualenv for each family, or the reason why there is none."""
    found: dict[str, pathlib.Path | str] = {}
    for family in families:
        try:
            found[family] = envs.prepare(family, gowsgi)
        except envs.Missing as why:
            found[family] = str(why)
            say(f"  {family}: {why}")
    return found


def versions(venvs: dict[str, pathlib.Path | str], gowsgi: pathlib.Path) -> dict[str, str]:
    found = machine.tools()
    for peer in PEERS.values():
        venv = venvs.get(peer.family)
        if peer.distribution and isinstance(venv, pathlib.Path):
            found |= envs.versions(venv, [peer.distribution, *DISTRIBUTIONS])
    if isinstance(venvs.get("gowsgi"), pathlib.Path):
        found["gowsgi"] = machine.first_line(str(gowsgi), "--version").removeprefix("gowsgi ")
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    gowsgi = options.gowsgi.resolve()
    if options.quick:
        settings = Settings(1, 1, 1, gowsgi, growth=(10_000, 100_000))
    else:
        settings = Settings(options.seconds, options.rounds, options.warmup, gowsgi)
    families = list(dict.fromkeys(PEERS[peer].family for peer in options.peers))
    say("Preparing the peers")
    venvs = prepare(families, gowsgi)
    envs.make_download()
    measured: dict[str, Any] = {}
    results: dict[str, Any] = {
        "machine": machine.describe(),
        "versions": versions(venvs, gowsgi),
        "settings": {
            "seconds": settings.seconds,
            "rounds": settings.rounds,
            "warmup": settings.warmup,
            "growth": settings.growth,
            "complete": options.complete,
            "command": ["bench/run.py", *sys.argv[1:]],
        },
        "loads": measured,
        "lines": [],
    }
    turns = sum(
        sum(peer in options.peers for peer in LOADS[name].peers) * settings.rounds
        for name in options.loads
        if LOADS[name].kind == "requests"
    )
    say(f"{turns} turns: about {turns * (settings.seconds + settings.warmup + 2) / 60:.0f} minutes")
    out = options.out or (LATEST if options.complete else LAST)
    for name in options.loads:
        load = LOADS[name]
        ids = [peer for peer in load.peers if peer in options.peers]
        if not ids:
            continue
        say(load.title)
        measured[name] = {
            "title": load.title,
            "kind": load.kind,
            "threads": load.threads,
            "connections": load.connections,
            "note": load.note,
            "peers": run_load(load, contenders(ids, venvs), settings),
        }
        results["lines"] = lines.required(results)
        # A run that is broken off keeps what it has, but not in the place of a complete one.
        write(LAST, results)
    write(out, results)
    say(f"Results: {out}")
    return results


def write(file: pathlib.Path, results: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def render(results: dict[str, Any]) -> None:
    for file, name, text in (
        (ROOT / "README.md", "bench", tables.short_markdown(results)),
        (BENCH / "README.md", "bench:machine", tables.machine_markdown(results)),
        (BENCH / "README.md", "bench", tables.full_markdown(results)),
    ):
        done = tables.put(file, name, text)
        say(f"{file.relative_to(ROOT)}: {name} " + ("renewed" if done else "has no markers, left alone"))


def main(args: list[str]) -> int:
    options = arguments(args)
    if options.render:
        if not options.source.is_file():
            say(f"{options.source} is not there: python3 bench/run.py makes it")
            return 2
        results = json.loads(options.source.read_text())
        results["lines"] = lines.required(results)
        print(tables.terminal(results), end="")
        if not results["settings"]["complete"]:
            say("not a complete run: say so where the READMEs show it")
        render(results)
        return 0
    if options.install:
        venvs = prepare(list(dict.fromkeys(PEERS[peer].family for peer in options.peers)), options.gowsgi.resolve())
        return int(any(isinstance(venv, str) for venv in venvs.values()))
    if not shutil.which("wrk"):
        say("wrk, the load generator, is not on this machine: bench/install-peers.sh installs it")
        return 2
    # A thousand connections need a descriptor each, here and in every server.
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    results = measure(options)
    print(tables.terminal(results), end="")
    if options.complete:
        render(results)
    return 0


if __name__ == "__main__":
    run_main(main)
