"""/echo tells what it was asked, /wait/FD first waits for a byte from that descriptor of
this process, /pieces/FD does so between two blocks, /large/N has N blocks of 64 KiB,
/file/N has them in a file, /raises raises."""

import os
import tempfile


def pieces(fd):
    yield b"first "
    os.read(fd, 1)
    yield b"last"


def large(n):
    return (b"%08d" % i * 8192 for i in range(n))


def application(environ, start_response):
    _, what, *rest = environ["PATH_INFO"].split("/")
    if what == "raises":
        raise ValueError("raised")
    if what in ("large", "file"):
        n = int(rest[0])
        start_response("200 OK", [("Content-Length", str(n << 16))])
        if what == "large":
            return large(n)
        file = tempfile.TemporaryFile()
        file.writelines(large(n))
        file.seek(0)
        return environ["wsgi.file_wrapper"](file)
    start_response("200 OK", [("X-Name", environ.get("HTTP_X_NAME", ""))])
    if what == "pieces":
        return pieces(int(rest[0]))
    if what == "wait":
        os.read(int(rest[0]), 1)
    asked = (environ[name] for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR"))
    return [f"{' '.join(asked)} {environ['wsgi.input'].read().decode('latin-1')}".encode("latin-1")]
