"""What bench/front.py asks for: 14 bytes, 50 KB of JSON, and a megabyte for clients that are slow to take it."""

import json

HELLO = b"Hello, World!\n"
ROWS = [
    {"id": number, "name": f"article {number}", "price": number * 1.19, "tags": ["a", "b"]} for number in range(680)
]
JSON = json.dumps(ROWS).encode()
MEGABYTE = bytes(1_000_000)


def application(environ, start_response):
    path = environ["PATH_INFO"]
    body, kind = HELLO, "text/plain"
    if path == "/json":
        body, kind = JSON, "application/json"
    elif path == "/megabyte":
        body, kind = MEGABYTE, "application/octet-stream"
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", str(len(body)))])
    return [body]
