"""The lines that the issue requires, computed from a run's results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from peers import PEERS

Results = dict[str, Any]
MB = 1_000_000
IDEAL_SLEEP = 3200.0


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
        if peer.family in ("gowsgi", "nethttp") or "missing" in result or result["best"].get("errors"):
            continue
        if pooled and not (peer.pooled and peer.threads is None):
            continue
        found.append((result["best"][name], peer.title))
    if not found:
        raise NotMeasured(f"{load}: no peer to compare with")
    return sorted(found)


def at_most(results: Results, load: str, name: str, ratio: float, other: str) -> tuple[str, bool]:
    ours, theirs = figure(results, load, "gowsgi", name), figure(results, load, other, name)
    got = ours / theirs
    return f"{got:.2f} ({ours:,.1f} / {theirs:,.1f} µs)", got <= ratio


def at_least(results: Results, load: str, ratio: float, other: str) -> tuple[str, bool]:
    ours, theirs = (figure(results, load, peer, "per_second") for peer in ("gowsgi", other))
    got = ours / theirs
    return f"{got:.2f} ({ours:,.0f} / {theirs:,.0f} per s)", got >= ratio


def cheapest(results: Results, load: str, pooled: bool) -> tuple[str, bool]:
    ours = figure(results, load, "gowsgi", "cpu_us")
    theirs, who = rivals(results, load, "cpu_us", pooled)[0]
    return f"{ours / theirs:.2f} ({ours:,.0f} / {theirs:,.0f} µs, {who})", ours <= theirs


def fastest(results: Results, load: str) -> tuple[str, bool]:
    ours = figure(results, load, "gowsgi", "per_second")
    theirs, who = rivals(results, load, "per_second", False)[-1]
    return f"{ours / theirs:.2f} ({ours:,.0f} / {theirs:,.0f} per s, {who})", ours >= theirs


def sleep(results: Results) -> tuple[str, bool]:
    ours = figure(results, "sleep", "gowsgi", "per_second")
    return f"{ours / IDEAL_SLEEP:.3f} ({ours:,.0f} per s)", ours >= 0.95 * IDEAL_SLEEP


def growth(results: Results) -> tuple[str, bool]:
    grown = figure(results, "growth", "gowsgi", "growth")
    served = figure(results, "growth", "gowsgi", "requests")
    if served < 1_000_000:
        raise NotMeasured(f"{grown / MB:+.2f} MB after only {served:,.0f}")
    return f"{grown / MB:+.2f} MB after {served:,.0f}", grown <= MB


REQUIRED: tuple[tuple[str, Callable[[Results], tuple[str, bool]]], ...] = (
    ("hello, 8 threads: CPU/request ≤ 1.8 × net/http", lambda r: at_most(r, "hello", "cpu_us", 1.8, "nethttp")),
    (
        "hello, 8 threads: CPU/request ≤ 0.5 × Granian, default",
        lambda r: at_most(r, "hello", "cpu_us", 0.5, "granian-default"),
    ),
    ("Django, 8 threads: CPU/request ≤ 1.05 × 1 thread", lambda r: at_most(r, "django", "cpu_us", 1.05, "gowsgi-1")),
    ("Django, 8 threads: CPU/request ≤ best peer, 8 threads", lambda r: cheapest(r, "django", True)),
    ("sleep, 32 threads: requests/s ≥ 0.95 × 3,200", sleep),
    ("hash, 8 threads: requests/s ≥ 1.8 × 1 thread", lambda r: at_least(r, "hash", 1.8, "gowsgi-1")),
    ("mixed, 8 threads: requests/s ≥ 0.95 × limit off", lambda r: at_least(r, "mixed", 0.95, "gowsgi-nolimit")),
    ("file_wrapper 10 MB: requests/s ≥ best peer", lambda r: fastest(r, "wrapper")),
    ("file_wrapper 10 MB: CPU/request ≤ best peer", lambda r: cheapest(r, "wrapper", False)),
    ("upload 1 MB: requests/s ≥ best peer", lambda r: fastest(r, "upload")),
    ("upload 1 MB: CPU/request ≤ best peer", lambda r: cheapest(r, "upload", False)),
    ("a million hellos: worker grows ≤ 1 MB", growth),
)


def required(results: Results) -> list[dict[str, Any]]:
    """Every required line, in the issue's order, as JSON holds it."""
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
