"""Lives on greenlets: gevent_site and eventlet_site import it once they have replaced
what makes threads.

Proves that each thread of the server's is a real one with a hub of its own. By path:

    /thread      JSON: what threading says of the thread, and its threading.local
    /sleep       sleeps for "seconds"
    /meet        waits until n requests are inside at once
    /lock        changes what all threads share, under a lock that it sleeps in
    /log         logs, with the locks that logging has, and imports
    /spawn       starts threads, which are greenlets now, and joins them
    /queue       gets what a greenlet puts into a queue
    /later       leaves a greenlet behind that notes "later" once it has slept
    /busy        leaves a greenlet behind that computes for "seconds", then notes "unharmed"
    /stream      yields blocks, and sleeps in between
    /fork        os.fork(): the child finds its thread to be the main thread
    /subprocess  reads what a child process prints
    /wait        waits at the gate; the journal says "called"
"""

import importlib
import json
import logging
import os
import queue
import subprocess
import sys
import threading
import time

from contract import note, note_for, parameters, plain

lock, gauge = threading.Lock(), threading.RLock()
local = threading.local()
shared = {"inside": 0, "most": 0}
met = {}
logger = logging.getLogger("greenlets")
logger.addHandler(logging.StreamHandler())
SELDOM = ("cmd", "csv", "plistlib", "tarfile", "wave", "xml.dom.minidom", "zipfile")


def thread(environ):
    local.count = getattr(local, "count", 0) + 1
    current = threading.current_thread()
    return json.dumps(
        {
            "name": current.name,
            "main": current is threading.main_thread(),
            "ident": current.ident == threading.get_ident(),
            "listed": sum(listed is current for listed in threading.enumerate()),
            "native": threading.get_native_id(),
            "local": local.count,
        }
    )


def sleep(environ):
    time.sleep(float(parameters(environ)["seconds"]))
    return "slept"


def meet(environ):
    query = parameters(environ)
    with gauge:
        met[query["id"]] = met.get(query["id"], 0) + 1
    while met[query["id"]] < int(query["n"]):
        time.sleep(0.001)
    return "met"


def locked(environ):
    with lock:
        shared["inside"] += 1
        shared["most"] = max(shared["most"], shared["inside"])
        time.sleep(0.001)
        with gauge:
            shared["inside"] -= 1
    return shared["most"]


def log(environ):
    for name in SELDOM:
        importlib.import_module(name)
        logger.warning("imported %s", name)
    return "logged"


def spawn(environ):
    results = []
    threads = [threading.Thread(target=lambda i=i: (time.sleep(0.001 * i), results.append(i))) for i in range(5)]
    for started in threads:
        started.start()
    for started in threads:
        started.join()
    return sorted(results)


def queued(environ):
    results = queue.Queue()
    threading.Thread(target=lambda: (time.sleep(0.005), results.put("put"))).start()
    return results.get(timeout=20)


def later(environ):
    key = parameters(environ)["id"]
    threading.Thread(target=lambda: (time.sleep(0.1), note_for(key, "later"))).start()
    return "left behind"


def busy(environ):
    query = parameters(environ)

    def compute():
        end = time.monotonic() + float(query["seconds"])
        try:
            while time.monotonic() < end:
                sum(range(1000))
                time.sleep(0)
            note_for(query["id"], "unharmed")
        except BaseException as error:
            note_for(query["id"], f"hit by {type(error).__name__}")

    threading.Thread(target=compute).start()
    return "left behind"


def stream(environ):
    for i in range(5):
        time.sleep(0.005)
        yield b"block %d\n" % i


def fork(environ):
    pid = os.fork()
    if pid == 0:
        os._exit(7 if threading.current_thread().name else 8)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def child(environ):
    return subprocess.run([sys.executable, "-c", "print('child')"], capture_output=True, text=True, check=True).stdout


def wait(environ):
    note(environ, "called")
    gate = os.open(parameters(environ)["gate"], os.O_RDONLY | os.O_NONBLOCK)
    try:
        while True:  # as greenlets wait
            try:
                return f"waited {len(os.read(gate, 1))}"
            except BlockingIOError:
                time.sleep(0.005)
    finally:
        os.close(gate)


PATHS = {
    "/thread": thread,
    "/sleep": sleep,
    "/meet": meet,
    "/lock": locked,
    "/log": log,
    "/spawn": spawn,
    "/queue": queued,
    "/later": later,
    "/busy": busy,
    "/fork": fork,
    "/subprocess": child,
    "/wait": wait,
}


def application(environ, start_response):
    if environ["PATH_INFO"] == "/stream":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return stream(environ)
    return plain(start_response, PATHS[environ["PATH_INFO"]](environ))
