"""Says things after its requests have ended: threads that it has left behind write to
wsgi.errors for as long as they can. Proves that nothing of a request's memory is read
then, and that what they say never counts as another request's.

Each answer is a list of many small blocks, whose memory goes back at once.
"""

import threading

THREADS, BLOCKS = 3, 100


def keep_saying(errors, text):
    """Write a line at a time until the request is over."""
    try:
        while True:
            errors.write(text)
    except RuntimeError:  # it belongs to a request that has ended
        return


def application(environ, start_response):
    text = f"late {environ['PATH_INFO']}\n"
    for _ in range(THREADS):
        threading.Thread(target=keep_saying, args=(environ["wsgi.errors"], text)).start()
    start_response("200 OK", [("Content-Type", "application/octet-stream")])
    return [b"x" * 1000] * BLOCKS
