"""The lines that the project requires of the figures, computed from a run's results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from peers import PEERS

Results = dict[str, Any]
Verdict = tuple[str, bool]
KIB, MB = 1024, 1_000_000
IDEAL_SLEEP = 3200.0
# 128 connections on 32 threads of 10 ms each: nobody can be served sooner, if nobody is to wait longer.
FAIR_SLEEP_US = 40_000.0
# Without threads of their own: the fastest there is for an answer of no work.
SINGLE = ("bjoern", "fastwsgi", "fastpysgi")


@dataclass(frozen=True)
class Line:
    """ok is None where something that the line compares was not measured."""

    text: str
    figures: str
    ok: bool | None


class NotMeasured(Exception):
    """A figure that this run does not have; the text names it."""


def figure(results: Results, load: str, peer: str, name: str) -> float:
    found = results["loads"].get(load, {}).get("peers", {}).get(peer, {})
    if "missing" in found:
        raise NotMeasured(f"{PEERS[peer].title}: {found['missing']}")
    if "best" not in found:
        raise NotMeasured(f"{load} with {PEERS[peer].title} is not in this run")
    best = found["best"]
    if peer == "gowsgi" and best.get("errors"):
        raise NotMeasured(f"{load}: gowsgi had {best['errors']} errors")
    return best[name]


def rivals(results: Results, load: str, name: str, pooled: bool) -> list[tuple[float, str]]:
    """(figure, title) of every other server that ran without an error; only those with 8 threads if pooled."""
    found = []
    for peer_id, result in results["loads"].get(load, {}).get("peers", {}).items():
        peer = PEERS[peer_id]
        if peer.family in ("gowsgi", "before", "nethttp") or "missing" in result or result["best"].get("errors"):
            continue
        if pooled and not (peer.pooled and peer.threads is None):
            continue
        found.append((result["best"][name], peer.title))
    if not found:
        raise NotMeasured(f"{load}: no peer to compare with")
    return sorted(found)


def against(ours: float, theirs: float, unit: str, who: str = "") -> str:
    digits = 1 if theirs < 1000 and unit == "µs" else 0
    named = f", {who}" if who else ""
    return f"{ours / theirs:.2f} ({ours:,.{digits}f} / {theirs:,.{digits}f} {unit}{named})"


def at_most(results: Results, load: str, ratio: float, other: str) -> Verdict:
    ours, theirs = figure(results, load, "gowsgi", "cpu_us"), figure(results, load, other, "cpu_us")
    return against(ours, theirs, "µs"), ours <= ratio * theirs


def at_least(results: Results, load: str, ratio: float, other: str) -> Verdict:
    ours, theirs = (figure(results, load, peer, "per_second") for peer in ("gowsgi", other))
    return against(ours, theirs, "per s"), ours >= ratio * theirs


def cheapest(results: Results, load: str, pooled: bool, ratio: float = 1.0) -> Verdict:
    ours = figure(results, load, "gowsgi", "cpu_us")
    theirs, who = rivals(results, load, "cpu_us", pooled)[0]
    return against(ours, theirs, "µs", who), ours <= ratio * theirs


def fastest(results: Results, load: str) -> Verdict:
    ours = figure(results, load, "gowsgi", "per_second")
    theirs, who = rivals(results, load, "per_second", False)[-1]
    return against(ours, theirs, "per s", who), ours >= theirs


def cheapest_of(results: Results, load: str, others: Sequence[str]) -> Verdict:
    ours = figure(results, load, "gowsgi", "cpu_us")
    theirs, who = min((figure(results, load, other, "cpu_us"), PEERS[other].title) for other in others)
    return against(ours, theirs, "µs", who), ours <= theirs


def fastest_of(results: Results, load: str, others: Sequence[str]) -> Verdict:
    ours = figure(results, load, "gowsgi", "per_second")
    theirs, who = max((figure(results, load, other, "per_second"), PEERS[other].title) for other in others)
    return against(ours, theirs, "per s", who), ours >= theirs


def sleep(results: Results) -> Verdict:
    ours = figure(results, "sleep", "gowsgi", "per_second")
    return f"{ours / IDEAL_SLEEP:.3f} ({ours:,.0f} per s)", ours >= 0.95 * IDEAL_SLEEP


def fair(results: Results) -> Verdict:
    ours = figure(results, "sleep-128", "gowsgi", "p99_us")
    return f"{ours / FAIR_SLEEP_US:.2f} ({ours / 1000:.1f} ms)", ours <= 1.15 * FAIR_SLEEP_US


def idle(results: Results) -> Verdict:
    each = figure(results, "idle", "gowsgi", "per_connection") or float("inf")
    return f"{each / KIB:.2f} KiB", each <= 2 * KIB


def many_idle(results: Results) -> Verdict:
    wanted, kept, served = (figure(results, "idle-10000", "gowsgi", name) for name in ("wanted", "kept", "served"))
    return f"{kept:,.0f} kept, {served:,.0f} served again", wanted == kept == served


def growth(results: Results) -> Verdict:
    grown = figure(results, "growth", "gowsgi", "growth")
    served = figure(results, "growth", "gowsgi", "requests")
    if served < 1_000_000:
        raise NotMeasured(f"{grown / MB:+.2f} MB after only {served:,.0f}")
    return f"{grown / MB:+.2f} MB after {served:,.0f}", grown <= MB


REQUIRED: tuple[tuple[str, Callable[[Results], Verdict]], ...] = (
    ("hello, 8 threads: CPU/request ≤ 1.8 × net/http", lambda r: at_most(r, "hello", 1.8, "nethttp")),
    ("hello, 8 threads: CPU/request ≤ 0.5 × Granian, default", lambda r: at_most(r, "hello", 0.5, "granian-default")),
    (
        "hello, 8 threads: CPU/request ≤ best of bjoern, FastWSGI, fastpysgi",
        lambda r: cheapest_of(r, "hello", SINGLE),
    ),
    ("hello, 8 threads: requests/s ≥ best of bjoern, FastWSGI, fastpysgi", lambda r: fastest_of(r, "hello", SINGLE)),
    ("Flask JSON, 8 threads: CPU/request ≤ 0.75 × the state before", lambda r: at_most(r, "flask", 0.75, "before")),
    ("Flask JSON, 8 threads: CPU/request ≤ Granian, 1 thread", lambda r: at_most(r, "flask", 1.0, "granian-1")),
    ("Flask JSON, 8 threads: requests/s ≥ Granian, 1 thread", lambda r: at_least(r, "flask", 1.0, "granian-1")),
    ("Django, 8 threads: CPU/request ≤ 1.05 × 1 thread", lambda r: at_most(r, "django", 1.05, "gowsgi-1")),
    ("Django, 8 threads: CPU/request ≤ the state before", lambda r: at_most(r, "django", 1.0, "before")),
    ("Django, 8 threads: CPU/request ≤ best peer, 8 threads", lambda r: cheapest(r, "django", True)),
    ("Django, 8 threads: CPU/request ≤ best peer", lambda r: cheapest(r, "django", False)),
    ("sleep, 32 threads: requests/s ≥ 0.95 × 3,200", sleep),
    ("sleep, 128 connections: CPU/request ≤ 1.1 × uWSGI", lambda r: at_most(r, "sleep-128", 1.1, "uwsgi")),
    ("sleep, 128 connections: p99 ≤ 1.15 × 40 ms", fair),
    ("hash, 8 threads: requests/s ≥ 1.8 × 1 thread", lambda r: at_least(r, "hash", 1.8, "gowsgi-1")),
    ("hash, 8 threads: CPU/request ≤ the state before", lambda r: at_most(r, "hash", 1.0, "before")),
    ("hash, 8 threads: requests/s ≥ the state before", lambda r: at_least(r, "hash", 1.0, "before")),
    ("mixed, 8 threads: requests/s ≥ 0.95 × limit off", lambda r: at_least(r, "mixed", 0.95, "gowsgi-nolimit")),
    ("mixed, 8 threads: CPU/request ≤ the state before", lambda r: at_most(r, "mixed", 1.0, "before")),
    ("mixed, 8 threads: requests/s ≥ the state before", lambda r: at_least(r, "mixed", 1.0, "before")),
    ("generator 10 MB: CPU/request ≤ 1.1 × uWSGI", lambda r: at_most(r, "generator", 1.1, "uwsgi")),
    ("file_wrapper 10 MB: requests/s ≥ best peer", lambda r: fastest(r, "wrapper")),
    ("file_wrapper 10 MB: CPU/request ≤ best peer", lambda r: cheapest(r, "wrapper", False)),
    ("file_wrapper 10 MB: CPU/request ≤ 1.05 × best peer", lambda r: cheapest(r, "wrapper", False, 1.05)),
    ("upload 1 MB: requests/s ≥ best peer", lambda r: fastest(r, "upload")),
    ("upload 1 MB: CPU/request ≤ best peer", lambda r: cheapest(r, "upload", False)),
    ("upload 1 MB: CPU/request ≤ 1.05 × best peer", lambda r: cheapest(r, "upload", False, 1.05)),
    ("1,000 idle connections: ≤ 2 KiB each", idle),
    ("10,000 idle connections: kept, and served again", many_idle),
    ("a million hellos: worker grows ≤ 1 MB", growth),
)


def required(results: Results) -> list[dict[str, Any]]:
    """Every required line, in order, as JSON holds it."""
    found = []
    for text, compute in REQUIRED:
        try:
            figures, ok = compute(results)
            found.append(Line(text, figures, ok))
        except NotMeasured as why:
            found.append(Line(text, str(why), None))
    return [asdict(line) for line in found]


def verdict(line: dict[str, Any]) -> str:
    return {True: "ok", False: "missed", None: "not measured"}[line["ok"]]
