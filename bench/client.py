"""Our own small clients: the one that checks an answer, and the one that keeps connections open and idle."""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import time

from process import Server, ServerFailed


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def fetch(port: int, upload: int = 0, timeout: float = 10.0) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request("POST" if upload else "GET", "/", body=b"x" * upload if upload else None)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def wait_until_ready(server: Server, port: int, upload: int, timeout: float = 30.0) -> bytes:
    """The first complete 200; ServerFailed when there is none in time."""
    deadline = time.monotonic() + timeout
    problem = "no answer"
    while time.monotonic() < deadline:
        if not server.alive():
            raise ServerFailed(f"ended at start ({server.process.returncode}): {server.last_words()}")
        try:
            status, body = fetch(port, upload)
        except (OSError, http.client.HTTPException) as error:
            problem = f"{type(error).__name__}: {error}"
            time.sleep(0.05)
            continue
        if status == 200:
            return body
        problem = f"answered {status}"
        time.sleep(0.2)
    raise ServerFailed(f"not ready after {timeout:.0f} s: {problem}; {server.last_words()}")


class IdleConnections:
    """Keep-alive connections that have each had one answer and then say nothing more."""

    BATCH = 50
    REQUEST = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

    def __init__(self, port: int):
        self.port = port
        self.connections: list[socket.socket] = []
        self.answered: list[socket.socket] = []

    def close(self) -> None:
        for connection in self.connections:
            connection.close()

    def open(self, count: int) -> None:
        """Up to count connections; stops early once a whole batch has got no answer."""
        while len(self.connections) < count:
            batch = []
            for _ in range(min(self.BATCH, count - len(self.connections))):
                try:
                    connection = socket.create_connection(("127.0.0.1", self.port), timeout=3)
                    connection.sendall(self.REQUEST)
                except OSError:
                    break
                batch.append(connection)
            self.connections += batch
            answered = self._collect(batch)
            self.answered += answered
            if not answered:
                return

    def served_again(self) -> int:
        """How many of those that were answered get another answer."""
        served = 0
        for start in range(0, len(self.answered), self.BATCH):
            batch = []
            for connection in self.answered[start : start + self.BATCH]:
                with contextlib.suppress(OSError):
                    connection.sendall(self.REQUEST)
                    batch.append(connection)
            served += len(self._collect(batch))
        return served

    def _collect(self, batch: list[socket.socket]) -> list[socket.socket]:
        """Those that get an answer in time."""
        waiting = {connection.fileno(): (connection, bytearray()) for connection in batch}
        poll = select.poll()
        for descriptor in waiting:
            poll.register(descriptor, select.POLLIN)
        answered = []
        deadline = time.monotonic() + 3
        while waiting and time.monotonic() < deadline:
            for descriptor, _event in poll.poll(100):
                connection, got = waiting[descriptor]
                try:
                    data = connection.recv(4096)
                except OSError:
                    data = b""
                got += data
                done = got.endswith(b"Hello, World!\n")
                if done:
                    answered.append(connection)
                if done or not data:
                    poll.unregister(descriptor)
                    del waiting[descriptor]
        return answered

    def still_open(self) -> int:
        """How many the server has not closed (nothing to read, neither data nor end of file)."""
        poll = select.poll()
        for connection in self.connections:
            poll.register(connection, select.POLLIN | select.POLLHUP)
        return len(self.connections) - len(poll.poll(0))
