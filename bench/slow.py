"""What hundreds of slow clients cost everybody else. Prints a table; `bench/slow.py --help` has the options.

With 8 threads, 200 clients send 3 MB at 10 KB/s and 200 take 50 MB at 10 KB/s, from a process of their own. The latency
of one more client, who asks for 14 bytes again and again, is measured before they come and once all that is to be
produced for them has been. At most twice the p99 is the aim. It takes 10 GB in the folder for temporary files.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import multiprocessing
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from peers import BENCH, ROOT

RATE = 10_000  # bytes a second
STEP = 0.1  # seconds
UPLOAD = 3_000_000


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What hundreds of slow clients cost everybody else.")
    parser.add_argument("--gowsgi", type=pathlib.Path, default=ROOT / "bin" / "gowsgi", help="the program to measure")
    parser.add_argument("--uploads", type=int, default=200, help="clients that send slowly")
    parser.add_argument("--downloads", type=int, default=200, help="clients that take slowly")
    parser.add_argument("--seconds", type=float, default=20, help="for each measurement")
    parser.add_argument("settings", nargs="*", help="more arguments for gowsgi, behind --")
    return parser.parse_args()


async def upload(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % UPLOAD)
    for _ in range(int(UPLOAD / (RATE * STEP))):
        writer.write(b"x" * int(RATE * STEP))
        await asyncio.sleep(STEP)
    await reader.readline()
    writer.close()


async def download(port: int) -> None:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", port))
    await loop.sock_sendall(connection, b"GET /download HTTP/1.1\r\nHost: x\r\n\r\n")
    while await loop.sock_recv(connection, int(RATE * STEP)):
        await asyncio.sleep(STEP)


def be_slow(port: int, uploads: int, downloads: int) -> None:
    async def everybody() -> None:
        async with asyncio.TaskGroup() if hasattr(asyncio, "TaskGroup") else Gathering() as group:
            for _ in range(uploads):
                group.create_task(upload(port))
            for _ in range(downloads):
                group.create_task(download(port))

    asyncio.run(everybody())


class Gathering:
    """asyncio.TaskGroup, which CPython has from 3.11 on."""

    def __init__(self) -> None:
        self.tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Gathering:
        return self

    def create_task(self, coroutine) -> None:
        self.tasks.append(asyncio.create_task(coroutine))

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*self.tasks)


def ask(connection: http.client.HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    return connection.getresponse().read()


def latencies(port: int, seconds: float) -> list[float]:
    connection, times = http.client.HTTPConnection("127.0.0.1", port, timeout=60), []
    until = time.perf_counter() + seconds
    while (began := time.perf_counter()) < until:
        ask(connection, "/hello")
        times.append(time.perf_counter() - began)
    return sorted(times)


@contextmanager
def serve(options: argparse.Namespace) -> Iterator[int]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [options.gowsgi.resolve(), "-b", f"127.0.0.1:{port}", "--threads", "8", "--log-level", "warning"]
    server = subprocess.Popen([*command, *options.settings, "slow:application"], cwd=BENCH / "apps")
    try:
        for _ in range(300):
            try:
                ask(http.client.HTTPConnection("127.0.0.1", port, timeout=5), "/hello")
                break
            except OSError:
                time.sleep(0.1)
        else:
            sys.exit("gowsgi does not serve")
        yield port
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def wait_until_produced(port: int, downloads: int) -> float:
    """Wait until the application is done with all downloads; return how long that took."""
    connection, began = http.client.HTTPConnection("127.0.0.1", port, timeout=600), time.perf_counter()
    while int(ask(connection, "/finished")) < downloads:
        time.sleep(0.2)
        if time.perf_counter() - began > 600:
            sys.exit("the application still waits for its clients")
    return time.perf_counter() - began


def row(name: str, times: list[float]) -> str:
    middle, late = times[len(times) // 2], times[int(len(times) * 0.99)]
    return f"{name:24} {len(times):>9} {middle * 1e6:>9.0f} {late * 1e6:>9.0f}"


def main() -> int:
    options = arguments()
    with serve(options) as port:
        latencies(port, 1)
        before = latencies(port, options.seconds)
        slow = multiprocessing.Process(target=be_slow, args=(port, options.uploads, options.downloads), daemon=True)
        slow.start()
        took = wait_until_produced(port, options.downloads)
        during = latencies(port, options.seconds)
        slow.kill()
        slow.join()
    print(f"{options.uploads} clients send, {options.downloads} take slowly; {os.cpu_count()} processors")
    print(f"all was produced after {took:.1f} s")
    print(f"{'':24} {'requests':>9} {'p50 µs':>9} {'p99 µs':>9}")
    print(row("without slow clients", before))
    print(row("with them", during))
    print(f"p99: {during[int(len(during) * 0.99)] / before[int(len(before) * 0.99)]:.2f} times")
    return 0


if __name__ == "__main__":
    sys.exit(main())
