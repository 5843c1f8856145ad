"""Compares servers that run at the same time, in turns of a second: what disturbs one disturbs all."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Sequence
from typing import Any

import wrk
from measure import say
from process import PROC, Server, ServerFailed, tree

# Seconds that one of the servers has the load before the next one has it.
SECONDS = 1

Turn = dict[str, float]
# By the servers' names, one for each turn.
Turns = dict[str, list[Turn]]
Started = Callable[[str], contextlib.AbstractContextManager[tuple[Server, int]]]


def tree_time(server: Server) -> float:
    """CPU seconds of a server's processes."""
    return sum(run_time(stat.pid) for stat in tree(server.process.pid))


def run_time(pid: int) -> float:
    """CPU seconds of all threads of a process. /proc/PID/stat counts in hundredths, which is too coarse here."""
    total = 0
    for task in (PROC / str(pid) / "task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def one_turn(server: Server, port: int, connections: int, seconds: int) -> Turn:
    """CPU µs a request of the whole tree, while this server has all the load."""
    before = tree_time(server)
    figures = wrk.run(port, connections, seconds)
    if not figures["requests"]:
        raise ServerFailed(f"not one answer in {seconds} s")
    return {
        "cpu_us": (tree_time(server) - before) / figures["requests"] * 1e6,
        "per_second": figures["requests"] / (figures["duration_us"] / 1e6),
    }


def one_round(names: Sequence[str], started: Started, connections: int, turns: int, warmup: int) -> Turns:
    """Of servers that are there for this round alone; started has the port as well."""
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(started(name)) for name in names}
        for server, port in servers.values():
            one_turn(server, port, connections, warmup)
        found: Turns = {name: [] for name in names}
        for number in range(turns):
            shift = number % len(names)
            for name in [*names[shift:], *names[:shift]]:
                found[name].append(one_turn(*servers[name], connections, SECONDS))
    return found


def compare(
    names: Sequence[str], plain: Sequence[str], started: Started, connections: int, turns: int, rounds: int, warmup: int
) -> dict[str, Any]:
    """Each one's figures, and their ratio to those that are plain: of which two that are equal tell how much noise
    there is. Each round has processes of its own, since those differ as well; each turn is compared within itself."""
    all_rounds = []
    for number in range(rounds):
        shift = number % len(names)
        found = one_round([*names[shift:], *names[:shift]], started, connections, turns, warmup)
        all_rounds.append(found)
        say("  " + " · ".join(f"{name} {median(found[name]):.2f}" for name in names) + " µs/request")
    figures = {}
    for name in names:
        by_round = [ratios(found, name, plain) for found in all_rounds]
        figures[name] = {
            "cpu_us": statistics.median(each["cpu_us"] for found in all_rounds for each in found[name]),
            "best_cpu_us": min(each["cpu_us"] for found in all_rounds for each in found[name]),
            "ratio": statistics.median(ratio for of_round in by_round for ratio in of_round),
            "ratio_by_round": sorted(statistics.median(of_round) for of_round in by_round),
            "rounds": [found[name] for found in all_rounds],
        }
    return figures


def median(turns: list[Turn]) -> float:
    return statistics.median(each["cpu_us"] for each in turns)


def ratios(turns: Turns, name: str, plain: Sequence[str]) -> list[float]:
    """Of each turn: this one's CPU to the mean of the plain ones; of one of these, to the others."""
    others = [other for other in plain if other != name]
    return [
        mine["cpu_us"] / statistics.mean(each["cpu_us"] for each in theirs)
        for mine, *theirs in zip(turns[name], *(turns[other] for other in others), strict=True)
    ]


def rows(title: str, figures: dict[str, Any], plain: str) -> list[list[str]]:
    """A table of what compare returns; plain: what the ratios are to."""
    table = [[title, "CPU µs/request (median)", "best", f"of {plain} (median of turns)", "by round, from", "to"]]
    for name, of_name in figures.items():
        ratios = (of_name["ratio"], of_name["ratio_by_round"][0], of_name["ratio_by_round"][-1])
        table.append(
            [name, f"{of_name['cpu_us']:.2f}", f"{of_name['best_cpu_us']:.2f}", *(f"{ratio:.3f}" for ratio in ratios)]
        )
    return table
