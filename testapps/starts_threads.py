"""An application that starts a thread while it is loaded, and one that ends before that is over.

Answers with "running" if the thread runs in the worker that answers, and "dead" if not.
"""

import threading

stop = threading.Event()
pump = threading.Thread(target=stop.wait, name="pump", daemon=True)


def start_pump():
    pump.start()


start_pump()
short = threading.Thread(target=int, name="short")
short.start()
short.join()


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"running" if pump.is_alive() else b"dead"]
