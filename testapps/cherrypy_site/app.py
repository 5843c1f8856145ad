"""A CherryPy site.

Proves that CherryPy's thread-local request and response, its file sessions with
locks, its request body processors (they read wsgi.input to the end before the
handler runs), streaming handlers, serve_file and error pages work when its tree
is mounted in a server that is not its own. See site_parts for the paths.
"""

import cherrypy
from cherrypy.lib.static import serve_file

import site_parts


def error_page(text):
    """Return a handler for cherrypy's error_page settings."""

    def page(status, message, traceback, version):
        return text

    return page


class Site:
    @cherrypy.expose
    def index(self):
        return "<!doctype html><title>CherryPy</title><p>Welcome to CherryPy.</p>"

    @cherrypy.expose
    def whoami(self, number, q):
        return site_parts.who_am_i(
            lambda: int(number),
            lambda: cherrypy.request.params["q"],
            lambda: cherrypy.request.headers["X-Client"],
            lambda: cherrypy.request.cookie["flavour"].value,
        )

    @cherrypy.expose
    def flavour(self, **params):
        cherrypy.response.cookie["flavour"] = params["set"]
        cherrypy.response.cookie["other"] = "1"
        return "tasty"

    @cherrypy.expose
    @cherrypy.tools.allow(methods=["POST"])
    @cherrypy.tools.sessions()
    def login(self, user):
        cherrypy.session["user"], cherrypy.session["visits"] = user, 0
        raise cherrypy.HTTPRedirect("/me")

    @cherrypy.expose
    @cherrypy.tools.sessions()
    def me(self):
        if "user" not in cherrypy.session:
            raise cherrypy.HTTPError(403)
        cherrypy.session["visits"] += 1
        return f"user={cherrypy.session['user']} visits={cherrypy.session['visits']}"

    @cherrypy.expose
    @cherrypy.tools.allow(methods=["POST"])
    @cherrypy.tools.sessions()
    def logout(self):
        cherrypy.session.clear()
        raise cherrypy.HTTPRedirect("/")

    @cherrypy.expose
    @cherrypy.tools.allow(methods=["POST"])
    def form(self, name, text):
        return site_parts.form_text(name, text)

    @cherrypy.expose
    @cherrypy.tools.allow(methods=["POST"])
    def upload(self, note, file):
        return site_parts.upload_text(note, file.filename, file.content_type, file.file)

    @cherrypy.expose
    @cherrypy.config(**{"response.stream": True})
    def stream(self, count):
        cherrypy.response.headers["Content-Type"] = "text/plain"
        return site_parts.lines(int(count))

    @cherrypy.expose
    @cherrypy.config(**{"response.stream": True})
    def lockstep(self, pipe):
        return site_parts.lockstep(pipe)

    @cherrypy.expose
    def download(self):
        return serve_file(str(site_parts.DOWNLOAD.resolve()), content_type="application/octet-stream")

    @cherrypy.expose
    def broken(self):
        site_parts.mistake()


sessions = site_parts.DATA / "sessions"
sessions.mkdir(exist_ok=True)
# The server is not CherryPy's: it must neither print its start nor take signals.
cherrypy.config.update({"environment": "embedded", "log.screen": True, "log.access_file": ""})
application = cherrypy.Application(
    Site(),
    script_name=None,  # take it from the environ
    config={
        "/": {
            "tools.sessions.storage_class": cherrypy.lib.sessions.FileSession,
            "tools.sessions.storage_path": str(sessions.resolve()),
            "tools.sessions.locking": "implicit",
            "error_page.404": error_page(site_parts.NOT_FOUND),
            "error_page.500": error_page(site_parts.BROKEN),
        }
    },
)
