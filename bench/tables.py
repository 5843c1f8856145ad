"""Turns a run's results into tables: for the terminal (100 columns) and as Markdown."""

from __future__ import annotations

import pathlib
import textwrap
from typing import Any

from lines import verdict
from peers import PEERS

Results = dict[str, Any]
Row = list[str]
WIDTH = 100

HEADS = {
    "requests": ["", "requests/s", "CPU µs/request", "worst", "p50 ms", "p99 ms", "PSS MB", "errors"],
    "idle": ["", "KiB/connection", "kept", "served again", "PSS MB", "PSS MB before"],
    "growth": ["", "requests", "RSS MB", "RSS MB at first", "growth MB"],
}


def number(value: float) -> str:
    """Three figures are all that a shared machine gives."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def number_or_dash(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"


def megabytes(count: float) -> str:
    return number(count / 1e6)


def row(kind: str, title: str, best: dict[str, Any]) -> Row:
    if kind == "idle":
        each = "–" if best["per_connection"] is None else number(best["per_connection"] / 1024)
        kept = f"{best['kept']} of {best['wanted']}"
        served = number_or_dash(best.get("served"))
        return [title, each, kept, served, megabytes(best["pss"]), megabytes(best["pss_before"])]
    if kind == "growth":
        first = f"{megabytes(best['first_rss'])} ({best['first_requests']:,})"
        return [title, f"{best['requests']:,}", megabytes(best["rss"]), first, f"{best['growth'] / 1e6:+.2f}"]
    return [
        title,
        number(best["per_second"]),
        number(best["cpu_us"]),
        number(best["cpu_us_worst"]),
        number(best["p50_us"] / 1000),
        number(best["p99_us"] / 1000),
        megabytes(best["pss"]),
        f"{best['errors']:,} !" if best["errors"] else "",
    ]


def table(load: dict[str, Any]) -> tuple[list[Row], list[str]]:
    """Heading and rows, cheapest first; and a line for every peer that is missing."""
    kind = load["kind"]
    key = {"requests": "cpu_us", "idle": "per_connection", "growth": "growth"}[kind]
    measured = [(peer, result["best"]) for peer, result in load["peers"].items() if "missing" not in result]
    measured.sort(key=lambda item: (item[1][key] is None, item[1][key] or 0))
    rows = [HEADS[kind], *(row(kind, PEERS[peer].title, best) for peer, best in measured)]
    missing = [
        f"missing: {PEERS[peer].title}: {result['missing']}"
        for peer, result in load["peers"].items()
        if "missing" in result
    ]
    return rows, missing


def plain(rows: list[Row]) -> str:
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(rows[0]))]
    lines = []
    for cells in rows:
        first, rest = (
            cells[0].ljust(widths[0]),
            [cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)],
        )
        lines.append("  ".join([first, *rest]).rstrip())
    return "\n".join(lines)


def markdown_table(rows: list[Row]) -> str:
    head, *body = rows
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *body])


def wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, subsequent_indent="  ", break_on_hyphens=False))


def machine(results: Results) -> list[str]:
    m, s = results["machine"], results["settings"]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items() if version)
    foreign = max(
        (
            result["best"]["cores_foreign"]
            for load in results["loads"].values()
            for result in load["peers"].values()
            if "cores_foreign" in result.get("best", {})
        ),
        default=0.0,
    )
    changed = " with changes" if m["changed"] else ""
    hardware = f"{m['cpu']}, {m['cores']} cores, {m['memory_mb']:,} MB"
    rounds = f"{s['rounds']} rounds, each {s['warmup']} s of warm-up and {s['seconds']} s of load"
    return [
        f"{m['date'][:10]}, commit {m['commit']}{changed}: {hardware}, {m['system']}, {m['kernel']}.",
        f"{rounds}; others on the machine used at most {foreign:.1f} cores in a round.",
        f"Versions: {versions}.",
    ]


def notes(results: Results) -> list[str]:
    used = {peer for load in results["loads"].values() for peer in load["peers"]}
    found = [f"{peer.title}: {peer.note}." for peer in PEERS.values() if peer.id in used and peer.note]
    return found + [load["note"] for load in results["loads"].values() if load["note"]]


def terminal(results: Results) -> str:
    parts = ["\n".join(wrapped(line) for line in machine(results))]
    for load in results["loads"].values():
        rows, missing = table(load)
        parts.append("\n".join([load["title"], plain(rows), *(wrapped(line) for line in missing)]))
    parts.append("\n".join(["Notes", *(wrapped(f"- {note}") for note in notes(results))]))
    parts.append("\n".join(["Required lines", *(required_line(line) for line in results["lines"])]))
    return "\n\n".join(parts) + "\n"


def required_line(line: dict[str, Any]) -> str:
    text = f"{verdict(line):12} {line['text']}:"
    together = f"{text} {line['figures']}"
    if len(together) <= WIDTH:
        return together
    return "\n".join([text, textwrap.indent(wrapped(line["figures"]), " " * 13)])


def overview(results: Results, key: str, unit: float) -> list[Row]:
    """Peers down, loads across, one figure each, in units; "–" where there is none."""
    loads = {name: load for name, load in results["loads"].items() if load["kind"] == "requests"}
    rows = [["", *loads]]
    for peer in PEERS.values():
        if not any(peer.id in load["peers"] for load in loads.values()):
            continue
        cells = []
        for load in loads.values():
            best = load["peers"].get(peer.id, {}).get("best")
            cells.append(number(best[key] / unit) + ("!" if best["errors"] else "") if best else "–")
        rows.append([peer.title, *cells])
    return rows


def memory(results: Results) -> list[str]:
    return [
        part
        for load in results["loads"].values()
        if load["kind"] != "requests"
        for part in (f"**{load['title']}**", markdown_table(table(load)[0]))
    ]


def required_table(results: Results) -> str:
    rows = [[line["text"], line["figures"], verdict(line)] for line in results["lines"]]
    body = "\n".join("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |" for cells in rows)
    return f"| required | measured | |\n| --- | --- | --- |\n{body}"


def absent(results: Results) -> list[str]:
    """One line for each reason why something is missing, with the loads it is missing from."""
    reasons: dict[str, list[str]] = {}
    for name, load in results["loads"].items():
        for peer, result in load["peers"].items():
            if "missing" in result:
                reasons.setdefault(f"{PEERS[peer].title}: {result['missing']}", []).append(name)
    return [f"- Missing ({', '.join(names)}): {reason}" for reason, names in reasons.items()]


def short_markdown(results: Results) -> str:
    """For the README at the top: overviews and required lines."""
    parts = [" ".join(machine(results)), "**Required lines**", required_table(results)]
    for key, unit, title in (
        ("cpu_us", 1, "CPU µs per request** (best round; `!`: with errors)"),
        ("per_second", 1, "Requests per second** (best round; `!`: with errors)"),
        ("p99_us", 1000, "99 of 100 requests take at most, ms** (fastest round; `!`: with errors)"),
    ):
        parts += [f"**{title}", markdown_table(overview(results, key, unit))]
    parts += memory(results)
    if lines := absent(results):
        parts.append("\n".join(lines))
    parts.append("p50, memory under load, every command and the method: [bench/README.md](bench/README.md).")
    return "\n\n".join(parts)


def machine_markdown(results: Results) -> str:
    """For the top of bench/README.md."""
    return "\n".join(f"- {line}" for line in machine(results))


def full_markdown(results: Results) -> str:
    """For bench/README.md: every table, the notes and the commands."""
    parts = ["**Required lines**", required_table(results)]
    for load in results["loads"].values():
        rows, missing = table(load)
        parts += [f"### {load['title']}", markdown_table(rows)]
        parts += ["\n".join(f"- {line}" for line in missing)] if missing else []
    parts += ["### Notes", "\n".join(f"- {note}" for note in notes(results))]
    commands: dict[str, str] = {}
    for load in results["loads"].values():
        for peer, result in load["peers"].items():
            if "command" in result:
                commands.setdefault(peer, result["command"])
    shown = "\n".join(f"# {PEERS[peer].title}\n{command}" for peer, command in commands.items())
    what = "Those of the first load of each peer, run in `bench/apps`; paths are shown from the tree's root."
    parts += ["### Commands", what, f"```sh\n{shown}\n```"]
    return "\n\n".join(parts)


def put(file: pathlib.Path, name: str, text: str) -> bool:
    """Replaces what stands between the markers called name in file; False when it has none."""
    start, end = f"<!-- {name}:start -->", f"<!-- {name}:end -->"
    old = file.read_text() if file.is_file() else ""
    if old.count(start) != 1 or old.count(end) != 1 or old.index(start) > old.index(end):
        return False
    file.write_text(old[: old.index(start) + len(start)] + f"\n\n{text}\n\n" + old[old.index(end) :])
    return True
