"""Several applications for one server, each of which says who it is and where it was called.

Proves, with mounts_test.go:

- a request comes to the application of the longest path, and of its host
- SCRIPT_NAME and PATH_INFO are what that path makes of the target
- applications of one interpreter keep their limits, and do not hold each other up
"""

import os

from contract import note, parameters, wait_at

count = 0


def make(name):
    global count
    count += 1
    number = count

    def application(environ, start_response):
        asked = parameters(environ)
        if "gate" in asked:
            note(environ, "called")
            wait_at(asked["gate"])
        length = len(environ["wsgi.input"].read())
        text = "%s %d script=%s path=%s query=%s host=%s multithread=%s body=%d pid=%d" % (
            name,
            number,
            environ["SCRIPT_NAME"],
            environ["PATH_INFO"],
            environ["QUERY_STRING"],
            environ.get("HTTP_HOST", ""),
            environ["wsgi.multithread"],
            length,
            os.getpid(),
        )
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [text.encode("latin-1")]

    return application


application = make("main")


def broken():
    raise ValueError("this one cannot be made")


def first_project():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "first.settings")
    return make("first")


def second_project():
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "second.settings")
    return make("second")


def third_project():
    os.environ["DJANGO_SETTINGS_MODULE"] = "third.settings"
    return make("third")
