"""Flask in front of testapps/extensions, for bundles.

Proves that C extensions, and the shared libraries that they bring, work from a
bundle. The module of testapps/extensions lies beside this one, as extensions.py.
Also answers what an application may ask of where it is:

    GET /where       sys.executable, sys.prefix, the folder of this file and the working folder
    GET /child       the same of a child process that sys.executable runs
    GET /pool        squares, by a process pool that starts its processes anew
    GET /write       whether the application's own folder can be written to
"""

import concurrent.futures
import multiprocessing
import os
import pathlib
import subprocess
import sys

import flask
from extensions import application as extensions
from werkzeug.wrappers import Response

app = flask.Flask(__name__)
WHERE = "import os, sys; print(sys.executable, sys.prefix, os.environ.get('LD_LIBRARY_PATH'))"


def square(n):
    return n * n


@app.route("/where")
def where():
    return f"{sys.executable} {sys.prefix} {pathlib.Path(__file__).parent} {os.getcwd()}"


@app.route("/child")
def child():
    return subprocess.run([sys.executable, "-c", WHERE], check=True, capture_output=True, text=True).stdout


@app.route("/pool")
def pool():
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        return " ".join(str(n) for n in executor.map(square, range(5)))


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
