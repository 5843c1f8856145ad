"""Turns the results of the reload benchmark into the table of docs/reload.md."""

from __future__ import annotations

from typing import Any

from reload_events import EVENTS
from reload_peers import HTTP1, HTTP2, PEERS, Peer
from tables import markdown_table, number

Results = dict[str, Any]

HEAD = ["", "server", "requests", "failed", "how", "p99 ms", "longest ms"]


def row(window: dict[str, Any] | None) -> list[str]:
    if window is None:
        return ["–"] * 5
    failures = window["failures"]
    failed = sum(failures.values())
    how = ", ".join(f"{count:,} {kind}" for kind, count in sorted(failures.items()))
    shown = f"**{failed:,}**" if failed else "0"
    return [f"{window['requests']:,}", shown, how, number(window["p99"] * 1000), number(window["longest"] * 1000)]


def rows(results: Results, peers: dict[str, Peer]) -> list[list[str]]:
    found = [HEAD]
    for event, title in EVENTS.items():
        for peer, result in results["peers"].items():
            if peer in peers and result["events"]:
                found.append([title, PEERS[peer].title, *row(result["events"].get(event))])
                title = ""
    return found


def notes(results: Results) -> list[str]:
    lines: list[str] = []
    for peer, result in results["peers"].items():
        title = PEERS[peer].title + (", HTTP/2" if PEERS[peer].http2 else "")
        for event, why in result["failures"].items():
            lines.append(f"{title}, {EVENTS[event]}, failed: {why}." if event else f"{title} is missing: {why}.")
        lines += [
            f"{title}, {EVENTS[event]}: {note}." if event else f"{title}: {note}."
            for event, note in PEERS[peer].notes.items()
        ]
    return lines


def machine(results: Results) -> str:
    m, s = results["machine"], results["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items() if version)
    changed = " with changes" if m["changed"] else ""
    hardware = f"{m['cpu']}, {m['cores']} cores, {m['system']}, {m['kernel']}"
    return (
        f"{m['date'][:10]}, commit {m['commit']}{changed}: {hardware}. "
        f"{s['workers']} workers with {s['threads']} threads, {s['clients']} clients, {s['pause_ms']} ms in the "
        f"application, {s['think_ms']} ms of thought. {versions}."
    )


def markdown(results: Results) -> str:
    commands = "\n".join(result["command"] for result in results["peers"].values() if "command" in result)
    listed = "\n".join(f"- {line}" for line in notes(results))
    head = "Started in `testapps/`; recycling is a run of its own, with "
    recycling = "; ".join(f"`{' '.join(peer.recycle)}` for {peer.title}" for peer in HTTP1.values() if peer.recycle)
    s = results["settings"]
    parts = [
        machine(results),
        markdown_table(rows(results, HTTP1)),
        f"The same over HTTP/2, without TLS: {s['streams']} clients share a connection.",
        markdown_table(rows(results, HTTP2)),
        listed,
        f"{head}{recycling}.",
        f"```sh\n{commands}\n```",
    ]
    return "\n\n".join(part for part in parts if part)
