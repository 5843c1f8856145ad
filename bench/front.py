"""Measures what faces the internet, gowsgi beside nginx with Python behind it: what `make bench-front` runs.

Every load has a table with requests/s, the CPU time that a request costs the whole process tree, and p99. The best of
the rounds is shown; each round begins with another peer. The tables go to docs/internet.md after a complete run.
"""

from __future__ import annotations

import argparse
import http.client
import json
import pathlib
import resource
import shutil
import ssl
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import envs
import machine
import tables
import wrk
from client import free_port
from front_peers import FRONTS, Front, Launch, make_folder
from measure import run_main, say
from peers import APPS, BUILD, PEERS, ROOT, environment
from process import Server, ServerFailed

HANDSHAKES = BUILD / "handshakes"
SLOW_CLIENTS = BUILD / "slowclients"
SLOW = 1000  # clients
RATE = 10_000  # bytes a second that each of them takes


@dataclass(frozen=True)
class Load:
    title: str
    run: Callable[[Server, int, float], dict[str, Any]]
    path: str = "/"
    size: int = 14
    tls: bool = True
    http2: bool = False


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def fetch(port: int, load: Load) -> bytes:
    if load.tls:
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=trusting())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with closing(connection):
        connection.request("GET", load.path)
        response = connection.getresponse()
        return response.read() if response.status == 200 else b""


def wait_until_ready(server: Server, port: int, load: Load) -> None:
    for _ in range(300):
        if not server.alive():
            raise ServerFailed(f"ended at start: {server.last_words()}")
        try:
            if len(fetch(port, load)) == load.size:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    raise ServerFailed(f"no right answer: {server.last_words()}")


def with_wrk(load: Load, connections: int, *fields: str) -> Callable[[Server, int, float], dict[str, Any]]:
    def run(server: Server, port: int, seconds: float) -> dict[str, Any]:
        url = f"{'https' if load.tls else 'http'}://127.0.0.1:{port}{load.path}"
        return wrk.run(port, connections, int(seconds), url=url, fields=fields)

    return run


def handshakes(*options: str) -> Callable[[Server, int, float], dict[str, Any]]:
    def run(server: Server, port: int, seconds: float) -> dict[str, Any]:
        command = [str(HANDSHAKES), "-address", f"127.0.0.1:{port}", "-seconds", str(seconds), *options]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    return run


