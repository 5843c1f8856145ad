"""/echo tells what it was asked, /wait/FD first waits for a byte from that descriptor of
this process, /pieces/FD does so between two blocks, /large/N has N blocks of 64 KiB,
/raises raises."""

import os


def pieces(fd):
    yield b"first "
    os.read(fd, 1)
    yield b"last"


def application(environ, start_response):
    _, what, *rest = environ["PATH_INFO"].split("/")
    if what == "raises":
        raise ValueError("raised")
    if what == "large":
        start_response("200 OK", [("Content-Length", str(int(rest[0]) << 16))])
        return (b"%08d" % i * 8192 for i in range(int(rest[0])))
    start_response("200 OK", [("X-Name", environ.get("HTTP_X_NAME", ""))])
    if what == "pieces":
        return pieces(int(rest[0]))
    if what == "wait":
        os.read(int(rest[0]), 1)
    asked = (environ[name] for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR"))
    return [f"{' '.join(asked)} {environ['wsgi.input'].read().decode('latin-1')}".encode("latin-1")]
