"""A Django site that asks its database while it is loaded, by way of the thread that loads it.

Answers whether that connection was closed since, and with how many rows a worker's own finds.
"""

import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ["SITE_DATABASE"]}},
    ROOT_URLCONF=__name__,
    SECRET_KEY="not secret: a test's",
)
django.setup()

from django.db import connection, connections  # noqa: E402

with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE IF NOT EXISTS loads (pid INTEGER)")
    cursor.execute("INSERT INTO loads VALUES (%s)", [os.getpid()])
OF_THE_LOADER = connections["default"]


def page(request):
    state = "closed" if OF_THE_LOADER.connection is None else "open"
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM loads")
        return HttpResponse("%s %d" % (state, cursor.fetchone()[0]))


urlpatterns = [path("", page)]
application = get_wsgi_application()
