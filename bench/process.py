"""A server under test: started here, watched through /proc, stopped by pid.

A server may be several processes. Its tree is every descendant of the process that was started, and
whatever else belongs to the session that was opened for it (so a process whose parent has gone is kept).
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import subprocess
import time
from typing import NamedTuple

TICK = os.sysconf("SC_CLK_TCK")
PROC = pathlib.Path("/proc")


class Stat(NamedTuple):
    """The fields of /proc/PID/stat that are used here; times in clock ticks."""

    pid: int
    state: str
    ppid: int
    session: int
    cpu: int
    start: int


class Memory(NamedTuple):
    """Bytes. PSS counts a page that several processes share once; RSS counts it in each."""

    rss: int
    pss: int


class ServerFailed(Exception):
    """A server that did not start, or gave a wrong answer; the text says why."""


def read_stat(pid: int) -> Stat | None:
    try:
        text = (PROC / str(pid) / "stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in parentheses, may hold spaces and parentheses itself.
    fields = text[text.rindex(")") + 2 :].split()
    # utime, stime and those of children that were waited for: a child that ends between two
    # readings moves from its own line to its parent's, and the sum stays right.
    cpu = sum(int(fields[index]) for index in (11, 12, 13, 14))
    return Stat(pid, fields[0], int(fields[1]), int(fields[3]), cpu, int(fields[19]))


def tree(root: int) -> list[Stat]:
    """The living processes that belong to root, root first."""
    everyone = [stat for entry in os.listdir(PROC) if entry.isdigit() and (stat := read_stat(int(entry)))]
    members = {root}
    while True:
        found = {stat.pid for stat in everyone if stat.ppid in members or stat.session == root} | members
        if found == members:
            break
        members = found
    return sorted((stat for stat in everyone if stat.pid in members and stat.state != "Z"), key=lambda s: s.pid != root)


def machine_cpu() -> float:
    """CPU seconds that the whole machine has worked so far (without waiting; with what a hypervisor took)."""
    fields = [int(field) for field in (PROC / "stat").read_text().split("\n", 1)[0].split()[1:]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields[:8]
    return (user + nice + system + irq + softirq + steal) / TICK


def memory(pid: int) -> Memory:
    """Of one process; nothing once it has gone. (The counters in stat and status are only about right.)"""
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text()
    except OSError:
        return Memory(0, 0)
    fields = dict(line.split(":", 1) for line in text.splitlines()[1:])
    return Memory(*(int(fields[name].split()[0]) * 1024 for name in ("Rss", "Pss")))


class Server:
    """Runs from its making to `close`; raises ServerFailed when it cannot be started."""

    def __init__(self, command: list[str], env: dict[str, str], cwd: pathlib.Path, log: pathlib.Path):
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with open(log, "wb") as output:
            try:
                self.process = subprocess.Popen(
                    command,
                    env=env,
                    cwd=cwd,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise ServerFailed(f"does not start: {error}") from error

    def alive(self) -> bool:
        return self.process.poll() is None

    def cpu(self) -> float:
        """CPU seconds of the whole tree so far."""
        return sum(stat.cpu for stat in tree(self.process.pid)) / TICK

    def memory(self) -> Memory:
        """Of the whole tree."""
        parts = [memory(stat.pid) for stat in tree(self.process.pid)]
        return Memory(sum(part.rss for part in parts), sum(part.pss for part in parts))

    def worker(self) -> Stat:
        """The process that has worked most."""
        return max(tree(self.process.pid), key=lambda stat: stat.cpu)

    def close(self, patience: float = 10.0) -> None:
        """SIGTERM to the process that was started, then SIGKILL to what is left of its tree."""
        known = {(stat.pid, stat.start) for stat in tree(self.process.pid)}
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(patience)
        deadline = time.monotonic() + 2
        while left := self._left(known):
            if time.monotonic() > deadline:
                for pid, _start in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                break
            time.sleep(0.02)
        if self.alive():
            self.process.kill()
            self.process.wait(patience)

    def _left(self, known: set[tuple[int, int]]) -> set[tuple[int, int]]:
        """Those of known, and whatever joined the tree since, that still run; a pid that was reused is not ours."""
        now = set() if self.process.returncode is not None else {(s.pid, s.start) for s in tree(self.process.pid)}
        return {
            (pid, start)
            for pid, start in known | now
            if (stat := read_stat(pid)) and stat.start == start and stat.state != "Z"
        }

    def last_words(self) -> str:
        """The last line of the log that says something, for a message."""
        try:
            lines = self.log.read_text(errors="replace").split("\n")
        except OSError:
            return ""
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][:160] if said else ""
