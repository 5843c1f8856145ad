"""Shows its environ, so that a test can judge every variable.

Proves, with environ_test.go:

- environ is a dict, not something like one; names and values are exactly str
- values hold bytes as latin-1 (PEP 3333, "Unicode Issues")
- the wsgi.… variables are there and of the right kind
- what an application does to its environ is gone with the request

The response is JSON: name → [type, value]; the body of the request is under "body".
The last name, "wsgi.input_terminated" and all others with a dot included, is there too.
"""

import json


def application(environ, start_response):
    shown = {}
    for name, value in environ.items():
        if type(value) in (str, bool, int):
            shown[name] = [type(value).__name__, value]
        elif type(value) is tuple:
            shown[name] = ["tuple", list(value)]
        else:
            shown[name] = [type(value).__name__, None]
    body = environ["wsgi.input"].read(-1)
    answer = {
        "environ": shown,
        "type": type(environ).__name__,
        "names": sorted({type(name).__name__ for name in environ}),
        "body": body.decode("latin-1"),
    }
    environ["leaked"] = "yes"
    environ["wsgi.url_scheme"] = "leaked"
    environ.pop("wsgi.version")
    text = json.dumps(answer).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(text)))])
    return [text]