def with_h2load(server: Server, port: int, seconds: float) -> dict[str, Any]:
    command = ["h2load", "-c8", "-m32", "-t2", f"-D{int(seconds)}", f"https://127.0.0.1:{port}/"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    line = next(line for line in text.splitlines() if line.startswith("requests:"))
    # requests: N total, N started, N done, N succeeded, N failed, N errored, N timeout
    counts = {word.split()[1]: int(word.split()[0]) for word in line.removeprefix("requests:").split(",")}
    if "Application protocol: h2" not in text:
        raise ServerFailed("does not speak HTTP/2")
    return {"requests": counts["succeeded"], "duration_us": int(seconds) * 1e6, "errors": counts["failed"]}


def with_slow_clients(load: Load) -> Callable[[Server, int, float], dict[str, Any]]:
    def run(server: Server, port: int, seconds: float) -> dict[str, Any]:
        alone = with_wrk(load, 1)(server, port, seconds)
        command = [str(SLOW_CLIENTS), "-address", f"127.0.0.1:{port}", "-path", "/megabyte"]
        command += ["-clients", str(SLOW), "-rate", str(RATE)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as slow:
            try:
                assert slow.stdout is not None
                if slow.stdout.readline() != "ready\n":
                    raise ServerFailed("does not serve the slow clients")
                time.sleep(1)
                before = server.cpu()
                figures = with_wrk(load, 1)(server, port, seconds)
                used = server.cpu() - before
                if slow.poll() is not None:
                    raise ServerFailed("has turned slow clients away")
            finally:
                slow.kill()
        return figures | {"alone_p99_us": alone["p99_us"], "cpu": used}

    return run


def loads() -> dict[str, Load]:
    def wrk_load(title: str, connections: int, *fields: str, **about: Any) -> Load:
        return Load(title, with_wrk(Load("", with_h2load, **about), connections, *fields), **about)

    slow = Load("", with_h2load)
    return {
        "plain": wrk_load("Hello, plain, 64 connections", 64, tls=False),
        "tls": wrk_load("Hello over TLS, 64 connections", 64),
        "full": Load("Full TLS handshakes, each with one request, 8 clients", handshakes()),
        "resumed": Load("Resumed TLS handshakes, each with one request, 8 clients", handshakes("-resume")),
        "http2": Load("Hello over HTTP/2, 8 connections × 32 streams", with_h2load, http2=True),
        "static-1k": wrk_load("Static file of 1 KB, 64 connections", 64, tls=False, path="/static/1k.css", size=1024),
        "static-1k-tls": wrk_load("Static file of 1 KB over TLS, 64 connections", 64, path="/static/1k.css", size=1024),
        "static-10m": wrk_load(
            "Static file of 10 MB, 16 connections", 16, tls=False, path="/static/10m.bin", size=10_000_000
        ),
        "static-10m-tls": wrk_load(
            "Static file of 10 MB over TLS, 16 connections", 16, path="/static/10m.bin", size=10_000_000
        ),
        "json": wrk_load("JSON of 50 KB, compressed by gzip", 64, "Accept-Encoding", "gzip", path="/json", size=51598),
        "slow": Load(f"One client, over TLS, while {SLOW:,} others take 1 MB slowly", with_slow_clients(slow)),
    }


def one_round(load: Load, front: Front, venv: pathlib.Path, gowsgi: pathlib.Path, seconds: float) -> dict[str, Any]:
    port = free_port()
    command = front.command(Launch(port, venv, gowsgi, load.tls, load.http2))
    with closing(
        Server(command, environment(PEERS[front.family], venv), APPS, BUILD / "log" / f"front-{front.id}.log")
    ) as server:
        wait_until_ready(server, port, load)
        if "slow" not in load.title:
            load.run(server, port, 1)
        before = server.cpu()
        figures = load.run(server, port, seconds)
        used = figures.get("cpu", server.cpu() - before)
        if not server.alive():
            raise ServerFailed(f"ended under load: {server.last_words()}")
    if not figures["requests"]:
        raise ServerFailed("not one answer")
    return figures | {
        "per_second": figures["requests"] / (figures["duration_us"] / 1e6),
        "cpu_us": used / figures["requests"] * 1e6,
    }


def run_load(name: str, load: Load, options: argparse.Namespace, venvs: dict[str, Any]) -> dict[str, Any]:
    results: dict[str, Any] = {}
    fronts = [front for front in FRONTS.values() if name in front.serves]
    for number in range(options.rounds):
        for front in fronts[number % len(fronts) :] + fronts[: number % len(fronts)]:
            result = results.setdefault(front.id, {"rounds": []})
            venv = venvs[front.family]
            if isinstance(venv, str):
                result["missing"] = venv
            if "missing" in result:
                continue
            try:
                figures = one_round(load, front, venv, options.gowsgi.resolve(), options.seconds)
            except (ServerFailed, wrk.LoadFailed, subprocess.SubprocessError) as error:
                result["missing"] = str(error)
                say(f"  {front.title:20} {error}")
                continue
            result["rounds"].append(figures)
            say(f"  {front.title:20} {figures['per_second']:10,.0f}/s {figures['cpu_us']:10,.1f} µs/request")
    return results


def rows_of(results: dict[str, Any]) -> list[tables.Row]:
    rows = [["", "requests/s", "CPU µs/request", "p99 ms", "errors"]]
    for front in FRONTS.values():
        rounds = results.get(front.id, {"rounds": []})["rounds"]
        if not rounds:
            continue
        fastest = max(rounds, key=lambda figures: figures["per_second"])
        late = f"{fastest['p99_us'] / 1000:.2f}" if "p99_us" in fastest else "–"
        if "alone_p99_us" in fastest:
            late += f" (alone {fastest['alone_p99_us'] / 1000:.2f})"
        errors = sum(sum(e.values()) if isinstance(e := figures["errors"], dict) else e for figures in rounds)
        if "resumed" in fastest:
            late = f"{fastest['resumed'] / fastest['requests']:.0%} resumed" if fastest["resumed"] else "–"
        cheapest = min(figures["cpu_us"] for figures in rounds)
        rows.append(
            [front.title, tables.number(fastest["per_second"]), tables.number(cheapest), late, str(errors or "")]
        )
    return rows


def main(args: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Measures gowsgi as what faces the internet, beside its peers.")
    parser.add_argument("--loads", help="only these (with commas between them)")
    parser.add_argument("--seconds", type=float, default=4, help="of load in each round (default: 4)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    parser.add_argument("--quick", action="store_true", help="one round of two seconds")
    parser.add_argument("--gowsgi", type=pathlib.Path, default=ROOT / "bin" / "gowsgi", help="the program to measure")
    options = parser.parse_args(args)
    if options.quick:
        options.seconds, options.rounds = 2, 1
    every = loads()
    chosen = options.loads.split(",") if options.loads else list(every)
    if unknown := [name for name in chosen if name not in every]:
        parser.error(f"no such load: {', '.join(unknown)}; there are: {', '.join(every)}")
    for tool in ("wrk", "h2load", "nginx", "openssl", "go"):
        if not shutil.which(tool):
            say(f"{tool} is not on this machine: bench/install-peers.sh installs what this needs")
            return 2
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    envs.make_download()
    make_folder()
    for client in (HANDSHAKES, SLOW_CLIENTS):
        subprocess.run(["go", "build", "-o", str(client), f"./bench/{client.name}"], cwd=ROOT, check=True)
    venvs: dict[str, Any] = {}
    for family in dict.fromkeys(front.family for front in FRONTS.values()):
        try:
            venvs[family] = envs.prepare(family, options.gowsgi)
        except envs.Missing as why:
            venvs[family] = str(why)
    about = machine.describe()
    parts = [
        f"{about['date'][:10]}, commit {about['commit']}{' with changes' if about['changed'] else ''}: {about['cpu']}, "
        f"{about['cores']} cores; {options.rounds} rounds of {options.seconds:.0f} s."
    ]
    for name in chosen:
        say(every[name].title)
        results = run_load(name, every[name], options, venvs)
        rows = rows_of(results)
        print(f"\n{every[name].title}\n{tables.plain(rows)}", flush=True)
        parts += [f"**{every[name].title}**", tables.markdown_table(rows)]
        parts += [
            f"- Missing: {FRONTS[front].title}: {result['missing']}"
            for front, result in results.items()
            if "missing" in result
        ]
    if not options.quick and not options.loads:
        done = tables.put(ROOT / "docs" / "internet.md", "bench", "\n\n".join(parts))
        say("docs/internet.md " + ("renewed" if done else "has no markers, left alone"))
    return 0


if __name__ == "__main__":
    run_main(main)
