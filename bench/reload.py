"""Counts the requests that are lost while workers are replaced. `make bench-reload` runs it.

docs/reload.md explains, and holds the table.
"""

from __future__ import annotations

import argparse
import json
import pathlib
from typing import Any

import envs
import machine
import reload_tables
import tables
from measure import run_main, say
from peers import BENCH, ROOT
from reload_events import EVENTS, Settings, build_client, one_peer, shown_command
from reload_peers import HTTP1, HTTP2, PEERS, THREADS, WORKERS

RESULTS = BENCH / "results" / "reload.json"
DOCUMENT = ROOT / "docs" / "reload.md"


def arguments(args: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Counts the requests that are lost while workers are replaced.")
    parser.add_argument("--peers", help=f"only these (with commas between them), of {', '.join(PEERS)}; prints only")
    parser.add_argument("--gowsgi", type=pathlib.Path, default=ROOT / "bin" / "gowsgi", help="the program to measure")
    parser.add_argument("--render", action="store_true", help=f"measure nothing: {RESULTS.name} into {DOCUMENT.name}")
    options = parser.parse_args(args)
    options.complete = options.peers is None
    options.peers = options.peers.split(",") if options.peers else list(PEERS)
    if unknown := [name for name in options.peers if name not in PEERS]:
        parser.error(f"no such peer: {', '.join(unknown)}; there are: {', '.join(PEERS)}")
    return options


def measure(options: argparse.Namespace) -> dict[str, Any]:
    settings = Settings(options.gowsgi.resolve())
    build_client()
    versions, peers = machine.tools(), {}
    for name in ("wrk", "Apache"):
        versions.pop(name)  # no part of this
    for peer in (PEERS[name] for name in options.peers):
        say(f"{peer.title}{', HTTP/2' if peer.http2 else ''}")
        try:
            venv = envs.prepare(peer.family, settings.gowsgi)
            if peer.distribution:
                versions |= envs.versions(venv, [peer.distribution])
            else:
                versions["gowsgi"] = machine.first_line(str(settings.gowsgi), "--version").removeprefix("gowsgi ")
        except envs.Missing as why:
            peers[peer.id] = {"events": {}, "failures": {"": str(why)}}
            say(f"  missing: {why}")
            continue
        events, failures = one_peer(peer, settings, venv)
        peers[peer.id] = {
            "command": shown_command(peer, venv),
            "events": events,
            "failures": failures,
        }
        for event, why in failures.items():
            say(f"  {EVENTS.get(event, 'missing')}: {why}")
        for event, window in peers[peer.id]["events"].items():
            say(f"  {EVENTS[event]:32} {' '.join(f'{cell:>9}' for cell in reload_tables.row(window))}")
            for sample in (window["samples"] or [])[:3]:
                say(f"    {sample['kind']}: {sample['text']}")
    return {
        "machine": machine.describe(),
        "versions": versions,
        "settings": {
            "workers": WORKERS,
            "threads": THREADS,
            "clients": settings.clients,
            "streams": settings.streams,
            "think_ms": settings.think_ms,
            "pause_ms": settings.pause_ms,
            "patience": settings.patience,
            "reloads": settings.reloads,
        },
        "peers": peers,
    }


def main(args: list[str]) -> int:
    options = arguments(args)
    if options.render:
        results = json.loads(RESULTS.read_text())
    else:
        results = measure(options)
        # Which processes and which clients they were says nothing afterwards.
        for peer in results["peers"].values():
            for window in peer["events"].values():
                window["workers"] = len(window["workers"])
                window["samples"] = (window["samples"] or [])[:5]
        if options.complete:
            RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    for peers in (HTTP1, HTTP2):
        if results["peers"].keys() & peers.keys():
            print(tables.plain(reload_tables.rows(results, peers)))
    if options.complete:
        tables.put(DOCUMENT, "reload", reload_tables.markdown(results))
    return 0


if __name__ == "__main__":
    run_main(main)
