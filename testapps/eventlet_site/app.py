"""testapps/greenlets.py with eventlet in the place of threads."""

import warnings

warnings.simplefilter("ignore", DeprecationWarning)  # eventlet's own, of itself

import eventlet  # noqa: E402

eventlet.monkey_patch()

from greenlets import application  # noqa: E402,F401 - only now
