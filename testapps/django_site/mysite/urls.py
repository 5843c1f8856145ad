"""Where everything is."""

from django.conf import settings
from django.contrib import admin
from django.contrib.staticfiles.views import serve
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    # Django calls this insecure because it is slow: it asks all finders for each
    # file. For a few visitors on one machine it saves a step before the start.
    path("static/<path:path>", serve, {"insecure": True}),
]
if settings.CHECKS:
    urlpatterns.append(path("", include("checks.urls")))
urlpatterns.append(path("", include("notes.urls")))
