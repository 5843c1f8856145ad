"""Leaves threads behind that go on writing to a response that has ended.

Proves that nothing of it gets into another response, and that no stop waits for such
a thread. A thread that finds its request gone adds what it was told to the journal. By
path:

    /writer  a thread writes for ever, until its client takes no more; the request ends
             when the "gate" opens
    /blocks  yields five short blocks, one at a time
    /reader  a thread waits for the rest of the body; the request ends at once
"""

import threading
import time

from contract import note, plain, wait

BLOCK = b"SECRET-OF-A " * 6000
STILL = 20  # looks, at each of which not one block more has gone out


def until_ended(environ, use):
    try:
        while True:
            use()
    except RuntimeError as error:
        note(environ, error)


def writer(environ, start_response):
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    written = 0

    def write_on():
        nonlocal written
        write(BLOCK)
        written += 1

    threading.Thread(target=until_ended, args=(environ, write_on)).start()
    last, still = 0, 0
    while not written or still < STILL:
        time.sleep(0.01)
        still = still + 1 if written == last else 0
        last = written
    note(environ, "the writer waits")
    wait(environ)
    return []


def blocks(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    for _ in range(5):
        time.sleep(0.01)
        yield b"of b "


def reader(environ, start_response):
    threading.Thread(target=until_ended, args=(environ, environ["wsgi.input"].read)).start()
    return plain(start_response, "left")


def application(environ, start_response):
    return globals()[environ["PATH_INFO"][1:]](environ, start_response)
