"""The site's only app, at the root."""

import pathlib

from py4web import DAL, HTTP, Field, Session, action, redirect, request, response

import site_parts

session = Session()  # with the secret that py4web drew for this folder
database = DAL("sqlite://site.sqlite", folder=str(pathlib.Path(__file__).parent), pool_size=8)
database.define_table("visit", Field("visitor"))
database.commit()


@action("index", method="GET")
@action.uses("index.html", database)
def index():
    return {"name": "py4web", "number": database.visit.insert(visitor=request.remote_addr)}


@action("whoami/<number:int>", method="GET")
def who_am_i(number):
    return site_parts.who_am_i(
        lambda: number,
        lambda: request.query.get("q"),
        lambda: request.headers.get("X-Client"),
        lambda: request.get_cookie("flavour"),
    )


@action("flavour", method="GET")
def flavour():
    response.set_cookie("flavour", request.query.get("set"))
    response.set_cookie("other", "1", httponly=True)
    return "tasty"


@action("login", method="POST")
@action.uses(session)
def login():
    session["user"], session["visits"] = request.forms.get("user"), 0
    redirect("/me")


@action("me", method="GET")
@action.uses(session)
def me():
    if "user" not in session:
        raise HTTP(403)
    session["visits"] += 1
    return f"user={session['user']} visits={session['visits']}"


@action("logout", method="POST")
@action.uses(session)
def logout():
    session.clear()
    redirect("/")


@action("form", method="POST")
def form():
    return site_parts.form_text(request.forms.get("name"), request.forms.get("text"))


@action("upload", method="POST")
def upload():
    file = request.files.get("file")
    return site_parts.upload_text(request.forms.get("note"), file.raw_filename, file.content_type.value, file.file)


@action("stream/<count:int>", method="GET")
def stream(count):
    return site_parts.lines(count)


@action("lockstep", method="GET")
def lockstep():
    return site_parts.lockstep(request.query.get("pipe"))


@action("download", method="GET")
def download():
    response.headers["Content-Type"] = "application/octet-stream"
    response.headers["Content-Length"] = str(site_parts.DOWNLOAD.stat().st_size)
    return site_parts.DOWNLOAD.open("rb")


@action("broken", method="GET")
def broken():
    site_parts.mistake()
