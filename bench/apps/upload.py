"""Reads the whole request body and answers with its length."""


def application(environ, start_response):
    left = int(environ.get("CONTENT_LENGTH") or 0)
    total = 0
    while left > 0:
        block = environ["wsgi.input"].read(left)
        if not block:
            break
        total += len(block)
        left -= len(block)
    body = str(total).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
