"""Sets header fields that are the server's to set.

Proves that they are left out and the rest goes out as ever, that Connection: close is
obeyed, and that Proxy-Authenticate is not one of them. The parameters of the query:

    name, value   the field
    stream        the body is a generator
"""

from contract import parameters


def application(environ, start_response):
    query = parameters(environ)
    fields = [("Content-Type", "text/plain"), ("X-After", "here")]
    if "name" in query:
        fields.insert(1, (query["name"], query["value"]))
    start_response("200 OK", fields)
    blocks = [b"ans", b"wer"]
    return (block for block in blocks) if "stream" in query else blocks
