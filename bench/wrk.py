"""Runs wrk, the load generator, and reads what it reports."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import subprocess
from collections.abc import Sequence
from typing import Any

SCRIPT = pathlib.Path(__file__).resolve().parent / "wrk.lua"
THREADS = min(2, os.cpu_count() or 1)
# Longer than any run: a request that a server leaves waiting counts as slow, not as an error.
TIMEOUT = 30


class LoadFailed(Exception):
    """wrk itself did not do its work."""


def children_cpu() -> float:
    """CPU seconds of the children that this program has waited for: while wrk runs, wrk is the only one."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def command(
    port: int,
    connections: int,
    seconds: int,
    *,
    upload: int = 0,
    stop: int = 0,
    url: str = "",
    fields: Sequence[str] = (),
) -> list[str]:
    """The wrk command; stop ends it after about so many requests (for 0: after seconds).

    fields are the names and values, one after the other, that each request has besides.
    """
    line = [
        "wrk",
        f"-t{min(THREADS, connections)}",
        f"-c{connections}",
        f"-d{seconds}s",
        f"--timeout={TIMEOUT}s",
        "--latency",
    ]
    line += ["-s", str(SCRIPT), url or f"http://127.0.0.1:{port}/", "--"]
    if upload:
        line += ["upload", str(upload)]
    if stop:
        line += ["stop", str(stop // THREADS)]
    for name, value in zip(fields[::2], fields[1::2], strict=True):
        line += ["field", f"{name}: {value}"]
    return line


def run(port: int, connections: int, seconds: int, **about: Any) -> dict[str, Any]:
    """wrk's report, and the CPU seconds that wrk itself used (generator_cpu). about: see command."""
    line = command(port, connections, seconds, **about)
    before = children_cpu()
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=seconds + TIMEOUT + 10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LoadFailed(f"wrk: {error}") from error
    for output in done.stdout.splitlines():
        if output.startswith("RESULT "):
            return json.loads(output[len("RESULT ") :]) | {"generator_cpu": children_cpu() - before}
    raise LoadFailed(f"wrk ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}")
