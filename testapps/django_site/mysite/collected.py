"""The site's settings for static files that were collected, their names with fingerprints."""

import os

from .settings import *  # noqa: F403

STATIC_ROOT = os.environ.get("STATIC_ROOT")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
}
