"""One round of one peer under one load, and the rounds of all peers in turn."""

from __future__ import annotations

import pathlib
import shlex
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, NoReturn

import wrk
from client import IdleConnections, free_port, wait_until_ready
from loads import Load
from peers import APPS, BUILD, PEERS, ROOT, Launch, Peer, environment
from process import Server, ServerFailed, machine_cpu, memory

Result = dict[str, Any]

# What a server may still do after its last answer (garbage, logs) before memory is read.
SETTLE = 1.0
# From this many cores used by others on, a round is called disturbed.
DISTURBED = 0.2


@dataclass(frozen=True)
class Settings:
    """Of a whole run. growth: after how many requests memory is read, first and last."""

    seconds: int
    rounds: int
    warmup: int
    gowsgi: pathlib.Path
    growth: tuple[int, int] = (10_000, 1_000_000)


@dataclass(frozen=True)
class Contender:
    """A peer that is there, or why it is not."""

    peer: Peer
    venv: pathlib.Path | None
    missing: str = ""


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def run_main(main: Callable[[list[str]], int]) -> NoReturn:
    """Ends the program with what main makes of the arguments. However a run is broken off, its server is stopped."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        say("broken off")
        sys.exit(130)


def run_load(load: Load, contenders: list[Contender], settings: Settings) -> dict[str, Result]:
    """Every peer's result under load. Each round begins with another peer, so that nobody is always first."""
    results: dict[str, Result] = {}
    for contender in contenders:
        result: Result = {"rounds": []}
        if contender.missing:
            result["missing"] = contender.missing
        results[contender.peer.id] = result
    rounds = settings.rounds if load.kind == "requests" else 1
    for number in range(rounds):
        shift = number * len(contenders) // rounds
        for contender in contenders[shift:] + contenders[:shift]:
            result = results[contender.peer.id]
            if "missing" in result:
                continue
            try:
                figures = one_round(load, contender, settings, result)
            except (ServerFailed, wrk.LoadFailed) as error:
                result["missing"] = str(error)
                say(f"  {contender.peer.title:20} {error}")
                continue
            result["rounds"].append(figures)
            say(f"  {contender.peer.title:20} {brief(figures)}")
    for result in results.values():
        if result["rounds"]:
            result["best"] = best(result["rounds"])
    return results


def one_round(load: Load, contender: Contender, settings: Settings, result: Result) -> Result:
    peer, venv = contender.peer, contender.venv
    assert venv is not None
    port = free_port()
    launch = Launch(load.app, port, peer.threads_for(load.threads), venv, settings.gowsgi)
    command = peer.command(launch)
    result["command"] = shorten(command, peer, port)
    log = BUILD / "log" / f"{load.id}-{peer.id}.log"
    with closing(Server(command, environment(peer, venv), APPS, log)) as server:
        body = wait_until_ready(server, port, load.upload)
        if not load.right(body):
            raise ServerFailed(f"wrong answer: {len(body)} bytes, {body[:60]!r}")
        figures = KINDS[load.kind](load, server, port, settings)
        if not server.alive():
            raise ServerFailed(f"ended under load ({server.process.returncode}): {server.last_words()}")
    return figures


def under_requests(load: Load, server: Server, port: int, settings: Settings) -> Result:
    wrk.run(port, load.connections, settings.warmup, upload=load.upload)
    # What the warm-up left in the server's queue is worked off before its time counts.
    wait_until_ready(server, port, load.upload)
    before, machine_before = server.cpu(), machine_cpu()
    figures = wrk.run(port, load.connections, settings.seconds, upload=load.upload)
    used = server.cpu() - before
    busy = machine_cpu() - machine_before
    requests = figures["requests"]
    if not requests:
        raise ServerFailed(f"not one answer in {settings.seconds} s")
    used_memory = server.memory()
    return figures | {
        "per_second": requests / (figures["duration_us"] / 1e6),
        "cpu_us": used / requests * 1e6,
        "cores_used": used / (figures["duration_us"] / 1e6),
        # What neither the server nor wrk used: somebody else was on the machine.
        "cores_foreign": max(0.0, busy - used - figures["generator_cpu"]) / (figures["duration_us"] / 1e6),
        "rss": used_memory.rss,
        "pss": used_memory.pss,
    }


