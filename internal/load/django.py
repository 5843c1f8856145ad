# Asks Django's settings where its static files are, once the application is loaded.
import os
import sys


class Refused(Exception):
    """Why they cannot be served, in one sentence; has what load.py's has."""

    file = None


def static_files(mount):
    """Return STATIC_URL's path and STATIC_ROOT, with a line feed between them; mount is where the application is."""
    settings = getattr(sys.modules.get("django.conf"), "settings", None)
    if not getattr(settings, "configured", False):
        raise Refused("static: django asks Django's settings, and the application has none: write /path=DIR for django")
    # As they were written: asking the settings themselves would have them keep an URL
    # without the path below which the application is.
    written = settings._wrapped
    url, root = getattr(written, "STATIC_URL", None), getattr(written, "STATIC_ROOT", None)
    if not url:
        raise Refused("static: django: STATIC_URL is not set: set it, or leave django out of static")
    url = str(url)
    if "//" in url:
        raise Refused("static: django: STATIC_URL is %r, which is at another host: leave django out of static" % url)
    if not root:
        raise Refused("static: django: STATIC_ROOT is not set: set it to a folder, which manage.py collectstatic fills")
    if not url.startswith("/"):
        url = "%s/%s" % ((getattr(written, "FORCE_SCRIPT_NAME", None) or mount).rstrip("/"), url)
    from urllib.parse import unquote

    return "%s\n%s" % (unquote(url), os.path.abspath(root))
