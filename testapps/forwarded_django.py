"""A Django site behind a proxy, with the settings that Django's documentation has for that.

Proves that SECURE_PROXY_SSL_HEADER and USE_X_FORWARDED_HOST work as behind any other
server, whether gowsgi believes the proxy itself or not. Answers what Django makes of a
request.
"""

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["shop.example", "inner"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not secret: a test's",
    SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"),
    SECURE_SSL_REDIRECT=True,
    USE_X_FORWARDED_HOST=True,
)
django.setup()


def page(request):
    return HttpResponse("%s from %s" % (request.build_absolute_uri(), request.META["REMOTE_ADDR"]))


urlpatterns = [path("page", page)]
application = get_wsgi_application()
