"""Keeps memory with every request.

Proves that a worker is replaced when it has become larger than --max-worker-memory, and
that nobody loses a request by it. Answers as lossless.py does.
"""

from lossless import answer

kept = []


def application(environ, start_response):
    kept.append(bytes([1]) * 8192)  # written, so it really is there
    return answer(environ, start_response)
