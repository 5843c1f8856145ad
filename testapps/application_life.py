"""Does what applications do besides answering: threads, loops, processes, logging.

Proves that the interpreter it lives in is a whole CPython. By path, each answers with
text that a test can foretell:

    /python               sys.argv, sys.executable, sys.prefix, … as JSON
    /thread               a thread that answers, and one that outlives the request
    /ticks                how often a thread that was started at import has run
    /asyncio              asyncio.run, with a thread and a child process inside
    /subprocess           sys.executable as a child: its prefix and environment
    /multiprocessing?method=  a process, a queue, and a pool
    /terminate?method=    Process.terminate() ends a child
    /futures?method=      concurrent.futures: threads, then processes
    /fork                 os.fork(): the child writes to wsgi.errors
    /fork-returns         os.fork(): the child returns from the application, too
    /logging              logging to standard error, wsgi.errors and print()
    /lingers              a thread that is no daemon waits at the gate

At its end it notes "atexit" in the journal.
"""

import asyncio
import atexit
import concurrent.futures
import json
import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time

from contract import note_for, parameters, plain, wait_at

ticks = 0


def tick():
    global ticks
    while True:
        ticks += 1
        time.sleep(0.005)


threading.Thread(target=tick, daemon=True).start()
if multiprocessing.parent_process() is None:
    atexit.register(note_for, "life", "atexit")

logger = logging.getLogger("life")
logger.addHandler(logging.StreamHandler())


def square(number):
    """Run in another process."""
    return number * number


def put_square(queue, number):
    """Run in another process."""
    queue.put(square(number))


def sleep_long():
    """Run in another process, which is to be terminated."""
    print("child sleeps", flush=True)
    time.sleep(600)


def python(environ):
    return json.dumps(
        {
            "argv": sys.argv,
            "executable": sys.executable,
            "prefix": sys.prefix,
            "base_prefix": sys.base_prefix,
            "path": sys.path,
            "encoding": [sys.stdout.encoding, sys.getfilesystemencoding()],
            "preload": os.environ.get("LD_PRELOAD"),
            "variables": sorted(name for name in os.environ if "GOWSGI" in name),
        }
    )


def thread(environ):
    results = []
    worker = threading.Thread(target=lambda: results.append(square(7)))
    worker.start()
    worker.join()
    key = parameters(environ)["id"]
    threading.Thread(target=lambda: (time.sleep(0.05), note_for(key, "outlived")), daemon=True).start()
    return f"thread {results}"


async def gathered():
    loop = asyncio.get_running_loop()
    in_thread = loop.run_in_executor(None, square, 5)
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", "print('child')", stdout=asyncio.subprocess.PIPE)
    output, _ = await child.communicate()
    return f"asyncio {await in_thread} {output.decode().strip()} {child.returncode}"


def in_loop(environ):
    return asyncio.run(gathered())


def child(environ):
    program = "import os, sys; print(sys.prefix, sys.executable, os.environ.get('LD_PRELOAD'))"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def processes(environ):
    context = multiprocessing.get_context(parameters(environ)["method"])
    queue = context.Queue()
    process = context.Process(target=put_square, args=(queue, 6))
    process.start()
    result = queue.get(timeout=20)
    process.join(20)
    pool = context.Pool(2)
    squares = pool.map(square, range(5))
    pool.close()
    pool.join()
    return f"multiprocessing {result} {process.exitcode} {squares}"


def terminate(environ):
    context = multiprocessing.get_context(parameters(environ)["method"])
    process = context.Process(target=sleep_long)
    process.start()
    process.terminate()
    process.join(5)
    result = f"terminated {process.exitcode}"
    process.kill()
    process.join()
    return result


def futures(environ):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        in_threads = list(pool.map(square, range(4)))
    context = multiprocessing.get_context(parameters(environ)["method"])
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        in_processes = list(pool.map(square, range(4)))
    return f"futures {in_threads} {in_processes}"


def fork(environ):
    errors, key = environ["wsgi.errors"], parameters(environ)["id"]
    pid = os.fork()
    if pid == 0:
        errors.write(f"child of {key} writes\n")
        errors.flush()
        os._exit(7)
    return f"forked {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}"


def fork_returns(environ):
    pid = os.fork()
    if pid == 0:
        return "the child's answer must not be seen"
    return f"forked {os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}"


def logs(environ):
    key = parameters(environ)["id"]
    logger.warning("logging of %s", key)
    errors = environ["wsgi.errors"]
    print(f"errors of {key}: \u00e4\u2603", file=errors)
    errors.write(f"pending of {key}")  # without an end of line: flushed with the request
    print(f"print of {key}: \u00e4\u2603")
    print(f"stderr of {key}", file=sys.stderr)
    to_errors = logging.StreamHandler(errors)
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, f"handler of {key}", None, None)
    errors.flush()
    to_errors.emit(record)
    return "logged"


def lingers(environ):
    query = parameters(environ)
    started = threading.Event()

    def linger():
        started.set()
        wait_at(query["gate"])
        note_for("life", "lingered")

    threading.Thread(target=linger, daemon=False).start()  # by default it is what its creator is
    started.wait()
    return "lingering"


PATHS = {
    "/python": python,
    "/thread": thread,
    "/ticks": lambda environ: str(ticks),
    "/asyncio": in_loop,
    "/subprocess": child,
    "/multiprocessing": processes,
    "/terminate": terminate,
    "/futures": futures,
    "/fork": fork,
    "/fork-returns": fork_returns,
    "/logging": logs,
    "/lingers": lingers,
}


def application(environ, start_response):
    return plain(start_response, PATHS[environ["PATH_INFO"]](environ))
