"""A Bottle site.

Proves that Bottle's thread-local request and response stay with their thread and
are clean for the next request on it, that its own multipart parser, signed
cookies, generators, static_file and error pages work. See site_parts for the
paths.
"""

import bottle
from bottle import request, response

import site_parts

# Bottle 0.13.4 refuses an upload ("Memory limit reached") that happens to fill
# its limit to within the size of the fields before it, instead of going to disk.
bottle.BaseRequest.MEMFILE_MAX = 10_000_000

application = bottle.Bottle()


@application.get("/")
def home():
    return bottle.template("<!doctype html><title>Bottle</title><p>Welcome to {{name}}.</p>", name="Bottle")


@application.get("/whoami/<number:int>")
def who_am_i(number):
    return site_parts.who_am_i(
        lambda: number,
        lambda: request.query.q,
        lambda: request.get_header("X-Client"),
        lambda: request.get_cookie("flavour"),
    )


@application.get("/flavour")
def flavour():
    response.set_cookie("flavour", request.query.set)
    response.set_cookie("other", "1", httponly=True)
    return "tasty"


@application.post("/login")
def login():
    response.set_cookie("session", [request.forms.user, 0], secret=site_parts.SECRET)
    bottle.redirect("/me")


@application.get("/me")
def me():
    session = request.get_cookie("session", secret=site_parts.SECRET)
    if not session:
        bottle.abort(403)
    user, visits = session
    response.set_cookie("session", [user, visits + 1], secret=site_parts.SECRET)
    return f"user={user} visits={visits + 1}"


@application.post("/logout")
def logout():
    response.delete_cookie("session")
    bottle.redirect("/")


@application.post("/form")
def form():
    return site_parts.form_text(request.forms.name, request.forms.text)


@application.post("/upload")
def upload():
    file = request.files.file
    return site_parts.upload_text(request.forms.note, file.raw_filename, file.content_type, file.file)


@application.get("/stream/<count:int>")
def stream(count):
    response.content_type = "text/plain"
    return site_parts.lines(count)


@application.get("/lockstep")
def lockstep():
    return site_parts.lockstep(request.query.pipe)


@application.get("/download")
def download():
    folder, name = site_parts.DOWNLOAD.parent, site_parts.DOWNLOAD.name
    return bottle.static_file(name, root=str(folder), mimetype="application/octet-stream")


@application.get("/broken")
def broken():
    site_parts.mistake()


@application.error(404)
def not_found(error):
    return site_parts.NOT_FOUND


@application.error(500)
def server_error(error):
    return site_parts.BROKEN
