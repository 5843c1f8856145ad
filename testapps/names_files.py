"""Names files that the server is to send in its place, and says which requests it gets.

Proves that X-Sendfile and X-Accel-Redirect send the file with the fields of the
application, that its body is dropped and closed, and that requests for files never get
here. The parameters of the query:

    name, value  the field that names the file
    status       of the response
    field        more fields, a name and a value with a colon between them
    way          list, stream (a generator), write, raise (after a block)
"""

from urllib.parse import parse_qsl

from contract import note


class Blocks:
    def __init__(self, environ, fails):
        self.environ, self.fails, self.left = environ, fails, 3

    def __iter__(self):
        return self

    def __next__(self):
        if self.fails and self.left == 1:
            raise ValueError("in the middle")
        if self.left == 0:
            raise StopIteration
        self.left -= 1
        return b"the application's\n"

    def close(self):
        note(self.environ, "closed")


def application(environ, start_response):
    query = dict(parse_qsl(environ["QUERY_STRING"], keep_blank_values=True, encoding="latin-1"))
    way = query.get("way", "list")
    fields = [("Content-Type", "text/plain")]
    if "name" in query:
        fields = [("X-Before", "1"), (query["name"], query["value"]), ("X-After", "2")]
    if "field" in query:
        fields.append(tuple(query["field"].split(":", 1)))
    write = start_response(query.get("status", "200 OK"), fields)
    if way == "write":
        write(b"the application's\n")
    if way in ("stream", "raise"):
        return Blocks(environ, way == "raise")
    return [f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}".encode("latin-1")]
