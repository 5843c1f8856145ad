"""What tests ask of every framework, in Django's way; only there when tests run.

Proves, with the rest of the site, that Django's sessions, cookies, forms, upload
handlers, StreamingHttpResponse, FileResponse, error pages and logging work, and
that a database connection belongs to one thread and stays with it. See site_parts
for the paths.
"""

import hashlib
import threading
import time

from django.core.exceptions import PermissionDenied
from django.db import connection as database
from django.http import FileResponse, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

import site_parts


def text(content):
    return HttpResponse(content, content_type="text/plain; charset=utf-8")


def who_am_i(request, number):
    return text(
        site_parts.who_am_i(
            lambda: number,
            lambda: request.GET["q"],
            lambda: request.headers["X-Client"],
            lambda: request.COOKIES.get("flavour"),
        )
    )


def flavour(request):
    response = text("tasty")
    response.set_cookie("flavour", request.GET["set"])
    response.set_cookie("other", "1", httponly=True)
    return response


@csrf_exempt
@require_POST
def login(request):
    request.session["user"], request.session["count"] = request.POST["user"], 0
    return redirect("/me")


def me(request):
    if "user" not in request.session:
        raise PermissionDenied
    request.session["count"] += 1
    return text(f"user={request.session['user']} visits={request.session['count']}")


@csrf_exempt
@require_POST
def logout(request):
    request.session.flush()
    return redirect("/")


@csrf_exempt
@require_POST
def form(request):
    return text(site_parts.form_text(request.POST["name"], request.POST["text"]))


@csrf_exempt
@require_POST
def upload(request):
    file = request.FILES["file"]
    return text(site_parts.upload_text(request.POST["note"], file.name, file.content_type, file))


@csrf_exempt
@require_POST
def body(request):
    return text(f"{len(request.body)} {hashlib.sha256(request.body).hexdigest()}")


def stream(request, count):
    return StreamingHttpResponse(site_parts.lines(count), content_type="text/plain")


def lockstep(request):
    return StreamingHttpResponse(site_parts.lockstep(request.GET["pipe"]))


def download(request):
    return FileResponse(site_parts.DOWNLOAD.open("rb"), content_type="application/octet-stream")


def broken(request):
    site_parts.mistake()


def connection(request):
    """Say which thread this is and which connection it has."""
    with database.cursor() as cursor:
        cursor.execute("SELECT 1")
        time.sleep(0.005)
        cursor.fetchall()
    return text(f"{threading.get_native_id()} {id(database.connection)}")
