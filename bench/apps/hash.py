"""Computes in C with the GIL released: SHA-256 over 2 MB."""

import hashlib

DATA = bytes(2_000_000)


def application(environ, start_response):
    body = hashlib.sha256(DATA).hexdigest().encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
