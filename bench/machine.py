"""What the figures were measured on, and with."""

from __future__ import annotations

import os
import pathlib
import platform
import subprocess
import time

from peers import ROOT


def first_line(*command: str, cwd: pathlib.Path = ROOT) -> str:
    """The first line that a command prints; "" when it cannot be run."""
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[0].strip() if lines else ""


def field(path: str, name: str, separator: str) -> str:
    try:
        for line in pathlib.Path(path).read_text().splitlines():
            key, _, value = line.partition(separator)
            if key.strip() == name:
                return value.strip().strip('"')
    except OSError:
        pass
    return ""


def describe() -> dict[str, str | int]:
    memory = field("/proc/meminfo", "MemTotal", ":").split()
    return {
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": field("/proc/cpuinfo", "model name", ":") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": int(memory[0]) // 1024 if memory else 0,
        "kernel": f"{platform.system()} {platform.release()} {platform.machine()}",
        "system": field("/etc/os-release", "PRETTY_NAME", "="),
        "commit": first_line("git", "--no-optional-locks", "rev-parse", "--short", "HEAD"),
        "changed": bool(first_line("git", "--no-optional-locks", "status", "--porcelain")),
    }


def tools() -> dict[str, str]:
    """Versions of what is no peer."""
    go = first_line("go", "version").removeprefix("go version ")
    return {
        "CPython": platform.python_version(),
        "Go": go,
        "wrk": first_line("wrk", "-v").partition(" [")[0],
        "Apache": first_line("apache2", "-v").partition(": ")[2],
    }
