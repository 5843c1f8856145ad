"""Reads bodies that came into a temporary file, in every way that a file can be read.

Proves that such a body is whole before the application is called, that it is the
application's like any other, and that nobody else has a hold of its file. By path:

    /read      CONTENT_LENGTH, size and SHA-256 of the body
    /twice     the same of the second half, then of all of it
    /part      the first ten bytes
    /never     does not touch wsgi.input
    /wait      waits at the gate, then as /read
    /fork      a forked child reads the second half, the parent the first: a hash each
    /program   what a program that it starts has open
    /threads   four threads read together: each byte gets to one of them
    /stay      a thread of its own goes on reading when the response is over
"""

import hashlib
import os
import subprocess
import sys
import threading

from contract import note, note_for, parameters, plain, wait

LIST = """
import os
for number in range(3, 100):
    try:
        print(os.readlink(f"/proc/self/fd/{number}"))
    except OSError:
        pass
"""


def told(data):
    return f"{len(data)} {hashlib.sha256(data).hexdigest()}"


def read(environ):
    return f"{environ.get('CONTENT_LENGTH')} {told(environ['wsgi.input'].read())}"


def twice(environ):
    stream = environ["wsgi.input"]
    stream.seek(int(environ["CONTENT_LENGTH"]) // 2)
    half = told(stream.read())
    stream.seek(0)
    return f"{half} {told(stream.read())}"


def fork(environ):
    stream, half = environ["wsgi.input"], int(environ["CONTENT_LENGTH"]) // 2
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            stream.seek(half)
            os.write(writer, told(stream.read()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    first = told(stream.read(half))
    with os.fdopen(reader) as pipe:
        second = pipe.read()
    os.waitpid(child, 0)
    return f"{first} {second}"


def threads(environ):
    stream, pieces, lock = environ["wsgi.input"], [], threading.Lock()

    def reader(lines):
        while piece := stream.readline() if lines else stream.read(90_000):
            with lock:
                pieces.append(piece)

    all_of_them = [threading.Thread(target=reader, args=(n % 2,)) for n in range(4)]
    for thread in all_of_them:
        thread.start()
    for thread in all_of_them:
        thread.join()
    data = b"".join(pieces)
    return f"{len(data)} {sum(data)}"


def stay(environ):
    stream, key, begun = environ["wsgi.input"], parameters(environ)["id"], threading.Event()

    def reader():
        try:
            while True:
                stream.seek(0)
                stream.read(100_000)
                stream.readline()
                begun.set()
        except RuntimeError:
            note_for(key, "RuntimeError")
        except BaseException as error:
            note_for(key, f"{type(error).__name__} {error}")

    threading.Thread(target=reader, daemon=True).start()
    begun.wait()
    return "stays"


def waits(environ):
    note(environ, "called")
    wait(environ)
    return read(environ)


PATHS = {
    "/read": read,
    "/twice": twice,
    "/part": lambda environ: environ["wsgi.input"].read(10),
    "/never": lambda environ: "did not read",
    "/wait": waits,
    "/fork": fork,
    "/program": lambda environ: subprocess.check_output([sys.executable, "-c", LIST], close_fds=False),
    "/threads": threads,
    "/stay": stay,
}


def application(environ, start_response):
    return plain(start_response, PATHS[environ["PATH_INFO"]](environ))
