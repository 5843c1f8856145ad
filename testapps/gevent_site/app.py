"""testapps/greenlets.py with gevent in the place of threads."""

from gevent import monkey

monkey.patch_all()

from greenlets import application  # noqa: E402,F401 - only now
