"""Measures how soon a site in one file serves, at its first start and later. `make bench-start` runs it.

docs/deploy.md has the table. Beside gowsgi build: PyInstaller's one file, shiv's and pex's archives, each with
Gunicorn and the same application, and gowsgi from the virtualenv, which has nothing to unpack. A few minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import client
import envs
import machine
import tables
from measure import run_main, say
from peers import APPS, BENCH, BUILD, ROOT
from process import Server, ServerFailed

RESULTS = BENCH / "results" / "start.json"
DOCUMENT = ROOT / "docs" / "deploy.md"
FOLDER = BUILD / "start"
SERVES = BENCH / "serve" / "gunicorn_serve.py"

# What each application is called, and its files; requirements/start_….txt has its packages.
SITES = {
    "hello": ("hello", ("hello.py",)),
    "django": ("django_page", ("django_page.py", "django_settings.py", "django_urls.py", "templates")),
}
ENTRY = "gunicorn.app.wsgiapp:run"
PATIENCE = 60.0  # seconds, for a first answer
GUNICORN = ("--worker-class", "gthread", "--threads", "8", "--no-control-socket", "--log-level", "warning")


@dataclass(frozen=True)
class Site:
    """An application in a folder of its own, with a virtualenv of its own, and what the others are made of."""

    name: str
    module: str
    source: pathlib.Path
    venv: pathlib.Path
    tools: pathlib.Path  # the virtualenv of what makes files of sites
    packages: pathlib.Path  # the application's and Gunicorn
    gowsgi: pathlib.Path

    @property
    def target(self) -> str:
        return f"{self.module}:application"

    def run(self, *command: str | pathlib.Path, **env: str) -> None:
        """A step of the making of a file."""
        log = FOLDER / f"{self.name}.log"
        whole = {**os.environ, **env}
        with open(log, "wb") as output:
            done = subprocess.run(command, cwd=FOLDER, env=whole, stdout=output, stderr=subprocess.STDOUT, check=False)
        if done.returncode:
            name = pathlib.Path(command[0]).name
            raise envs.Missing(f"{name} ended with status {done.returncode}: {envs.reason(log)}")


@dataclass(frozen=True)
class Way:
    """make returns the file; command starts it, with all that it unpacks in the folder that env names."""

    title: str
    make: Callable[[Site], pathlib.Path | None]
    command: Callable[[Site, pathlib.Path | None, str], list[str]]
    env: Callable[[pathlib.Path], dict[str, str]] = lambda place: {}


def make_bundle(site: Site) -> pathlib.Path:
    file = FOLDER / f"{site.name}.gowsgi"
    site.run(site.gowsgi, "build", "-o", file, "--venv", site.venv, "--chdir", site.source, site.target)
    return file


def make_pyinstaller(site: Site) -> pathlib.Path:
    work = FOLDER / f"{site.name}.pyinstaller"
    shutil.rmtree(work, ignore_errors=True)
    django = ("--collect-all", "django", "--add-data", f"{site.source / 'templates'}:templates")
    modules = [part.stem for part in site.source.glob("*.py")]
    site.run(
        *(site.tools / "bin" / "pyinstaller", "--onefile", "--name", "site", "--paths", site.source),
        *("--distpath", work, "--workpath", work / "build", "--specpath", work),
        *(argument for module in modules for argument in ("--hidden-import", module)),
        *("--collect-submodules", "gunicorn", *(django if site.name == "django" else ()), SERVES),
        PYTHONPATH=str(site.packages),
    )
    return work / "site"


def make_shiv(site: Site) -> pathlib.Path:
    file, both = FOLDER / f"{site.name}.shiv", FOLDER / f"{site.name}.both"
    shutil.rmtree(both, ignore_errors=True)
    shutil.copytree(site.packages, both)
    shutil.copytree(site.source, both, dirs_exist_ok=True)
    run = ("--entry-point", ENTRY, "--compile-pyc", "--python", site.venv / "bin" / "python")
    site.run(site.tools / "bin" / "shiv", *run, "-o", file, "--site-packages", both)
    return file


def make_pex(site: Site) -> pathlib.Path:
    file = FOLDER / f"{site.name}.pex"
    run = ("--venv", "--compile", "--entry-point", ENTRY, "--python", site.venv / "bin" / "python")
    site.run(site.tools / "bin" / "pex", *requirements(site.name), "-D", site.source, *run, "-o", file)
    return file


def requirements(name: str) -> list[str | pathlib.Path]:
    """For pip, the application's and Gunicorn's."""
    return [part for of in (name, "gunicorn") for part in ("-r", envs.REQUIREMENTS / f"start_{of}.txt")]


def gunicorn(site: Site, file: pathlib.Path | None, address: str) -> list[str]:
    return [str(file), *GUNICORN, "--bind", address, site.target]


WAYS = {
    "gowsgi build": Way(
        "gowsgi build",
        make_bundle,
        lambda site, file, address: [str(file), "--bind", address, "--log-level", "warning"],
        lambda place: {"GOWSGI_BUNDLE_DIR": str(place)},
    ),
    "gowsgi": Way(
        "gowsgi, from the virtualenv",
        lambda site: None,
        lambda site, file, address: [
            *(str(site.gowsgi), site.target, "--bind", address, "--log-level", "warning"),
            *("--venv", str(site.venv), "--chdir", str(site.source)),
        ],
        lambda place: {"XDG_CACHE_HOME": str(place)},
    ),
    "pyinstaller": Way(
        "PyInstaller --onefile, Gunicorn", make_pyinstaller, gunicorn, lambda place: {"TMPDIR": str(place)}
    ),
    "shiv": Way("shiv, Gunicorn", make_shiv, gunicorn, lambda place: {"SHIV_ROOT": str(place)}),
    "pex": Way("pex --venv, Gunicorn", make_pex, gunicorn, lambda place: {"PEX_ROOT": str(place)}),
}


def prepare(name: str, gowsgi: pathlib.Path) -> Site:
    module, files = SITES[name]
    source = FOLDER / name
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for file in files:
        copy = shutil.copytree if (APPS / file).is_dir() else shutil.copy
        copy(APPS / file, source / file)
    venv, tools = envs.prepare(f"start_{name}", gowsgi), envs.prepare("start", gowsgi)
    site = Site(name, module, source, venv, tools, FOLDER / f"{name}.packages", gowsgi)
    shutil.rmtree(site.packages, ignore_errors=True)
    pip = (venv / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--target", site.packages)
    site.run(*pip, *requirements(name))
    # Which some versions of venv bring along, and neither application needs.
    site.run(venv / "bin" / "pip", "uninstall", "--yes", "--quiet", "setuptools")
    return site


def seconds(command: list[str], env: dict[str, str], port: int) -> float:
    """From the start of the process to its first whole answer."""
    began = time.monotonic()
    server = Server(command, env, FOLDER, FOLDER / "server.log")
    try:
        while True:
            try:
                status, _ = client.fetch(port, timeout=PATIENCE)
                if status == 200:
                    return time.monotonic() - began
            except OSError:
                pass
            if not server.alive() or time.monotonic() - began > PATIENCE:
                raise ServerFailed(server.last_words() or "no answer")
            time.sleep(0.001)
    finally:
        server.close()


def starts(way: Way, site: Site, file: pathlib.Path | None, places: pathlib.Path) -> tuple[float, float]:
    """The first start and a later one, in a new folder below places."""
    place = pathlib.Path(tempfile.mkdtemp(dir=places))
    os.sync()  # what was written before is not this one's to wait for
    env = {"PATH": f"{site.venv / 'bin'}:{os.defpath}", "HOME": str(place), "LANG": "C.UTF-8"} | way.env(place)
    found = []
    for _ in range(2):
        port = client.free_port()
        found.append(seconds(way.command(site, file, f"127.0.0.1:{port}"), env, port))
    return found[0], found[1]


def measure(gowsgi: pathlib.Path, rounds: int, places: pathlib.Path) -> dict[str, Any]:
    """Removes nothing from places: ext4 passes over what was deleted in the last minutes, one file after the
    other, and to make a file where thousands are gone takes half a millisecond."""
    results: dict[str, Any] = {"machine": machine.describe(), "rounds": rounds, "ways": {id: {} for id in WAYS}}
    for name in SITES:
        site = prepare(name, gowsgi)
        files: dict[str, pathlib.Path | None] = {}
        for id, way in WAYS.items():
            say(f"{name}: {way.title}")
            try:
                files[id] = way.make(site)
                results["ways"][id][name] = {"first": [], "later": [], "size": (files[id] and files[id].stat().st_size)}
            except envs.Missing as why:
                results["ways"][id][name] = {"missing": str(why)}
        for number in range(rounds):
            order = list(files)
            shift = number % len(order)
            for id in order[shift:] + order[:shift]:
                row = results["ways"][id][name]
                try:
                    first, later = starts(WAYS[id], site, files[id], places)
                except ServerFailed as why:
                    row["missing"] = str(why)
                    del files[id]
                    continue
                row["first"].append(first)
                row["later"].append(later)
                say(f"  {WAYS[id].title:32} {first:6.3f} {later:6.3f} s")
    results["versions"] = {"CPython": machine.tools()["CPython"]}
    results["versions"] |= envs.versions(BUILD / "venv" / "start", ["pex", "pyinstaller", "shiv"])
    results["versions"] |= envs.versions(BUILD / "venv" / "start_django", ["Django"])
    return results


def cells(row: dict[str, Any]) -> list[str]:
    if "missing" in row:
        return ["–", "–", "–"]
    size = tables.megabytes(row["size"]) if row["size"] else "–"
    return [size, *(f"{statistics.median(row[kind]):.2f}" for kind in ("first", "later"))]


def markdown(results: dict[str, Any]) -> str:
    m = results["machine"]
    heads = (f"{site}, {what}" for site in ("hello", "Django") for what in ("MB", "first start", "later"))
    rows = [["", *heads]]
    missing = []
    for id, row in results["ways"].items():
        rows.append([WAYS[id].title, *(cell for name in SITES for cell in cells(row[name]))])
        missing += [f"- {WAYS[id].title}, {name}: {row[name]['missing']}." for name in SITES if "missing" in row[name]]
    versions = ", ".join(f"{name} {version}" for name, version in results["versions"].items() if version)
    head = (
        f"{m['date'][:10]}, commit {m['commit']}{' with changes' if m['changed'] else ''}: {m['cpu']}, "
        f"{m['cores']} cores, {m['system']}, {m['kernel']}. Seconds from the start of the process to the first answer, "
        f"the median of {results['rounds']} rounds in turn; the files are in the page cache. {versions}."
    )
    return "\n\n".join(part for part in (head, tables.markdown_table(rows), "\n".join(missing)) if part)


def main(args: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Measures how soon a site in one file serves.")
    parser.add_argument("--gowsgi", type=pathlib.Path, default=ROOT / "bin" / "gowsgi", help="the program to measure")
    parser.add_argument("--rounds", type=int, default=5, help="of each way, in turn")
    parser.add_argument("--try", dest="trial", action="store_true", help="keep and write nothing")
    parser.add_argument("--render", action="store_true", help=f"measure nothing: {RESULTS.name} into {DOCUMENT.name}")
    options = parser.parse_args(args)
    kept = options.render and json.loads(RESULTS.read_text())
    if not (results := kept):
        # The folder for temporary files: there are a few GB in it at the end.
        with tempfile.TemporaryDirectory(prefix="gowsgi-start-") as places:
            results = measure(options.gowsgi.resolve(), options.rounds, pathlib.Path(places))
    if not options.trial:
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        tables.put(DOCUMENT, "start", markdown(results))
    print(markdown(results))
    return 0


if __name__ == "__main__":
    run_main(main)
