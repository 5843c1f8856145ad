"""The loads. Each is fixed: a server that looks bad in one is not given another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from peers import EVERYWHERE

HELLO = b"Hello, World!\n"


@dataclass(frozen=True)
class Load:
    """One kind of work. kind: "requests" (wrk for some seconds), "idle" or "growth" (memory)."""

    id: str
    title: str
    app: str
    right: Callable[[bytes], bool]
    kind: str = "requests"
    threads: int = 8
    connections: int = 64
    upload: int = 0
    peers: tuple[str, ...] = EVERYWHERE
    note: str = ""


def size(count: int) -> Callable[[bytes], bool]:
    return lambda body: len(body) == count


def is_hello(body: bytes) -> bool:
    return body == HELLO


TEN_MB = size(10_000_000)

LOADS: dict[str, Load] = {
    load.id: load
    for load in (
        Load(
            "hello",
            "Hello: 14 bytes, 64 connections",
            "hello",
            is_hello,
            peers=("nethttp", *EVERYWHERE, "gowsgi-1", "before"),
        ),
        Load(
            "flask",
            "Flask: JSON, 64 connections",
            "flask_json",
            lambda body: b'"Hello, World!"' in body and body.count(b"square") == 10,
            peers=(*EVERYWHERE, "before"),
        ),
        Load(
            "django",
            "Django: page from a template, full middleware, 64 connections",
            "django_page",
            lambda body: b"csrfmiddlewaretoken" in body and b"Article &lt;9&gt;" in body,
            peers=(*EVERYWHERE, "gowsgi-1", "before"),
        ),
        Load(
            "sleep",
            "Sleep: 10 ms, 64 connections, 32 threads (ideal: 3,200 requests/s)",
            "sleep",
            is_hello,
            threads=32,
        ),
        Load(
            "sleep-128",
            "Sleep: 10 ms, 128 connections, 32 threads (first come, first served: 40 ms each)",
            "sleep",
            is_hello,
            threads=32,
            connections=128,
        ),
        Load(
            "hash",
            "Hash: SHA-256 over 2 MB, GIL released, 64 connections",
            "hash",
            size(64),
            peers=(*EVERYWHERE, "gowsgi-1", "before"),
        ),
        Load(
            "mixed",
            "Mixed: 0.3 ms of Python, then a wait of 2 ms, 64 connections",
            "mixed",
            size(14),
            peers=(*EVERYWHERE, "gowsgi-nolimit", "before"),
        ),
        Load(
            "upload",
            "Upload: 1 MB, read and measured by the application, 16 connections",
            "upload",
            lambda body: body == b"1000000",
            connections=16,
            upload=1_000_000,
        ),
        Load("list", "Download: 10 MB as a list of one block, 16 connections", "download_list", TEN_MB, connections=16),
        Load(
            "generator",
            "Download: 10 MB from a generator of 64 KiB blocks, 16 connections",
            "download_generator",
            TEN_MB,
            connections=16,
        ),
        Load(
            "wrapper",
            "Download: 10 MB through wsgi.file_wrapper, 16 connections",
            "download_file",
            TEN_MB,
            connections=16,
            note="Granian has no wsgi.file_wrapper; there the application reads the file in blocks of 64 KiB.",
        ),
        Load(
            "idle",
            "Idle: memory of 1,000 keep-alive connections, each after one answer",
            "hello",
            is_hello,
            kind="idle",
            connections=1000,
            peers=("nethttp", *(peer for peer in EVERYWHERE if peer not in ("granian-1", "granian-default"))),
        ),
        Load(
            "idle-10000",
            "Idle: memory of 10,000 keep-alive connections, each after one answer",
            "hello",
            is_hello,
            kind="idle",
            connections=10_000,
            peers=("gowsgi",),
        ),
        Load(
            "growth",
            "Growth: memory of the worker after 10,000 and after 1,000,000 hellos, 64 connections",
            "hello",
            is_hello,
            kind="growth",
            peers=("gowsgi",),
        ),
    )
}
