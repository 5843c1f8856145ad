"""Has "app" and no "application": the second default name."""


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"app only"]
