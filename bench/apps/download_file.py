"""A file of 10 MB through wsgi.file_wrapper; plain 64 KiB reads where the server has none."""

import pathlib

FILE = pathlib.Path(__file__).resolve().parents[2] / "build/bench/download.bin"  # made by bench/run.py
SIZE = 10_000_000


class Reads:
    """What a careful framework does on a server without wsgi.file_wrapper."""

    def __init__(self, file, size):
        self.file, self.size, self.close = file, size, file.close

    def __iter__(self):
        return iter(lambda: self.file.read(self.size), b"")


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/octet-stream"), ("Content-Length", str(SIZE))])
    # The server closes it: the wrapper has the file's close().
    wrapper = environ.get("wsgi.file_wrapper", Reads)
    return wrapper(open(FILE, "rb"), 65536)
