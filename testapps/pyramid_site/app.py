"""A Pyramid site.

Proves that URL dispatch, thread-local and explicit requests, signed cookie
sessions, WebOb's uploads (read from wsgi.input), app_iter
streaming, FileResponse (wsgi.file_wrapper) and exception views work.
See site_parts for the paths.
"""

import logging

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden, HTTPSeeOther
from pyramid.response import FileResponse, Response
from pyramid.session import SignedCookieSessionFactory
from pyramid.threadlocal import get_current_request

import site_parts

logging.basicConfig()


def home(request):
    return Response("<!doctype html><title>Pyramid</title><p>Welcome to Pyramid.</p>")


def who_am_i(request):
    return Response(
        site_parts.who_am_i(
            lambda: int(request.matchdict["number"]),
            lambda: get_current_request().GET["q"],
            lambda: request.headers["X-Client"],
            lambda: get_current_request().cookies.get("flavour"),
        )
    )


def flavour(request):
    response = Response("tasty")
    response.set_cookie("flavour", request.GET["set"])
    response.set_cookie("other", "1", httponly=True)
    return response


def login(request):
    request.session["user"], request.session["visits"] = request.POST["user"], 0
    return HTTPSeeOther(request.route_url("me"))


def me(request):
    if "user" not in request.session:
        raise HTTPForbidden()
    request.session["visits"] += 1
    return Response(f"user={request.session['user']} visits={request.session['visits']}")


def logout(request):
    request.session.invalidate()
    return HTTPSeeOther(request.route_url("home"))


def form(request):
    return Response(site_parts.form_text(request.POST["name"], request.POST["text"]))


def upload(request):
    file = request.POST["file"]
    return Response(site_parts.upload_text(request.POST["note"], file.filename, file.type, file.file))


def stream(request):
    lines = site_parts.lines(int(request.matchdict["count"]))
    return Response(app_iter=lines, content_type="text/plain")


def lockstep(request):
    return Response(app_iter=site_parts.lockstep(request.GET["pipe"]))


def download(request):
    return FileResponse(site_parts.DOWNLOAD, request=request, content_type="application/octet-stream")


def broken(request):
    site_parts.mistake()


def not_found(request):
    return Response(site_parts.NOT_FOUND, status=404)


def server_error(error, request):
    logging.getLogger(__name__).error("%s", request.path, exc_info=error)
    return Response(site_parts.BROKEN, status=500)


def make_application():
    """Return the WSGI application."""
    with Configurator() as config:
        config.set_session_factory(SignedCookieSessionFactory(site_parts.SECRET))
        for path, view, method in (
            ("/", home, "GET"),
            ("/whoami/{number}", who_am_i, "GET"),
            ("/flavour", flavour, "GET"),
            ("/login", login, "POST"),
            ("/me", me, "GET"),
            ("/logout", logout, "POST"),
            ("/form", form, "POST"),
            ("/upload", upload, "POST"),
            ("/stream/{count}", stream, "GET"),
            ("/lockstep", lockstep, "GET"),
            ("/download", download, "GET"),
            ("/broken", broken, "GET"),
        ):
            config.add_route(view.__name__, path, request_method=method)
            config.add_view(view, route_name=view.__name__)
        config.add_notfound_view(not_found)
        config.add_exception_view(server_error, context=Exception)
        return config.make_wsgi_app()


application = make_application()
