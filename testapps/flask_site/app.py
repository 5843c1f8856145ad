"""A Flask site.

Proves that Flask's context-locals (request, session) stay with their request,
that stream_with_context keeps a context open while the body is sent, that
signed cookie sessions, uploads, send_file, error handlers and url_for behind a
mount work. See site_parts for the paths.
"""

from flask import (
    Flask,
    Response,
    abort,
    redirect,
    render_template_string,
    request,
    send_file,
    session,
    stream_with_context,
    url_for,
)

import site_parts

application = Flask(__name__)
application.secret_key = site_parts.SECRET

PAGE = "<!doctype html><title>Flask</title><p>Welcome to {{ name }}, {{ request.args.get('who', 'you') }}.</p>"


@application.get("/")
def home():
    return render_template_string(PAGE, name="Flask")


@application.get("/whoami/<int:number>")
def who_am_i(number):
    return site_parts.who_am_i(
        lambda: number,
        lambda: request.args["q"],
        lambda: request.headers["X-Client"],
        lambda: request.cookies.get("flavour"),
    )


@application.get("/flavour")
def flavour():
    response = Response("tasty")
    response.set_cookie("flavour", request.args["set"])
    response.set_cookie("other", "1", httponly=True)
    return response


@application.post("/login")
def login():
    session["user"], session["visits"] = request.form["user"], 0
    return redirect(url_for("me"))


@application.get("/me")
def me():
    if "user" not in session:
        abort(403)
    session["visits"] += 1
    return f"user={session['user']} visits={session['visits']}"


@application.post("/logout")
def logout():
    session.clear()
    return redirect(url_for("home"))


@application.post("/form")
def form():
    return site_parts.form_text(request.form["name"], request.form["text"])


@application.post("/upload")
def upload():
    file = request.files["file"]
    return site_parts.upload_text(request.form["note"], file.filename, file.mimetype, file.stream)


@application.get("/stream/<int:count>")
def stream(count):
    return Response(stream_with_context(site_parts.lines(count)), mimetype="text/plain")


@application.get("/lockstep")
def lockstep():
    return Response(stream_with_context(site_parts.lockstep(request.args["pipe"])))


@application.get("/download")
def download():
    return send_file(site_parts.DOWNLOAD.resolve(), mimetype="application/octet-stream")


@application.get("/broken")
def broken():
    site_parts.mistake()


@application.errorhandler(404)
def not_found(error):
    return site_parts.NOT_FOUND, 404


@application.errorhandler(500)
def server_error(error):
    return site_parts.BROKEN, 500
