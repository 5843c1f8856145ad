"""Installs signal handlers, as if the process were its own.

Proves that signal.signal is ignored at import, and logged with the stack it came from;
that it raises in a request what it raises in any thread but the main one; that the
server still stops on SIGTERM; and that the call works in a forked child, where the
signals are the application's own. By path:

    /steal           what signal.signal raises for SIGTERM, SIGINT and SIGHUP
    /child           a forked child with a handler for SIGTERM is sent one
    /default-child   a forked child without a handler is sent a SIGTERM
    /ends-by?signal= how a program started by "way" ends that is sent the signal
    /masks?way=      which signals a program started by "way" has blocked and ignored
    /large           writes a file beyond the limit that it has
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

from contract import parameters, plain


def handler(number, frame):
    print("the application's handler ran", file=sys.stderr)


def steal_at_import():
    signal.signal(handler=handler, signalnum=signal.SIGTERM)
    return signal.signal(signal.SIGTERM, handler)


steal_at_import()


def steal(environ):
    raised = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        try:
            signal.signal(number, handler=handler)
        except ValueError as error:
            raised.append("main thread" in str(error))
    return f"stolen {raised} {signal.getsignal(signal.SIGTERM) is handler}"


def forked(prepare):
    """Send a forked child a SIGTERM once it is prepared; return how it ended."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            prepare()
            os.write(writing, b"!")
            os.close(writing)
            while True:
                signal.pause()
        finally:
            os._exit(1)
    os.close(writing)
    ready = os.read(reading, 1)
    os.close(reading)
    return f"{ready.decode()} {end_of(pid)}"


def end_of(pid):
    """Return the exit code of a child, which has five seconds to end.

    It is sent SIGTERM all the while: from 3.13 on, a child that a thread forked notices a signal only in a system
    call that the signal interrupts, and the first one may come before pause().
    """
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        os.kill(pid, signal.SIGTERM)
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "still there"


def child(environ):
    return forked(lambda: signal.signal(signal.SIGTERM, lambda number, frame: os._exit(42)))


def default_child(environ):
    return forked(lambda: None)


RUNNING = []


def start(way, *args):
    """Start a program whose output can be read; return its pid and the pipe."""
    reading, writing = os.pipe()
    if way == "fork":
        pid = os.fork()
        if pid == 0:
            try:
                os.dup2(writing, 1)
                os.execvp(args[0], args)
            finally:
                os._exit(1)
    elif way == "subprocess":
        RUNNING.append(
            subprocess.Popen(args, stdout=writing)
        )  # one that is let go of reaps its process if that has ended
        pid = RUNNING[-1].pid
    else:
        pid = os.posix_spawnp(args[0], args, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
    os.close(writing)
    return pid, reading


def ends_by(environ):
    query = parameters(environ)
    pid, reading = start(query["way"], "sh", "-c", "echo started; exec sleep 600")
    os.read(reading, 1)
    os.close(reading)
    os.kill(pid, signal.Signals[query["signal"]])
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "still there"


def masks(environ):
    pid, reading = start(parameters(environ)["way"], "grep", "-E", "SigBlk|SigIgn", "/proc/self/status")
    with open(reading) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    library = 1 << 31 | 1 << 32  # the C library's own signals, which its posix_spawn ignores
    return {name: int(mask, 16) & ~library for name, mask in (line.split(":") for line in text.splitlines())}


def large(environ):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with tempfile.TemporaryFile(buffering=0) as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
        try:
            file.seek(1 << 20)
            file.write(b"x")
        except OSError as error:
            return type(error).__name__
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return "written"


def application(environ, start_response):
    name = environ["PATH_INFO"][1:].replace("-", "_")
    return plain(start_response, globals()[name](environ))
