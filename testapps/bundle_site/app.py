"""Flask in front of testapps/extensions, for bundles.

Proves that C extensions, and the shared libraries that they bring, work from a
bundle. The module of testapps/extensions lies beside this one, as extensions.py.
Also answers what an application may ask of where it is:

    GET /where       sys.executable, sys.prefix, the folder of this file and the working folder
    GET /child       the same of a child process that sys.executable runs
    GET /spawn       squares, by processes that multiprocessing starts anew
    GET /write       whether the application's own folder can be written to
"""

import multiprocessing
import os
import pathlib
import subprocess
import sys

import flask
from extensions import application as extensions
from werkzeug.wrappers import Response

app = flask.Flask(__name__)
WHERE = "import os, sys; print(sys.executable, sys.prefix, os.environ.get('LD_PRELOAD'))"


def square(pipe, n):
    pipe.send(n * n)


@app.route("/where")
def where():
    return f"{sys.executable} {sys.prefix} {pathlib.Path(__file__).parent} {os.getcwd()}"


@app.route("/child")
def child():
    return subprocess.run([sys.executable, "-c", WHERE], check=True, capture_output=True, text=True).stdout


@app.route("/spawn")
def spawn():  # no pool: its locks are in /dev/shm, which not every root folder has
    context = multiprocessing.get_context("spawn")
    squares = []
    for n in range(3):
        here, there = context.Pipe()
        process = context.Process(target=square, args=(there, n))
        process.start()
        squares.append(here.recv())
        process.join()
    return " ".join(str(n) for n in squares)


@app.route("/write")
def write():
    try:
        pathlib.Path(__file__).with_name("written").write_text("x")
    except OSError as err:
        return type(err).__name__
    return "written"


@app.route("/<path:path>", methods=["GET", "POST"])
def other(path):
    return Response.from_app(extensions, flask.request.environ)
