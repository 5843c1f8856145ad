"""Settings of a small site that anyone may start on his own machine.

It answers to names of this machine only, shows no debug pages and draws its
secret key itself. Everything it writes (database, uploads, key) is in DATA.
"""

import contextlib
import os
import pathlib
import secrets

BASE_DIR = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("SITE_DATA") or BASE_DIR.parent.parent / "build" / "django_site")
DATA.mkdir(parents=True, exist_ok=True)


def secret_key():
    """Return this site's key, the same in all processes; the first one draws it."""
    file = DATA / "secret_key"
    draft = DATA / f"secret_key.{os.getpid()}"
    if not file.exists():
        draft.write_text(secrets.token_urlsafe(50))
        draft.chmod(0o600)
        with contextlib.suppress(FileExistsError):  # another process was faster
            os.link(draft, file)
        draft.unlink()
    return file.read_text()


SECRET_KEY = secret_key()
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
CHECKS = "SITE_DATA" in os.environ  # the views that only tests ask for

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "notes",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "mysite.urls"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA / "site.sqlite3",
        "CONN_MAX_AGE": None,  # each thread keeps its connection
        "OPTIONS": {
            "timeout": 30,
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
MEDIA_ROOT = DATA / "media"
STATIC_URL = "static/"
if CHECKS:  # sign in a hundred times without a hundred times half a second of hashing
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    DATA_UPLOAD_MAX_MEMORY_SIZE = 10 << 20  # of request.body, which is refused above 2.5 MB otherwise
USE_TZ = True
TIME_ZONE = "UTC"
# Errors go to standard error, and with it to gowsgi's log.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}
