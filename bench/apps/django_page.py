"""A Django page: the middleware of `startproject`, a template that extends another, a form; nobody is logged in."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_settings")

application = get_wsgi_application()
