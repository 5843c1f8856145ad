"""A site of plain Werkzeug parts behind DispatcherMiddleware and ProxyFix.

Proves that an application behind a mount sees SCRIPT_NAME and PATH_INFO as the
dispatcher cut them, that ProxyFix's values (X-Forwarded-*) reach url_for, that
LocalStack-like context (werkzeug.local) stays with its request, and that
Werkzeug's form parser, secure responses, wrap_file and error handling work.
/mounted is a second application. See site_parts for the paths.
"""

import logging

from werkzeug.exceptions import Forbidden, HTTPException, NotFound
from werkzeug.local import Local, release_local
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect, send_file
from werkzeug.wrappers import Request, Response
from werkzeug.wsgi import ClosingIterator

import site_parts

logging.basicConfig()
local = Local()


def home(request):
    return Response("<!doctype html><title>Werkzeug</title><p>Welcome to Werkzeug.</p>", mimetype="text/html")


def who_am_i(request, number):
    return Response(
        site_parts.who_am_i(
            lambda: number,
            lambda: local.request.args["q"],
            lambda: local.request.headers["X-Client"],
            lambda: local.request.cookies.get("flavour"),
        )
    )


def flavour(request):
    response = Response("tasty")
    response.set_cookie("flavour", request.args["set"])
    response.set_cookie("other", "1", httponly=True)
    return response


def login(request):
    response = redirect("/me")
    response.set_cookie("session", site_parts.sign(request.form["user"] + ".0"))
    return response


def me(request):
    user, _, visits = site_parts.verify(request.cookies.get("session", "")).rpartition(".")
    if not user:
        raise Forbidden
    response = Response(f"user={user} visits={int(visits) + 1}")
    response.set_cookie("session", site_parts.sign(f"{user}.{int(visits) + 1}"))
    return response


def logout(request):
    response = redirect("/")
    response.delete_cookie("session")
    return response


def form(request):
    return Response(site_parts.form_text(request.form["name"], request.form["text"]))


def upload(request):
    file = request.files["file"]
    return Response(site_parts.upload_text(request.form["note"], file.filename, file.mimetype, file.stream))


def stream(request, count):
    return Response(site_parts.lines(count), mimetype="text/plain")


def lockstep(request):
    return Response(site_parts.lockstep(request.args["pipe"]))


def download(request):
    return send_file(site_parts.DOWNLOAD.resolve(), request.environ, mimetype="application/octet-stream")


def broken(request):
    site_parts.mistake()


def rule(path, view, method="GET"):
    return Rule(path, endpoint=view, methods=[method])


ROUTES = Map(
    [
        rule("/", home),
        rule("/whoami/<int:number>", who_am_i),
        rule("/flavour", flavour),
        rule("/login", login, "POST"),
        rule("/me", me),
        rule("/logout", logout, "POST"),
        rule("/form", form, "POST"),
        rule("/upload", upload, "POST"),
        rule("/stream/<int:count>", stream),
        rule("/lockstep", lockstep),
        rule("/download", download),
        rule("/broken", broken),
    ]
)


def site(environ, start_response):
    local.request = request = Request(environ)
    try:
        view, arguments = ROUTES.bind_to_environ(environ).match()
        response = view(request, **arguments)
    except NotFound:
        response = Response(site_parts.NOT_FOUND, status=404)
    except HTTPException as error:
        response = error
    except Exception:
        logging.getLogger(__name__).exception("%s", request.path)
        response = Response(site_parts.BROKEN, status=500)
    return ClosingIterator(response(environ, start_response), lambda: release_local(local))


@Request.application
def mounted(request):
    """Say where the request was made to."""
    return Response(
        f"root={request.root_path} path={request.path} url={request.url} "
        f"client={request.remote_addr} secure={request.is_secure}"
    )


application = ProxyFix(DispatcherMiddleware(site, {"/mounted": mounted}), x_for=1, x_proto=1, x_host=1, x_prefix=1)
