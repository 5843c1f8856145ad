"""A Zope instance, made in the data folder at the first start.

Proves that Zope's object publisher runs: ZODB connections and transactions per
thread, the management interface behind basic authentication, uploads into the
object database, page templates, stream iterators (wsgi.file_wrapper) after the
connection was closed, exception views, and retries after a ConflictError, for
which Zope winds wsgi.input back with seek(0). See site_parts for the paths that
all frameworks answer; they are views of the root object here.
"""

import logging
import os
import pathlib

import transaction
import Zope2
from AuthEncoding.AuthEncoding import pw_encrypt
from OFS.interfaces import IApplication
from Products.Five.browser import BrowserView
from zExceptions import Forbidden, HTTPException
from ZODB.POSException import ConflictError
from zope.component import provideAdapter
from zope.interface import Interface, implementer
from zope.interface.common.interfaces import IException
from zope.publisher.interfaces import INotFound, IPublishTraverse
from zope.publisher.interfaces.browser import IDefaultBrowserLayer
from Zope2.Startup.run import make_wsgi_app
from Zope2.utilities.copyzopeskel import copyskel
from ZPublisher.httpexceptions import HTTPExceptionHandler
from ZPublisher.Iterators import IUnboundStreamIterator, filestream_iterator

import site_parts

logging.basicConfig()
HOME = """<!doctype html><title tal:content="template/title_or_id">…</title>
<p>Welcome to Zope, <b tal:content="request/form/who|string:you">…</b>.</p>"""


@implementer(IPublishTraverse)
class View(BrowserView):
    """A view of the root object; what follows its name in the path is its rest."""

    __roles__ = None  # anyone may
    rest = ()

    def publishTraverse(self, request, name):
        self.rest = (*self.rest, name)
        return self

    def browserDefault(self, request):
        return self, ()


class WhoAmI(View):
    """Values of this request."""

    def __call__(self):
        return site_parts.who_am_i(
            lambda: int(self.rest[0]),
            lambda: self.request.form["q"],
            lambda: self.request.getHeader("X-Client"),
            lambda: self.request.cookies.get("flavour"),
        )


class Flavour(View):
    """Two cookies."""

    def __call__(self):
        self.request.response.setCookie("flavour", self.request.form["set"], quoted=False)
        self.request.response.setCookie("other", "1", quoted=False)
        return "tasty"


class Login(View):
    """Starts a session."""

    def __call__(self):
        session = site_parts.sign(self.request.form["user"] + ".0")
        self.request.response.setCookie("session", session, quoted=False)
        self.request.response.redirect("/me")


class Me(View):
    """Whose session it is."""

    def __call__(self):
        user, _, visits = site_parts.verify(self.request.cookies.get("session", "")).rpartition(".")
        if not user:
            raise Forbidden
        session = site_parts.sign(f"{user}.{int(visits) + 1}")
        self.request.response.setCookie("session", session, quoted=False)
        return f"user={user} visits={int(visits) + 1}"


class Logout(View):
    """Ends the session."""

    def __call__(self):
        self.request.response.expireCookie("session")
        self.request.response.redirect("/")


class Form(View):
    """A form's fields."""

    def __call__(self):
        return site_parts.form_text(self.request.form["name"], self.request.form["text"])


class Upload(View):
    """A file, and a field."""

    def __call__(self):
        form, file = self.request.form, self.request.form["file"]
        return site_parts.upload_text(form["note"], file.filename, file.headers["content-type"], file)


@implementer(IUnboundStreamIterator)
class Blocks:
    """An iterator as Zope wants it."""

    def __init__(self, blocks):
        self.blocks = blocks

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.blocks)

    def close(self):
        self.blocks.close()


class Stream(View):
    """Many lines."""

    def __call__(self):
        return Blocks(site_parts.lines(int(self.rest[0])))


class Lockstep(View):
    """Blocks that wait for the client."""

    def __call__(self):
        return Blocks(site_parts.lockstep(self.request.form["pipe"]))


class Download(View):
    """A file."""

    def __call__(self):
        file = filestream_iterator(str(site_parts.DOWNLOAD))
        self.request.response.setHeader("Content-Type", "application/octet-stream")
        self.request.response.setHeader("Content-Length", str(len(file)))
        return file


class Broken(View):
    """Fails."""

    def __call__(self):
        site_parts.mistake()


class Conflict(View):
    """Meets a conflict at first, as if others had changed the same objects."""

    def __call__(self):
        if self.request.retry_count == 0:
            raise ConflictError("a deliberate conflict")
        return site_parts.form_text(self.request.form["name"], self.request.form["text"])


class NotFoundPage(BrowserView):
    """What is shown for a missing page."""

    def __call__(self):
        return site_parts.NOT_FOUND


class ErrorPage(BrowserView):
    """What is shown for an exception."""

    def __call__(self):
        if not isinstance(self.context, HTTPException):
            logging.getLogger(__name__).error("%s", self.request["PATH_INFO"], exc_info=self.context)
        return site_parts.BROKEN


def make_instance(home):
    """Copy Zope's skeleton of an instance, with a user who may do all."""
    skeleton = pathlib.Path(Zope2.__file__).parent / "utilities" / "skel"
    copyskel(str(skeleton), str(home), None, None, INSTANCE_HOME=str(home))
    (home / "inituser").write_bytes(b"admin:" + pw_encrypt("a demo password", "SSHA") + b"\n")


def put_home_page():
    """Put a template of ours in the place of Zope's own start page."""
    root = Zope2.app()
    root.manage_delObjects(["index_html"])
    root.manage_addProduct["PageTemplates"].manage_addPageTemplate("index_html", text=HOME)
    transaction.commit()
    root._p_jar.close()


def make_application():
    """Return the WSGI application."""
    home = (site_parts.DATA / "instance").resolve()
    first = not home.exists()
    if first:
        make_instance(home)
    os.environ["INSTANCE_HOME"] = str(home)
    zope = make_wsgi_app({}, str(home / "etc" / "zope.conf"))
    if first:
        put_home_page()
    for name, view in (
        ("whoami", WhoAmI),
        ("flavour", Flavour),
        ("login", Login),
        ("me", Me),
        ("logout", Logout),
        ("form", Form),
        ("upload", Upload),
        ("stream", Stream),
        ("lockstep", Lockstep),
        ("download", Download),
        ("broken", Broken),
        ("conflict", Conflict),
    ):
        provideAdapter(view, (IApplication, IDefaultBrowserLayer), Interface, name)
    provideAdapter(NotFoundPage, (INotFound, IDefaultBrowserLayer), Interface, "index.html")
    provideAdapter(ErrorPage, (IException, IDefaultBrowserLayer), Interface, "index.html")
    return HTTPExceptionHandler(zope)


application = make_application()
