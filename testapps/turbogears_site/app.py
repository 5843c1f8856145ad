"""A TurboGears 2 site.

Proves that TurboGears' stack works: object dispatch, its per-request context
(tg.request is a thread-local proxy), Beaker sessions, Kajiki templates,
WebOb uploads, generators as bodies, redirects by exception and error pages. See
site_parts for the paths.
"""

import logging
import pathlib

import tg
from tg import MinimalApplicationConfigurator, TGController, abort, expose, redirect, request, response, session
from tg.configurator.components.error_pages import ErrorPagesConfigurationComponent
from tg.configurator.components.session import SessionConfigurationComponent
from webob.static import FileApp

import site_parts

logging.basicConfig()


class Root(TGController):
    @expose("home.xhtml")
    def index(self):
        return {"name": "TurboGears"}

    @expose(content_type="text/plain")
    def whoami(self, number, q):
        return site_parts.who_am_i(
            lambda: int(number),
            lambda: request.GET["q"],
            lambda: request.headers["X-Client"],
            lambda: request.cookies.get("flavour"),
        )

    @expose(content_type="text/plain")
    def flavour(self, **params):
        response.set_cookie("flavour", params["set"])
        response.set_cookie("other", "1")
        return "tasty"

    @expose()
    def login(self, user):
        session["user"], session["visits"] = user, 0
        session.save()
        redirect("/me")

    @expose(content_type="text/plain")
    def me(self):
        if "user" not in session:
            abort(403)
        session["visits"] += 1
        session.save()
        return f"user={session['user']} visits={session['visits']}"

    @expose()
    def logout(self):
        session.delete()
        redirect("/")

    @expose(content_type="text/plain")
    def form(self, name, text):
        return site_parts.form_text(name, text)

    @expose(content_type="text/plain")
    def upload(self, note, file):
        return site_parts.upload_text(note, file.filename, file.type, file.file)

    @expose(content_type="text/plain")
    def stream(self, count):
        return site_parts.lines(int(count))

    @expose(content_type="text/plain")
    def lockstep(self, pipe):
        return site_parts.lockstep(pipe)

    @expose()
    def download(self):
        return tg.use_wsgi_app(FileApp(str(site_parts.DOWNLOAD), content_type="application/octet-stream"))

    @expose()
    def broken(self):
        site_parts.mistake()


class ErrorPages(TGController):
    """Where TurboGears sends a request whose response is an error."""

    @expose()
    def document(self, *path, **params):
        if "backlash.exc_info" in request.environ:  # where TurboGears leaves an exception
            logging.getLogger(__name__).error("%s", request.path, exc_info=request.environ["backlash.exc_info"])
        texts = {404: site_parts.NOT_FOUND, 500: site_parts.BROKEN}
        return texts.get(response.status_int, response.status)


Root.error = ErrorPages()


def make_application():
    """Return the WSGI application."""
    config = MinimalApplicationConfigurator()
    config.register(SessionConfigurationComponent)
    config.register(ErrorPagesConfigurationComponent)
    config.update_blueprint(
        {
            "root_controller": Root(),
            "renderers": ["json", "kajiki"],
            "default_renderer": "kajiki",
            "paths": {"templates": [str(pathlib.Path(__file__).parent.resolve())]},
            "session.type": "file",
            "session.data_dir": str(site_parts.DATA / "sessions"),
            "session.secret": site_parts.SECRET,
            "session.key": "turbogears",
            "errorpage.status_codes": [404],
        }
    )
    return config.make_wsgi_app()


application = make_application()
