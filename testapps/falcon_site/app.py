"""A Falcon site.

Proves that Falcon reads wsgi.input through its own bounded stream, parses
multipart forms while they arrive, streams iterators and files (through
wsgi.file_wrapper), sends repeated Set-Cookie headers and renders its own errors.
Falcon brings no sessions: here they are cookies signed by site_parts. See site_parts
for the paths.
"""

import logging

import falcon

import site_parts

logging.basicConfig()


class Home:
    def on_get(self, request, response):
        response.content_type = falcon.MEDIA_HTML
        response.text = "<!doctype html><title>Falcon</title><p>Welcome to Falcon.</p>"


class WhoAmI:
    def on_get(self, request, response, number):
        response.text = site_parts.who_am_i(
            lambda: number,
            lambda: request.get_param("q"),
            lambda: request.get_header("X-Client"),
            lambda: request.cookies.get("flavour"),
        )


class Flavour:
    def on_get(self, request, response):
        response.set_cookie("flavour", request.get_param("set"), secure=False)
        response.set_cookie("other", "1", secure=False)
        response.text = "tasty"


class Login:
    def on_post(self, request, response):
        response.set_cookie("session", site_parts.sign(request.get_media()["user"] + ".0"), secure=False)
        raise falcon.HTTPSeeOther("/me")


class Me:
    def on_get(self, request, response):
        user, _, visits = site_parts.verify(request.cookies.get("session", "")).rpartition(".")
        if not user:
            raise falcon.HTTPForbidden
        response.set_cookie("session", site_parts.sign(f"{user}.{int(visits) + 1}"), secure=False)
        response.text = f"user={user} visits={int(visits) + 1}"


class Logout:
    def on_post(self, request, response):
        response.unset_cookie("session")
        raise falcon.HTTPSeeOther("/")


class Form:
    def on_post(self, request, response):
        media = request.get_media()
        response.text = site_parts.form_text(media["name"], media["text"])


class Upload:
    def on_post(self, request, response):
        for part in request.get_media():  # in the order in which they are sent
            if part.name == "note":
                note = part.text
            else:
                response.text = site_parts.upload_text(note, part.filename, part.content_type, part.stream)


class Stream:
    def on_get(self, request, response, count):
        response.content_type = falcon.MEDIA_TEXT
        response.stream = site_parts.lines(count)


class Lockstep:
    def on_get(self, request, response):
        response.stream = site_parts.lockstep(request.get_param("pipe"))


class Download:
    def on_get(self, request, response):
        response.content_type = "application/octet-stream"
        response.set_stream(site_parts.DOWNLOAD.open("rb"), site_parts.DOWNLOAD.stat().st_size)


class Broken:
    def on_get(self, request, response):
        site_parts.mistake()


def not_found(request, response, error, params):
    response.status = error.status
    response.text = site_parts.NOT_FOUND


def server_error(request, response, error, params):
    logging.getLogger(__name__).error("%s", request.path, exc_info=error)
    response.status = falcon.HTTP_500
    response.text = site_parts.BROKEN


def make_application():
    """Return the WSGI application."""
    app = falcon.App(media_type=falcon.MEDIA_TEXT)
    app.req_options.strip_url_path_trailing_slash = True
    for path, resource in (
        ("/", Home()),
        ("/whoami/{number:int}", WhoAmI()),
        ("/flavour", Flavour()),
        ("/login", Login()),
        ("/me", Me()),
        ("/logout", Logout()),
        ("/form", Form()),
        ("/upload", Upload()),
        ("/stream/{count:int}", Stream()),
        ("/lockstep", Lockstep()),
        ("/download", Download()),
        ("/broken", Broken()),
    ):
        app.add_route(path, resource)
    app.add_error_handler(Exception, server_error)
    app.add_error_handler(falcon.HTTPNotFound, not_found)
    return app


application = make_application()
