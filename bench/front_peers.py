"""Who faces the internet in bench/front.py, and the command that starts each: TLS, static files and compression on.

Each has one process for Python with 8 threads; nginx, where there is one, one worker.
"""

from __future__ import annotations

import os
import pathlib
import string
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

from envs import DOWNLOAD
from peers import APPS, BENCH, BUILD

FOLDER = BUILD / "front"
CERTIFICATE, KEY = FOLDER / "cert.pem", FOLDER / "key.pem"
STATIC = FOLDER / "static"
THREADS = "8"
APPLICATION = "front_site:application"


@dataclass(frozen=True)
class Launch:
    """tls, http2: what the load speaks."""

    port: int
    venv: pathlib.Path
    gowsgi: pathlib.Path
    tls: bool
    http2: bool

    def tool(self, name: str) -> str:
        return str(self.venv / "bin" / name)


@dataclass(frozen=True)
class Front:
    """serves: the loads that it can serve at all."""

    id: str
    title: str
    family: str
    command: Callable[[Launch], list[str]]
    serves: frozenset[str]


def make_folder() -> None:
    """What all of them serve: a certificate for an elliptic curve, and two files."""
    STATIC.mkdir(parents=True, exist_ok=True)
    if not CERTIFICATE.is_file():
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
                *("-days", "3650", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
                *("-keyout", str(KEY), "-out", str(CERTIFICATE)),
            ],
            check=True,
            capture_output=True,
        )
    (STATIC / "1k.css").write_bytes(b"a { b: c }\n" * 93 + b"\n")
    (STATIC / "10m.bin").unlink(missing_ok=True)
    os.link(DOWNLOAD, STATIC / "10m.bin")


def gowsgi(launch: Launch) -> list[str]:
    tls = ["--certfile", str(CERTIFICATE), "--keyfile", str(KEY)] if launch.tls else []
    return [
        *(str(launch.gowsgi), APPLICATION, "--bind", f"127.0.0.1:{launch.port}", *tls),
        *("--workers", "1", "--threads", THREADS, "--static", f"/static={STATIC}", "--compress"),
        *("--venv", str(launch.venv), "--chdir", str(APPS)),
    ]


def behind_nginx(launch: Launch, passing: str, python: list[str]) -> list[str]:
    file = FOLDER / "nginx.conf"
    options = ("ssl" if launch.tls else "") + (" http2" if launch.http2 else "")
    template = string.Template((BENCH / "serve" / "nginx.conf").read_text())
    user = "root" if os.geteuid() == 0 else "nobody"
    file.write_text(
        template.substitute({"user": user, "folder": FOLDER, "port": launch.port, "options": options, "pass": passing})
    )
    (FOLDER / "python.sock").unlink(missing_ok=True)
    return [launch.tool("python"), str(BENCH / "serve" / "behind_nginx.py"), str(file), *python]


def nginx_gunicorn(launch: Launch) -> list[str]:
    passing = (
        "proxy_pass http://python; proxy_http_version 1.1; proxy_set_header Connection ''; "
        "proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; "
        "proxy_set_header X-Forwarded-Proto $scheme;"
    )
    return behind_nginx(
        launch,
        passing,
        [
            *(launch.tool("gunicorn"), "--worker-class", "gthread", "--workers", "1", "--threads", THREADS),
            *("--bind", f"unix:{FOLDER}/python.sock", "--keep-alive", "75", "--worker-connections", "2000"),
            *("--no-control-socket", "--log-level", "warning", APPLICATION),
        ],
    )


def nginx_uwsgi(launch: Launch) -> list[str]:
    return behind_nginx(
        launch,
        "include /etc/nginx/uwsgi_params; uwsgi_pass python;",
        [
            *(launch.tool("uwsgi"), "--socket", f"{FOLDER}/python.sock", "--master", "--processes", "1"),
            *("--threads", THREADS, "--module", APPLICATION, "--listen", "1024"),
            *("--need-app", "--die-on-term", "--disable-logging"),
        ],
    )


def granian(launch: Launch) -> list[str]:
    tls = ["--ssl-certificate", str(CERTIFICATE), "--ssl-keyfile", str(KEY)] if launch.tls else []
    return [
        *(launch.tool("granian"), "--interface", "wsgi", "--no-ws", "--log-level", "warning", *tls),
        *("--host", "127.0.0.1", "--port", str(launch.port), "--workers", "1", "--blocking-threads", THREADS),
        *("--static-path-route", "/static", "--static-path-mount", str(STATIC), APPLICATION),
    ]


def peregrine(launch: Launch) -> list[str]:
    tls = ["--tls-cert", str(CERTIFICATE), "--tls-key", str(KEY)] if launch.tls else []
    return [
        *(launch.tool("peregrine"), "--host", "127.0.0.1", "--port", str(launch.port), "--workers", "1", *tls),
        *("--wsgi-threads", THREADS, "--protocol", "wsgi", "--max-connections", "20000", "--keep-alive", "75000"),
        *("--log-level", "warning", "--static-dir", f"/static={STATIC}", APPLICATION),
    ]


HTTP1 = frozenset(
    ("plain", "tls", "full", "resumed", "static-1k", "static-10m", "static-1k-tls", "static-10m-tls", "slow")
)
EVERY = HTTP1 | {"http2", "json"}

FRONTS: dict[str, Front] = {
    front.id: front
    for front in (
        Front("gowsgi", "gowsgi", "gowsgi", gowsgi, EVERY),
        Front("nginx-gunicorn", "nginx + Gunicorn", "gunicorn", nginx_gunicorn, EVERY),
        Front("nginx-uwsgi", "nginx + uWSGI", "uwsgi", nginx_uwsgi, EVERY),
        Front("peregrine", "Peregrine", "peregrine", peregrine, HTTP1 | {"http2"}),
        Front("granian", "Granian", "granian", granian, HTTP1 | {"http2"}),
    )
}
