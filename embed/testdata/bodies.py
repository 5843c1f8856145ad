"""Reads large bodies in one go, which gives the application the memory they were
received in. Proves that it is the application's own from then on."""

import _testcapi
import collections
import contextlib
import hashlib
import threading

KEPT = collections.deque(maxlen=50)
lock = threading.Lock()


def whole(environ, start_response):
    """Answers with the body's SHA-256, unless something about it is wrong."""
    stream = environ["wsgi.input"]
    data = stream.read()
    assert stream.read() == b"" and stream.tell() == len(data) == int(environ["CONTENT_LENGTH"])
    assert hash(data) == hash(bytes(bytearray(data))), "the hash is another body's"
    stream.seek(1)
    assert stream.read() == data[1:]
    stream.seek(0)
    assert stream.read(5) + stream.read() == data
    stream.seek(0)
    assert stream.read() == data
    digest = hashlib.sha256(data).hexdigest()
    with lock:
        for kept, its_digest in KEPT:
            assert hashlib.sha256(kept).hexdigest() == its_digest, "a kept body has changed"
        if environ.get("HTTP_X_KEEP"):
            KEPT.append((data, digest))
    start_response("200 OK", [])
    return [digest.encode()]


def without_memory(environ, start_response):
    """Reads where one allocation after the other fails. What is there afterwards is
    the body, or an error, but never what else the memory is used for."""
    stream = environ["wsgi.input"]
    for n in range(5):
        _testcapi.set_nomemory(n, n + 1)
        try:
            data = stream.read()
        except MemoryError:
            pass
        else:
            assert data.count(b"b") == int(environ["CONTENT_LENGTH"])
            del data
            stream.seek(0)
            continue
        finally:
            _testcapi.remove_mem_hooks()
        noise = [b"n" * n for n in range(60_000, 200_000, 1000)]
        with contextlib.suppress(MemoryError):
            stream.seek(0)
            assert set(stream.read(1000)) <= set(b"b")
            stream.seek(0)
        del noise
    start_response("200 OK", [])
    return []


def straying(environ, start_response):
    """Leaves threads behind that read and seek when the request is over."""
    stream, begun = environ["wsgi.input"], threading.Barrier(4)

    def read(step):
        begun.wait()
        with contextlib.suppress(RuntimeError):
            while True:
                step()
                stream.seek(0)

    steps = [stream.read, stream.readline, lambda: stream.read(70_000)]
    STRAYS.extend(threading.Thread(target=read, args=(step,)) for step in steps)
    for stray in STRAYS[-len(steps) :]:
        stray.start()
    begun.wait()
    start_response("200 OK", [])
    return [stream.read(10)]


STRAYS = []


def no_strays(environ, start_response):
    """Waits for them: each has found out that its request is over."""
    while STRAYS:
        STRAYS.pop().join()
    start_response("200 OK", [])
    return []


def long(environ, start_response):
    """Yields more than fits into all batches, in blocks that are copied and borrowed."""
    start_response("200 OK", [])
    for n in range(200):
        yield b"%03d" % n * (10_000 if n % 2 else 20_000)
