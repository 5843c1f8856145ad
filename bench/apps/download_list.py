"""10 MB as one block in a list."""

DATA = bytes(10_000_000)


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(len(DATA)))])
    return [DATA]