def under_idle(load: Load, server: Server, port: int, settings: Settings) -> Result:
    # A first few connections, so that what a server makes once is not counted as theirs.
    with closing(IdleConnections(port)) as first:
        first.open(IdleConnections.BATCH)
    time.sleep(SETTLE)
    before = server.memory()
    with closing(IdleConnections(port)) as idle:
        idle.open(load.connections)
        time.sleep(SETTLE)
        after = server.memory()
        open_now = idle.still_open()
        answered = len(idle.answered)
        kept = min(answered, open_now)
        served = idle.served_again()
    if not kept:
        raise ServerFailed(f"keeps none of {load.connections} connections ({answered} answered)")
    return {
        "wanted": load.connections,
        "answered": answered,
        "open": open_now,
        "kept": kept,
        "served": served,
        "pss_before": before.pss,
        "pss": after.pss,
        "rss": after.rss,
        # Of too few connections it would only be noise.
        "per_connection": (after.pss - before.pss) / kept if kept >= load.connections / 2 else None,
    }


def under_growth(load: Load, server: Server, port: int, settings: Settings) -> Result:
    first, last = settings.growth
    served = wrk.run(port, load.connections, 1, stop=first)["requests"]
    time.sleep(SETTLE)
    worker = server.worker().pid
    first_rss = memory(worker).rss
    errors = 0
    figures: Result = {"first_requests": served, "first_rss": first_rss}
    deadline = time.monotonic() + 600
    while served < last and time.monotonic() < deadline:
        part = wrk.run(port, load.connections, settings.seconds)
        served += part["requests"]
        errors += sum(part["errors"].values())
        if not part["requests"]:
            raise ServerFailed(f"no more answers after {served} requests")
    time.sleep(SETTLE)
    if not (rss := memory(worker).rss):
        raise ServerFailed(f"the worker, pid {worker}, ended on the way: {server.last_words()}")
    return figures | {"requests": served, "rss": rss, "growth": rss - first_rss, "errors": errors}


KINDS = {"requests": under_requests, "idle": under_idle, "growth": under_growth}


def best(rounds: list[Result]) -> Result:
    """The best of the rounds for CPU and throughput, with the latency of the fastest round; errors of all."""
    if "cpu_us" not in rounds[0]:
        return dict(rounds[0])
    fastest = max(rounds, key=lambda figures: figures["per_second"])
    return {
        "per_second": fastest["per_second"],
        "per_second_worst": min(figures["per_second"] for figures in rounds),
        "cpu_us": min(figures["cpu_us"] for figures in rounds),
        "cpu_us_worst": max(figures["cpu_us"] for figures in rounds),
        "p50_us": fastest["p50_us"],
        "p99_us": fastest["p99_us"],
        "pss": max(figures["pss"] for figures in rounds),
        "rss": max(figures["rss"] for figures in rounds),
        "errors": sum(sum(figures["errors"].values()) for figures in rounds),
        "cores_foreign": max(figures["cores_foreign"] for figures in rounds),
    }


def brief(figures: Result) -> str:
    if "cpu_us" in figures:
        errors = sum(figures["errors"].values())
        tail = f"  {errors} errors" if errors else ""
        if figures["cores_foreign"] > DISTURBED:
            tail += f"  disturbed: {figures['cores_foreign']:.1f} cores used by others"
        return f"{figures['per_second']:10,.0f}/s {figures['cpu_us']:10,.1f} µs/request{tail}"
    if "per_connection" in figures:
        each = (figures["per_connection"] or 0) / 1024
        return f"{each:8.2f} KiB/connection, {figures['kept']} kept, {figures['served']} served again"
    return f"{figures['growth'] / 1e6:+.2f} MB after {figures['requests']:,} requests"


def shorten(command: list[str], peer: Peer, port: int) -> str:
    """The command for a reader: paths from the tree's root, and always the same port."""
    words = [word.replace(f"{ROOT}/", "").replace(f"127.0.0.1:{port}", "127.0.0.1:8000") for word in command]
    words = ["8000" if word == str(port) else word for word in words]
    settings = [f"{name}={value}" for name, value in peer.env.items()]
    return shlex.join([*settings, *words])


def contenders(ids: list[str], venvs: dict[str, pathlib.Path | str]) -> list[Contender]:
    """Peers by id with their virtualenvs; a text instead of a path is the reason why there is none."""
    found = []
    for peer_id in ids:
        peer = PEERS[peer_id]
        venv = venvs[peer.family]
        found.append(Contender(peer, None, venv) if isinstance(venv, str) else Contender(peer, venv))
    return found
