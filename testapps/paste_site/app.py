"""A plain WSGI application behind Beaker's and Paste's middleware.

Proves that a stack of classic middleware keeps the contract: Beaker's session in
the environ (files, with locks), paste.errordocument-like replacement of error
pages by status (it starts the response twice), paste.gzipper, paste.registry's
per-request proxies, paste.urlmap's mounts, paste.lint around everything, and
paste.fileapp for files. See site_parts for the paths.
"""

import html
import logging

from beaker.middleware import SessionMiddleware
from paste.fileapp import FileApp
from paste.gzipper import middleware as gzip
from paste.lint import middleware as lint
from paste.registry import RegistryManager, StackedObjectProxy
from paste.urlmap import URLMap
from webob import Request, Response
from webob.exc import HTTPException, HTTPForbidden, HTTPNotFound, HTTPSeeOther

import site_parts

logging.basicConfig()
current = StackedObjectProxy(name="current request")


def home(request):
    return Response("<!doctype html><title>Paste</title><p>Welcome to Paste.</p>")


def who_am_i(request):
    return Response(
        site_parts.who_am_i(
            lambda: int(current.path_info.rpartition("/")[2]),
            lambda: current.GET["q"],
            lambda: current.headers["X-Client"],
            lambda: current.cookies.get("flavour"),
        )
    )


def flavour(request):
    response = Response("tasty")
    response.set_cookie("flavour", request.GET["set"])
    response.set_cookie("other", "1", httponly=True)
    return response


def login(request):
    session = request.environ["beaker.session"]
    session["user"], session["visits"] = request.POST["user"], 0
    session.save()
    return HTTPSeeOther(location="/me")


def me(request):
    session = request.environ["beaker.session"]
    if "user" not in session:
        raise HTTPForbidden()
    session["visits"] += 1
    session.save()
    return Response(f"user={session['user']} visits={session['visits']}")


def logout(request):
    request.environ["beaker.session"].delete()
    return HTTPSeeOther(location="/")


def form(request):
    return Response(site_parts.form_text(request.POST["name"], request.POST["text"]))


def upload(request):
    file = request.POST["file"]
    return Response(site_parts.upload_text(request.POST["note"], file.filename, file.type, file.file))


def stream(request):
    lines = site_parts.lines(int(request.path_info.rpartition("/")[2]))
    return Response(app_iter=lines, content_type="text/plain")


def lockstep(request):
    return Response(app_iter=site_parts.lockstep(request.GET["pipe"]))


def download(request):
    return FileApp(str(site_parts.DOWNLOAD), content_type="application/octet-stream")


def broken(request):
    site_parts.mistake()


VIEWS = {
    ("GET", ""): home,
    ("GET", "whoami"): who_am_i,
    ("GET", "flavour"): flavour,
    ("POST", "login"): login,
    ("GET", "me"): me,
    ("POST", "logout"): logout,
    ("POST", "form"): form,
    ("POST", "upload"): upload,
    ("GET", "stream"): stream,
    ("GET", "lockstep"): lockstep,
    ("GET", "download"): download,
    ("GET", "broken"): broken,
}


def site(environ, start_response):
    request = Request(environ)
    environ["paste.registry"].register(current, request)
    try:
        view = VIEWS.get((request.method, request.path_info.split("/")[1]))
        if view is None:
            raise HTTPNotFound()
        response = view(request)
    except HTTPException as error:
        response = error
    except Exception:
        logging.getLogger(__name__).exception("%s", request.path)
        response = Response(site_parts.BROKEN, status=500)
    return response(environ, start_response)


class ErrorPages:
    """Puts a page of ours in the place of a 404's body."""

    def __init__(self, application):
        self.application = application

    def __call__(self, environ, start_response):
        seen = []

        def watch(status, headers, exc_info=None):
            seen.append(status)
            if status.startswith("404"):
                return lambda block: None  # nothing of the original page gets out
            return start_response(status, headers, exc_info)

        blocks = self.application(environ, watch)
        if not seen or not seen[0].startswith("404"):
            return blocks
        if hasattr(blocks, "close"):
            blocks.close()
        start_response(seen[0], [("Content-Type", "text/plain")])
        return [site_parts.NOT_FOUND.encode()]


def mounted(environ, start_response):
    """Say what the mount left of the path."""
    text = f"script={environ['SCRIPT_NAME']} path={environ['PATH_INFO']}"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [html.escape(text).encode()]


sessions = SessionMiddleware(
    RegistryManager(site),
    {
        "session.type": "file",
        "session.data_dir": str(site_parts.DATA / "sessions"),
        "session.secret": site_parts.SECRET,
        "session.key": "beaker",
    },
)
application = URLMap()
application["/"] = ErrorPages(sessions)
application["/mounted"] = lint(mounted)
application["/zipped"] = gzip(mounted)
